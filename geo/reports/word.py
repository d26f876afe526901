"""Which Word files does a study get: its report, one short report a district, one page a park."""

from __future__ import annotations

import gc
import re
from typing import TYPE_CHECKING, Any

from geo.reports import cells, scope as scope_room
from geo.reports.atlas import Atlas
from geo.reports.chapters import write_chapters
from geo.reports.document import MARGINS_MM, NARROW_MM, TABLE_PT, Report
from geo.reports.edition import Edition
from geo.reports.park_pages import write_parks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from geo.messages import Lang
    from geo.reports.scope import Scope
    from geo.results import Results

REPORT, PARKS, DISTRICTS = "report.docx", "parks.docx", "districts"
PARK_PT = 8.0  # of the tables of a page that holds a park and everything about it
_NAME_CHARACTERS = 60
_SEPARATORS = re.compile(r"[^\w.-]+")


def write_word(results: Results, folder: Path, *, lang: Lang, kept: dict[str, Any] | None = None) -> list[str]:
    """Write all Word files into a folder and return their names, those of districts in a folder of their own.

    `kept` is what editions of these results have worked out (:class:`geo.reports.edition.Edition`).
    """
    edition = Edition(results, lang, kept={} if kept is None else kept)
    atlas = Atlas(edition)
    names = []
    gc.freeze()  # what was there before is not looked through again and again
    try:
        for name, content in _files(edition, atlas):
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
            names.append(name)
            gc.collect()  # a document and its parts point at each other
            gc.freeze()  # and what stays is not looked through after the next one
    finally:
        gc.unfreeze()
    return names


def _files(edition: Edition, atlas: Atlas) -> Iterator[tuple[str, bytes]]:
    findings = scope_room.Findings(edition)
    whole = scope_room.whole(findings)
    yield REPORT, _report(whole, atlas)
    districts = scope_room.districts(findings)
    for name, scope in zip(safe_names([scope.unit[1] for scope in districts]), districts, strict=True):
        yield f"{DISTRICTS}/report_{name}.docx", _report(scope, atlas)
    if (edition.results.units["unit_kind"] == "park").any():
        yield PARKS, _parks(edition, whole, atlas)


def safe_names(ids: list[str]) -> list[str]:
    """Return a name for each id that every system takes as a file's, all different, also where case does not count.

    Examples
    --------
    >>> safe_names(["D1", "d1", "../x", "片区 甲", ""])
    ['D1', 'd1_2', 'x', '片区_甲', '_']
    """
    taken: set[str] = set()
    names = []
    for each in ids:
        stem = _SEPARATORS.sub("_", each)[:_NAME_CHARACTERS].strip("._-") or "_"
        name, again = stem, 1
        while name.casefold() in taken:
            again += 1
            name = f"{stem}_{again}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _begun(
    edition: Edition, title: str, *, margins_mm: Mapping[str, float] = MARGINS_MM, table_pt: float = TABLE_PT
) -> Report:
    words = {
        "contents": edition.tell("contents"),
        "table": edition.tell("table"),
        "figure": edition.tell("figure"),
        "table_series": edition.tell("table_series"),
        "figure_series": edition.tell("figure_series"),
        "nothing": edition.tell("nothing"),
        "page": edition.tell("page", n="{n}"),
    }
    return Report(
        edition.lang,
        title=title,
        day=edition.results.study.last_day,
        words=words,
        margins_mm=margins_mm,
        table_pt=table_pt,
    )


def _report(scope: Scope, atlas: Atlas) -> bytes:
    edition, head = scope.edition, scope.edition.results.study.head
    title = edition.tell("title", name=scope.name)
    report = _begun(edition, title)
    below = [edition.tell("below", period=head.period, day=edition.results.study.last_day.isoformat())]
    if not scope.is_study:
        below.insert(0, cells.text_of(head.name, edition.lang))
    if head.synthetic:
        below.append(edition.say("synthetic_mark"))
    report.title(title, below)
    report.contents()
    write_chapters(report, scope, atlas)
    return report.save()


def _parks(edition: Edition, whole: Scope, atlas: Atlas) -> bytes:
    report = _begun(edition, edition.tell("title_parks", name=whole.name), margins_mm=NARROW_MM, table_pt=PARK_PT)
    write_parks(report, edition, atlas)
    return report.save()

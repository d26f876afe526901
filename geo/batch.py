"""Many studies: every one below a folder, each with its own outcome, and one page that lists them."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from geo.errors import Fault, GeoError, InputFaultsError
from geo.messages import DEFAULT_LANG, Message, subject, text
from geo.pipeline import analyse
from geo.study import STUDY_FILE, read_study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from geo.messages import Lang
    from geo.study import Study


@dataclass(frozen=True)
class Outcome:
    """What became of one study.

    Attributes
    ----------
    label
        The study's folder, relative to the batch's.
    done
        Whether its results were written.
    lines
        Every fault, where it failed.
    summary
        Content of its `summary.json`, where it was done.
    """

    label: str
    done: bool
    lines: tuple[str, ...] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)


def run_all(
    folder: Path,
    *,
    out: Path,
    data: tuple[Path, ...] = (),
    lang: Lang = DEFAULT_LANG,
    tell: Callable[[Outcome, int, int], None] = lambda *_: None,
) -> tuple[list[Outcome], Path]:
    """Run every study below a folder, in the order of their names.

    Parameters
    ----------
    folder
        Looked through for `study.toml`, at any depth.
    out
        Results go to `<out>/<id>/`, and the list of all to `<out>/index.html`.
    data
        Further folders for layer paths.
    lang
        Language of outputs.
    tell
        Told each outcome, its number and how many there are.

    Returns
    -------
    The outcomes, and the page that lists them.

    Raises
    ------
    InputFaultsError
        When there is no study below the folder, or the page cannot be written.
    """
    files = sorted(folder.rglob(STUDY_FILE))
    if not files:
        why = "cli.none_found" if folder.is_dir() else "cli.no_folder"
        raise InputFaultsError([Fault(str(folder), Message(why))])
    taken: dict[str, str] = {}
    outcomes: list[Outcome] = []
    for number, file in enumerate(files, start=1):
        outcome = _one(file, folder, out=out, data=data, lang=lang, taken=taken)
        outcomes.append(outcome)
        tell(outcome, number, len(files))
    page = out / "index.html"
    try:
        out.mkdir(parents=True, exist_ok=True)
        fresh = out / ".index.html.new"
        fresh.write_text(index_page(outcomes, lang=lang), encoding="utf-8")
        fresh.replace(page)
    except OSError as error:
        raise InputFaultsError([Fault(str(out), Message("new.unwritable", {"why": error.strerror or ""}))]) from error
    return outcomes, page


def _one(file: Path, folder: Path, *, out: Path, data: tuple[Path, ...], lang: Lang, taken: dict[str, str]) -> Outcome:
    """Run one study; whatever stops it is its own outcome, so that the others go on."""
    label = file.parent.relative_to(folder).as_posix()
    label = folder.resolve().name if label == "." else label
    try:
        study = _own_place(read_study(file, data=data), label, taken)
        analysis = analyse(study, progress=lambda *_: None)
        analysis.write(out / study.head.id, lang=lang)
        taken[study.head.id.casefold()] = label
    except InputFaultsError as error:
        return Outcome(label, done=False, lines=tuple(fault.text(lang) for fault in error.faults))
    except GeoError as error:
        return Outcome(label, done=False, lines=(str(error),))
    except Exception as error:  # noqa: BLE001 - a fault of ours in one study must not stop a night's batch
        return Outcome(label, done=False, lines=(text("cli.unexpected", lang, kind=type(error).__name__, why=error),))
    return Outcome(label, done=True, summary=analysis.summary)


def _own_place(study: Study, label: str, taken: dict[str, str]) -> Study:
    """Return a study whose results go to a folder of their own, also where case does not count."""
    own = study.head.id.casefold()
    if own in taken:
        clash = Message("cli.same_id", {"id": study.head.id, "other": taken[own]})
        raise InputFaultsError([Fault(f"{label}/{STUDY_FILE}: study.id", clash)])
    return study


def index_page(outcomes: list[Outcome], *, lang: Lang = DEFAULT_LANG) -> str:
    """Return an offline page that lists all studies; every text of the data is escaped."""
    words = {name: html.escape(value) for name, value in subject("batch", lang).items()}
    rows = "\n".join(_row(outcome, words, lang) for outcome in outcomes)
    done = sum(outcome.done for outcome in outcomes)
    count = html.escape(text("batch.count", lang, done=done, failed=len(outcomes) - done))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if lang == "zh" else "en"}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{words["title"]}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{words['title']}</h1>\n<p>{count}</p>\n"
        f"<table>\n<thead><tr><th>{words['study']}</th><th>{words['period']}</th><th>{words['people']}</th>"
        f"<th>{words['shares']}</th><th class='n'>{words['gaps']}</th><th>{words['files']}</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody>\n</table>\n<p class='basis'>{words['basis']}</p>\n</body>\n</html>\n"
    )


_STYLE = (
    "body{font:16px/1.6 'Noto Sans CJK SC','Microsoft YaHei','PingFang SC',sans-serif;max-width:72rem;margin:2rem auto;"
    "padding:0 1rem;color:#1f2933}h1{font-size:1.5rem}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.5rem .75rem;border-bottom:1px solid #d9dee5}"
    "thead th{border-bottom:2px solid #7b8794}.n{text-align:right}.bad{color:#9b1c1c}.mark{color:#8a5a00}"
    "ul{margin:0;padding-left:1.1rem}.basis{color:#52606d;font-size:.9rem}a{color:#14507a}"
)


def _row(outcome: Outcome, words: dict[str, str], lang: Lang) -> str:
    if not outcome.done:
        faults = "".join(f"<li>{html.escape(line)}</li>" for line in outcome.lines)
        return (
            f"<tr><td>{html.escape(outcome.label)}</td><td colspan='5' class='bad'>{words['failed']}"
            f"<ul>{faults}</ul></td></tr>"
        )
    found = outcome.summary
    study_id = html.escape(found["study"]["id"], quote=True)
    mark = f" <span class='mark'>{words['synthetic']}</span>" if found["study"]["synthetic"] else ""
    people = "".join(
        f"<li>{html.escape(text(f'word.{group}', lang))} {number:,.0f}</li>"
        for group, number in found["people"].items()
    )
    timed = [service for service in found["services"].values() if service["test"] == "minutes"]
    shares = "".join(f"<li>{html.escape(_share(service, lang))}</li>" for service in timed)
    gaps = sum(service["gaps"] for service in timed)
    links = " · ".join(
        f"<a href='{study_id}/{file}'>{words[name]}</a>"
        for name, file in (("map", "map.html"), ("report", "report.xlsx"))
    )
    return (
        f"<tr><td>{html.escape(found['study']['name'])}{mark}</td><td>{html.escape(found['study']['period'])}</td>"
        f"<td><ul>{people}</ul></td><td><ul>{shares}</ul></td><td class='n'>{gaps}</td><td>{links}</td></tr>"
    )


def _share(service: Mapping[str, Any], lang: Lang) -> str:
    group, numbers = next(iter(service["groups"].items()))
    share = text("word.not_assessed", lang) if numbers["share"] is None else f"{numbers['share']:.1%}"
    mode = service["mode"]
    known = subject("word", lang)
    return text(
        "batch.share",
        lang,
        service=service["label" if lang == "zh" else "label_en"],
        mode=known.get(mode, mode),
        limit=f"{service['limit']:g}",
        group=text(f"word.{group}", lang),
        share=share,
    )

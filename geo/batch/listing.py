"""What the lists of a batch say: which study stands where, how each service covers each, what failed and why."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from geo.messages import subject, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from geo.batch.outcome import Outcome
    from geo.messages import Lang

SHARE_DECIMALS = 6
PEOPLE_DECIMALS = 3
Status = Literal["ok", "edge", "no_demand", "not_assessed", "presence"]


@dataclass(frozen=True)
class Ring:
    """A column of the matrix: one service measured in one way, so that a column never mixes bases."""

    service: str
    label: str
    mode: str
    limit: float | None
    group: str


@dataclass(frozen=True)
class Figure:
    """One service of one study for one group, and the gaps with people of that group.

    For a service that is a yes or no per unit, people are numbers of units.
    """

    ring: Ring
    headline: bool
    people: float
    people_served: float | None
    share: float | None
    status: str
    gaps: int
    gap_people: float


@dataclass(frozen=True)
class Line:
    """One study that was computed.

    `share` is people served over people, summed over the headlines of all services that were assessed;
    `rank` counts from 1, equal shares stand equal; both are None where nothing was assessed. A gap that has people of
    two groups counts once in `gaps`, and in the figure of either group.
    """

    rank: int | None
    label: str
    study_id: str
    name: str
    code: str | None
    period: str
    synthetic: bool
    people: Mapping[str, float]
    share: float | None
    below: int
    assessed: int
    gaps: int
    figures: tuple[Figure, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """All studies of a batch, the ones computed in the order of their ranks."""

    lines: tuple[Line, ...]
    failures: tuple[Outcome, ...]
    rings: tuple[Ring, ...]
    pass_line: float | None


def of(outcomes: Sequence[Outcome], lang: Lang) -> Listing:
    """Return the lists of a batch, whatever the order of its outcomes."""
    done = sorted((outcome for outcome in outcomes if outcome.done), key=lambda outcome: outcome.label)
    lines = _ranked([_line(outcome, lang) for outcome in done])
    rings = {figure.ring: None for line in lines for figure in line.figures if figure.headline}
    lines_drawn = {outcome.summary["parameters"]["pass_line"] for outcome in done}
    return Listing(
        lines=tuple(lines),
        failures=tuple(sorted((outcome for outcome in outcomes if not outcome.done), key=lambda each: each.label)),
        rings=tuple(sorted(rings, key=lambda ring: (ring.limit is None, ring.service, ring.mode, str(ring.limit)))),
        pass_line=lines_drawn.pop() if len(lines_drawn) == 1 else None,
    )


def _line(outcome: Outcome, lang: Lang) -> Line:
    found = outcome.summary
    figures = tuple(_figures(found["services"], lang))
    pass_line = found["parameters"]["pass_line"]
    counted = [figure for figure in figures if figure.headline and figure.share is not None and figure.ring.limit]
    people = sum(figure.people for figure in counted)
    served = sum(figure.people_served or 0.0 for figure in counted)
    return Line(
        rank=None,
        label=outcome.label,
        study_id=outcome.study_id,
        name=found["study"]["name"],
        code=found["study"]["code"],
        period=found["study"]["period"],
        synthetic=found["study"]["synthetic"],
        people={group: round(number, PEOPLE_DECIMALS) for group, number in found["people"].items()},
        share=round(served / people, SHARE_DECIMALS) if people else None,
        below=sum(figure.share is not None and figure.share < pass_line for figure in counted),
        assessed=len(counted),
        gaps=sum(service["gaps"] for service in found["services"].values() if service["test"] == "minutes"),
        figures=figures,
        files=outcome.files,
    )


def _figures(services: Mapping[str, Mapping[str, Any]], lang: Lang) -> Iterator[Figure]:
    """Yield the figures of each service: of its first group the headline, then those of the others."""
    for code, service in services.items():
        label = service["label" if lang == "zh" else "label_en"]
        if service["test"] == "presence":
            ring = Ring(code, label, "presence", None, service["unit_kind"])
            units, having = service["units"], service["units_with"]
            share = round(having / units, SHARE_DECIMALS) if units else None
            yield Figure(ring, True, units, having, share, "presence", 0, 0.0)  # noqa: FBT003 - a field
        if service["test"] != "minutes":
            continue
        for number, (group, counts) in enumerate(service["groups"].items()):
            served, share = counts["people_served"], counts["share"]
            yield Figure(
                ring=Ring(code, label, service["mode"], service["limit"], group),
                headline=number == 0,
                people=round(counts["people"], PEOPLE_DECIMALS),
                people_served=None if served is None else round(served, PEOPLE_DECIMALS),
                share=None if share is None else round(share, SHARE_DECIMALS),
                status=counts["status"],
                gaps=counts["gaps"],
                gap_people=round(counts["gap_people"], PEOPLE_DECIMALS),
            )


def _ranked(lines: list[Line]) -> list[Line]:
    """Return lines by share, the best first; the ones without a share last, without a rank."""
    lines = sorted(lines, key=lambda line: (line.share is None, -(line.share or 0.0), line.label))
    ranked: list[Line] = []
    for place, line in enumerate(lines, start=1):
        same = ranked and ranked[-1].share == line.share
        rank = None if line.share is None else ranked[-1].rank if same else place
        ranked.append(Line(**{**vars(line), "rank": rank}))
    return ranked


def header_of(ring: Ring, lang: Lang) -> str:
    """Return what stands over a column: the service with its whole basis.

    Examples
    --------
    >>> header_of(Ring("gig_station", "Gig-work station", "walk", 15.0, "residents"), "en")
    'Gig-work station (walk 15 min, residents)'
    """
    words = subject("word", lang)
    if ring.limit is None:
        return text("batch.head_presence", lang, service=ring.label, kind=words.get(ring.group, ring.group))
    mode = words.get(ring.mode, ring.mode)
    group = words.get(ring.group, ring.group)
    return text("batch.head_ring", lang, service=ring.label, mode=mode, limit=f"{ring.limit:g}", group=group)


def headlines(line: Line) -> dict[Ring, Figure]:
    """Return the cells of a study's row in the matrix."""
    return {figure.ring: figure for figure in line.figures if figure.headline}


def as_json(found: Listing) -> bytes:
    """Return `batch.json`: every figure and every reason, for machines."""
    content = {
        "done": len(found.lines),
        "failed": len(found.failures),
        "pass_line": found.pass_line,
        "studies": [asdict(line) for line in found.lines],
        "failures": [
            {"label": outcome.label, "study_id": outcome.study_id, "reasons": list(outcome.lines)}
            for outcome in found.failures
        ],
    }
    shown = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    return f"{shown}\n".encode("utf-8", errors="replace")

"""Which rows of the coverage decide: the headline group of each service at its deciding ring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo.reports import cells, wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from geo.catalogue import Ring, ServiceType
    from geo.reports.edition import Edition
    from geo.results import Results

PASS_LINE = 0.85
Unit = tuple[str, str]
Key = tuple[str, str, float | None, str | None]
Shares = Mapping[Key, Mapping["Unit", "Covered"]]
People = Mapping[Unit, Mapping[str, float]]


@dataclass(frozen=True)
class Covered:
    """One row of the coverage as sheets read it; None for what is missing.

    Attributes
    ----------
    people, served
        Everyone of the group in the unit, and those within the limit.
    share
        0 to 1, None where not assessed or nobody is there.
    status
        `schema.COVERAGE_STATUS`.
    """

    people: float | None
    served: float | None
    share: float | None
    status: str


def pass_line(results: Results) -> float:
    """Return the share from which a unit passes, 0 to 1."""
    given = cells.number_of(results.summary.get("parameters", {}).get("pass_line"))
    if given is None:
        return PASS_LINE
    return given / 100.0 if given > 1.0 else given


def of_ring(edition: Edition, service: str, ring: Ring | None, group: str | None) -> Mapping[Unit, Covered]:
    """Return unit → its row for one service, ring and group; `ring` None asks for the yes or no per unit."""
    key = (service, wording.PRESENCE, None, None) if ring is None else (service, ring.mode, ring.limit, group)
    return edition.shares.get(key, {})


def shares(table: pd.DataFrame) -> Shares:
    """Return service, mode, limit and group → unit → its row, the first where there are several.

    A yes or no per unit has neither a limit nor a group.
    """
    found: dict[Key, dict[Unit, Covered]] = {}
    columns = ("service", "mode", "limit_minutes", "demand", "unit_kind", "unit_id")
    numbers = ("people", "people_served", "share", "status")
    for service, mode, limit, group, kind, code, people, served, share, status in _listed(table, *columns, *numbers):
        key = (service, mode, None, None) if mode == wording.PRESENCE else (service, mode, limit, group)
        by_unit = found.setdefault(key, {})
        unit = (kind, _code(code))
        if unit not in by_unit:
            by_unit[unit] = Covered(
                cells.number_of(people), cells.number_of(served), cells.number_of(share), str(status)
            )
    return found


def headlines(edition: Edition) -> dict[str, Mapping[Unit, Covered]]:
    """Return service → unit → the row that decides, in the order of the services; lists have none."""
    return {
        code: of_ring(edition, code, kind.rings[0] if kind.rings else None, headline_group(kind))
        for code, kind in edition.results.services.items()
        if kind.test != "inventory"
    }


def headline_group(kind: ServiceType) -> str | None:
    """Return the group that a service is judged by, None where it is a yes or no per unit."""
    return kind.demand[0] if kind.test == "minutes" and kind.demand else None


def unit_names(results: Results) -> dict[Unit, str]:
    """Return unit → name, in the order of the coverage."""
    table = results.coverage
    found: dict[Unit, str] = {}
    for kind, code, name in _listed(table, "unit_kind", "unit_id", "unit_name"):
        found.setdefault((kind, _code(code)), name)
    return found


def people(results: Results) -> People:
    """Return unit → group → people, for the groups that some evaluated service serves."""
    table = results.coverage[results.coverage["mode"] != wording.PRESENCE]
    found: dict[Unit, dict[str, float]] = {}
    for kind, code, group, number in _listed(table, "unit_kind", "unit_id", "demand", "people"):
        counted = cells.number_of(number)
        if counted is not None:
            found.setdefault((kind, _code(code)), {}).setdefault(group, counted)
    return found


def _listed(table: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Give the rows of some columns; a list of Python's own values is walked quicker than a column."""
    return zip(*(table[name].tolist() for name in columns), strict=True)


def _code(unit_id: object) -> str:
    """Return the id of a unit; the study and what is outside all units have none."""
    return unit_id if isinstance(unit_id, str) else ""

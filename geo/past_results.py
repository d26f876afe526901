"""What a result folder of an earlier run holds: its gaps, the people they are made of, and how they were measured."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import pandas as pd
import pyogrio

from geo import schema
from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUMMARY, LAYERS = "summary.json", "layers.gpkg"
PAST_LAYER, LEDGER_LAYER = "gaps_past", "ledger_found"
_GAPS = (*schema.GAPS, "unit_id", "demand_ids")
_DEMAND = ("id", "people", "group")
_SAID = ("study", "inputs", "parameters")


class PastResults(NamedTuple):
    """What was found in a period, as its folder says.

    Attributes
    ----------
    folder
        Where it was read from.
    summary
        Content of `summary.json`.
    gaps
        `schema.GAPS` with `unit_id` and `demand_ids`; metric CRS of that study. Minutes are `inf` where half of the
        people reached none.
    past
        `schema.GAPS_PAST`: gaps that were gone already then; may be empty.
    demand
        `id`, `people`, `group` and `minutes_<service>` (NaN also where none is reached).
    units
        Communities: `unit_id`, `unit_name`.
    points
        Service points with `id`, `name`, `type`, `counted`.
    ledger
        `schema.LEDGER_FOUND`: what the ledger said before that run; None where it could not be read, or was not kept.
    sha256
        Of `summary.json`.
    """

    folder: Path
    summary: Mapping[str, Any]
    gaps: gpd.GeoDataFrame
    past: gpd.GeoDataFrame
    demand: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    points: gpd.GeoDataFrame
    ledger: pd.DataFrame | None
    sha256: str

    @property
    def period(self) -> str:
        """The period of the results."""
        return str(self.summary["study"]["period"])


def missing_files(folder: Path) -> list[str]:
    """Return which of the files that a comparison needs are not in a folder."""
    return [name for name in (SUMMARY, LAYERS) if not (folder / name).is_file()]


def read(folder: Path) -> PastResults:
    """Read a result folder, the gaps and people of one period.

    Raises
    ------
    InputFaultsError
        When the folder is no result folder, or a file in it cannot be read.
    """
    if missing := missing_files(folder):
        values = {"missing": ", ".join(missing)}
        raise InputFaultsError([Fault(str(folder), Message("compare.no_results", values))])
    summary = _summary(folder / SUMMARY)
    try:
        there = {str(name) for name, _ in pyogrio.list_layers(folder / LAYERS)}
        tables = {name: gpd.read_file(folder / LAYERS, layer=name) for name in ("gaps", "demand", "service_points")}
        units = gpd.read_file(folder / LAYERS, layer="communities")
        gone, found = (
            gpd.read_file(folder / LAYERS, layer=name) if name in there else None for name in (PAST_LAYER, LEDGER_LAYER)
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, OSError, ValueError) as error:
        raise InputFaultsError([Fault(str(folder / LAYERS), Message("compare.broken", {"why": error}))]) from error
    lacking = {"gaps": _GAPS, "demand": _DEMAND}
    faults = [
        Fault(str(folder / LAYERS), Message("compare.old_layer", {"layer": name, "columns": ", ".join(absent)}))
        for name, columns in lacking.items()
        if (absent := [column for column in columns if column not in tables[name].columns])
    ]
    if faults:
        raise InputFaultsError(faults)
    past = gone if gone is not None and {*schema.GAPS_PAST} <= {*gone.columns} else none_past(tables["gaps"])
    past["demand_ids"] = past["demand_ids"].fillna("")
    for table in (tables["gaps"], past):  # the format has no infinity: half of the people reached none
        table["minutes_to_nearest"] = table["minutes_to_nearest"].astype(float).fillna(math.inf)
    told = hashlib.sha256((folder / SUMMARY).read_bytes()).hexdigest()
    return PastResults(
        folder,
        summary,
        gaps=tables["gaps"],
        past=past,
        demand=tables["demand"],
        units=units,
        points=tables["service_points"],
        ledger=_ledger(found),
        sha256=told,
    )


def _ledger(found: gpd.GeoDataFrame | None) -> pd.DataFrame | None:
    if found is None or not {*schema.LEDGER_FOUND} <= {*found.columns}:
        return None
    table = pd.DataFrame(found[[*schema.LEDGER_FOUND]])
    return table.astype({"lon": float, "lat": float, "struck": bool, "fresh": bool})


def none_past(like: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the table of gaps that are gone, without a row, in the CRS of another table."""
    columns: dict[str, list[object]] = {name: [] for name in schema.GAPS_PAST}
    found = gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=like.crs), crs=like.crs)
    return found.astype(
        {name: float if name in {"people", "minutes_to_nearest"} else object for name in schema.GAPS_PAST}
    )


def _summary(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputFaultsError([Fault(str(file), Message("compare.broken", {"why": error}))]) from error
    if not isinstance(found, dict) or any(name not in found for name in _SAID):
        values = {"layer": SUMMARY, "columns": ", ".join(_SAID)}
        raise InputFaultsError([Fault(str(file), Message("compare.old_layer", values))])
    return found

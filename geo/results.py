"""What an analysis holds: the tables and surfaces that every output reads, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from geo import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.grid import Surface
    from geo.messages import Message
    from geo.study import Study


@dataclass(frozen=True)
class StreetGraph:
    """The streets of one mode with the links of service points and of starts that stand for units.

    Attributes
    ----------
    piece
        (edges,) row of the street piece, or None where edges are parts of pieces.
    start, end
        (edges,) junctions.
    minutes_forward, minutes_backward
        (edges,) `inf` where that way is not allowed.
    island
        (edges,) whether the component is too small to matter.
    xy, offset
        Geometry as in :class:`geo.network.Network`, metres.
    facilities
        `row` (of the service points), `edge`, `at` (share of the edge), `leg` (minutes); counted ones that are
        attached, maybe two lines for one.
    starts
        The same for the starts; `row` is that of `units`.
    units
        `unit_kind`, `unit_id` and `row` (of the demand) of the start that stands for each unit.
    """

    piece: NDArray[np.int64] | None
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    minutes_forward: NDArray[np.float64]
    minutes_backward: NDArray[np.float64]
    island: NDArray[np.bool_]
    xy: NDArray[np.float64]
    offset: NDArray[np.int64]
    facilities: pd.DataFrame
    starts: pd.DataFrame
    units: pd.DataFrame


@dataclass(frozen=True)
class Results:
    """All results of one study, in the study's metric CRS.

    Attributes
    ----------
    study
        The study as read.
    services
        Evaluated service types by code, with the study's own settings applied.
    units
        `schema.UNITS`: communities, parks, factories and districts.
    service_points
        `schema.SERVICE_POINTS`, plus `unit_community`, `unit_park`, `unit_factory` (the unit it stands
        in, or ""), `snap_m_<mode>` and `snap_status_<mode>` per mode.
    demand
        `schema.DEMAND`, plus `snap_m_<mode>`, `snap_status_<mode>`, `minutes_<service>`,
        `nearest_<service>` and `minutes_<service>_<mode>` for further rings; `metres_<service>` on streets to
        the nearest on foot, up to 6 km, for services that are walked to. NaN where the group is
        not served by the type, `inf` where no such service is reached within the horizon.
    coverage
        `schema.COVERAGE`, one row per unit, service, ring, group and band; the geometry of the unit;
        `note` is "" or a :class:`geo.messages.Message`.
    gaps
        `schema.GAPS`, plus `unit_id`, `people_<group>`; polygons around the people concerned.
    isochrones
        `schema.ISOCHRONES`: exact contours of the surfaces.
    drawing
        The dissolved isochrones as the map draws them (simplified); misplaced people are counted on these.
    surfaces
        Travel-time surfaces by (service, mode).
    streets
        `schema.STREETS`, the street pieces.
    context
        Further layers for the drawing: `boundary`, `water`, `barriers`, `gates`, `venues`; maybe empty.
    repairs
        `schema.REPAIRS`: what the reader did to the input.
    summary
        What `summary.json` says; texts for people are messages.
    standards
        `schema.COVERAGE_STANDARDS`: coverage by the standards' distances, one row per unit, service, distance and
        group; None where it was not computed.
    matches
        `schema.MATCHES`: for every gap the venues with room that would serve most of its people; None where it was
        not computed.
    comparison
        `schema.COMPARISON` plus `comparable` (False where the way of measuring changed) and `grown`: what
        became of each gap since the previous period; None without one.
    changes
        What changed of inputs and parameters since the previous period, to be said before any progress.
    ledger
        `schema.LEDGER` plus `overdue`: the ledger as carried on, ids and codes for words; None where it
        cannot be read.
    gaps_past
        `schema.GAPS_PAST`: gaps of earlier periods that are there no more; None without a previous period.
    ledger_found
        `schema.LEDGER_FOUND`: what the ledger said before this analysis; None where it cannot be read.
    graphs
        Streets and links by mode, for ways that a reader computes anew; maybe empty.
    """

    study: Study
    services: Mapping[str, ServiceType]
    units: gpd.GeoDataFrame
    service_points: gpd.GeoDataFrame
    demand: gpd.GeoDataFrame
    coverage: gpd.GeoDataFrame
    gaps: gpd.GeoDataFrame
    isochrones: gpd.GeoDataFrame
    drawing: gpd.GeoDataFrame
    surfaces: Mapping[tuple[str, str], Surface]
    streets: gpd.GeoDataFrame
    context: Mapping[str, gpd.GeoDataFrame]
    repairs: pd.DataFrame
    summary: Mapping[str, Any]
    standards: gpd.GeoDataFrame | None = None
    matches: pd.DataFrame | None = None
    comparison: pd.DataFrame | None = None
    changes: tuple[Message, ...] = ()
    ledger: pd.DataFrame | None = None
    gaps_past: gpd.GeoDataFrame | None = None
    ledger_found: pd.DataFrame | None = None
    graphs: Mapping[str, StreetGraph] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("units", "service_points", "demand", "coverage", "gaps", "isochrones"):
            schema.require_columns(getattr(self, name), getattr(schema, name.upper()), what=name)

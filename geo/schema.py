"""Column contracts of the tables that pass from one room to another.

Every table is a pandas DataFrame or a GeoDataFrame in the study's metric CRS. Columns beyond the
contract travel along untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd  # noqa: TC002 - the doctests use it

from geo.errors import GeoValueError

if TYPE_CHECKING:
    from collections.abc import Iterable

GROUPS = ("residents", "workers", "elders")
UNIT_KINDS = ("community", "park", "factory", "district", "study", "outside")

# Canonical columns that a layer may bring (study-file contract).
LAYER_COLUMNS = (
    "id",
    "name",
    "type",
    "population",
    "elders",
    "workers",
    "capacity",
    "hours",
    "status",
    "mobile",
    "venue",
    "district",
    "town",
    "area",
    "unit_id",
    "lon",
    "lat",
)

# What the reader did to rows: one line a row (or a layer, where `row` is missing).
# `action` is kept | repaired | dropped | doubtful | told; `message` a geo.messages.Message.
REPAIRS = ("layer", "source", "row", "id", "action", "message")

# Street pieces between junctions. `start_node`/`end_node` are 0-based numbers without gaps.
# `length_m` is ellipsoidal. The tag columns hold "" where the source says nothing.
STREET_TAGS = (
    "highway",
    "oneway",
    "access",
    "foot",
    "bicycle",
    "motor_vehicle",
    "junction",
    "oneway_bicycle",
    "bridge",
    "tunnel",
    "service",
    "name",
    "maxspeed",
    "motorroad",
    "vehicle",
    "motorcar",
    "route",
    "cycleway",
    "cycleway_left",
    "cycleway_right",
    "cycleway_left_oneway",
    "cycleway_right_oneway",
)
# The OpenStreetMap key of a tag column, where it is not the column's own name.
STREET_TAG_KEYS = {
    "oneway_bicycle": "oneway:bicycle",
    "cycleway_left": "cycleway:left",
    "cycleway_right": "cycleway:right",
    "cycleway_left_oneway": "cycleway:left:oneway",
    "cycleway_right_oneway": "cycleway:right:oneway",
}
# Ways (";" between) that a vehicle may not enter when it leaves a piece at its start or end node; "" nearly always.
# The piece's own way means the turn back.
STREET_TURNS = ("no_turn_start", "no_turn_end")
# Who (foot, bicycle, car; ";" between) cannot pass the start or end node of a piece: a barrier; "" nearly always.
STREET_SHUT = ("shut_start", "shut_end")
STREETS = ("way", "start_node", "end_node", "length_m", *STREET_TAGS, *STREET_TURNS, *STREET_SHUT, "geometry")
# What an access tag may say. Anything else (unknown …) is open, where nothing else closes it.
ACCESS_CLOSED = (
    *("no", "none", "agricultural", "forestry", "emergency", "military"),
    *("psv", "bus", "taxi", "use_sidepath", "impassable"),
)
ACCESS_ENDS = ("private", "destination", "customers", "delivery", "permit", "residents", "employees", "visitors")
ACCESS_STATED = ("yes", "designated", "permissive", "official", "public", "allowed", *ACCESS_ENDS)

# `state` is working | planned | closed | doubtful; `counted` says whether minutes are computed to it.
# `type` is a catalogue code ("" where unknown), `type_original` what the layer says.
SERVICE_POINTS = (
    "id",
    "name",
    "type",
    "type_original",
    "status",
    "state",
    "mobile",
    "counted",
    "venue",
    "capacity",
    "geometry",
)

# `unit_kind` is community | park | factory | district; `districts` lists district ids, joined by ";".
UNITS = (
    "unit_kind",
    "unit_id",
    "unit_name",
    "population",
    "elders",
    "workers",
    "town",
    "area",
    "districts",
    "gates_from",
    "geometry",
)

# One row per place and group. community, park and factory hold a unit id or "" (outside).
DEMAND = ("id", "people", "group", "community", "park", "factory", "districts", "geometry")

SNAP_STATUS = ("ok", "far", "island", "no_geometry")
# `edge2` … is a second candidate where `edge` may be used one way only; -1 and NaN where there is none.
SNAPPED = ("edge", "fraction", "snap_m", "snap_status", "edge2", "fraction2", "snap_m2")

COVERAGE = (
    "unit_kind",
    "unit_id",
    "unit_name",
    "service",
    "mode",
    "limit_minutes",
    "demand",
    "people",
    "people_served",
    "share",
    "status",
    "people_not_attached",
    "note",
)
# The same by the standards' distances: `mode` is std_distance | std_radius, `limit_minutes` the minutes beside which the
# distance stands, `limit_m` the metres that count (";" between where areas differ), `limit_status` how sure they are.
COVERAGE_STANDARDS = (*COVERAGE, "limit_m", "limit_status")
# What is known of a unit's streets; `mode` and `group` name whom `people` and the shares are about.
ADEQUACY = (
    "unit_kind",
    "unit_id",
    "unit_name",
    "ground_km2",
    "street_km",
    "street_km_per_km2",
    "street_m_per_resident",
    "mode",
    "group",
    "people",
    "far_share",
    "island_share",
    "detached_share",
    "status",
    "reason",
    "not_assessed_for",
)
COVERAGE_STATUS = ("ok", "not_assessed", "no_demand", "edge")

GAPS = (
    "gap_id",
    "service",
    "rank",
    "people",
    "minutes_to_nearest",
    "nearest_name",
    "communities",
    "districts",
    "lon",
    "lat",
)

# Venues that would serve people of a gap: how many, how far these go (median), the straight way, the capacity left free.
MATCHES = ("gap_id", "service", "venue_id", "venue_name", "people", "minutes", "metres", "room")
# What became of the gaps since the previous period, one row a gap of either. `state` is one of COMPARISON_STATES;
# `comparable` is False where the way of measuring changed, so that nothing is told as progress; `grown` is True where a
# gap that lasts has a tenth more people than before. People and minutes
# are NaN where the period did not evaluate the service.
COMPARISON = (
    "gap_id",
    "service",
    "state",
    "people_before",
    "people_now",
    "minutes_before",
    "minutes_now",
    "communities",
    "districts",
)
COMPARISON_STATES = ("new", "lasting", "better", "returned", "closing")
# Gaps of earlier periods that are there no more: where one comes back, it gets its old id. `demand_ids` lists people of
# now who are not served yet though the gap went up in another or shrank below the least size; "" where all are served.
GAPS_PAST = ("gap_id", "service", "period", "people", "minutes_to_nearest", "communities", "districts", "demand_ids")
# What the ledger told a run of gaps of before: `struck` where an item was struck off, `fresh` where its entry was made in
# the period of the run; degrees are NaN where not known.
LEDGER_FOUND = ("gap_id", "lon", "lat", "struck", "fresh")

# The ledger of gaps. The first are written by every run, the second once and then kept, the last by people alone.
LEDGER_COMPUTED = (
    *("service", "unit_name", "districts", "people", "nearest_name", "minutes", "state", "state_before"),
    *("first_period", "period", "lon", "lat"),
)
LEDGER_ONCE = ("raised", "source", "status")
LEDGER_PEOPLE = ("level", "received", "assigned", "owner", "deadline", "done", "rating", "struck", "note")
_SEEN_FIRST = LEDGER_COMPUTED[: LEDGER_COMPUTED.index("first_period")]
LEDGER = ("gap_id", *_SEEN_FIRST, *LEDGER_ONCE, *LEDGER_PEOPLE, *LEDGER_COMPUTED[len(_SEEN_FIRST) :])

# `facility_id` is missing where dissolved; `combine` is dissolve | each | split.
ISOCHRONES = ("service", "mode", "limit_minutes", "facility_id", "combine", "geometry")


def require_columns(table: pd.DataFrame, columns: Iterable[str], *, what: str) -> None:
    """Raise GeoValueError unless the table has the columns; the message names those that are missing.

    Examples
    --------
    >>> require_columns(pd.DataFrame({"id": []}), ["id", "people"], what="demand")
    Traceback (most recent call last):
    geo.errors.GeoValueError: demand lacks the columns people; it has id
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        msg = f"{what} lacks the columns {', '.join(missing)}; it has {', '.join(map(str, table.columns))}"
        raise GeoValueError(msg)

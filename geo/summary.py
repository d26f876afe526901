"""What was read, computed and told: the content of `summary.json`, for people and for machines."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo import gaps as gaps_room, quality, units
from geo.areas import KINDS
from geo.messages import Message
from geo.schema import GROUPS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from geo.catalogue import ServiceType
    from geo.layers import LayerSet
    from geo.network import Network
    from geo.study import Study
    from geo.zones import Drawn

PASS_LINE = 0.85
NAMES_TOLD = 5
STATES = ("working", "planned", "closed", "doubtful")
# What the summary reads of the coverage, of points and of people: the less of a table, the quicker its rows are chosen.
_JUDGED = ("service", "unit_kind", "mode", "demand", "limit_minutes", "share", "status", "note")
_TOLD = ("type", "mobile", "state", "counted")
_COUNTED = ("people", "minutes_", "snap_status_")
_LIBRARIES = ("numpy", "scipy", "shapely", "pyproj", "geopandas", "contourpy", "osmium", "rasterio")


def summarise(
    study: Study,
    read: LayerSet,
    *,
    services: Mapping[str, ServiceType],
    points: pd.DataFrame,
    people: pd.DataFrame,
    table: pd.DataFrame,
    standards: pd.DataFrame,
    gaps: pd.DataFrame,
    zones: Drawn,
    networks: Mapping[str, Network],
    repairs: pd.DataFrame,
    unknown: Collection[tuple[str, str, str]],
    figures: pd.DataFrame,
) -> dict[str, Any]:
    """Return the summary of an analysis; people are plain sums of demand points."""
    counted = pd.DataFrame({name: people[name] for name in people.columns if name.startswith(_COUNTED)})
    groups = {group: counted[people["group"] == group] for group in GROUPS}
    judged, told = (
        pd.DataFrame({name: of[name] for name in names}) for of, names in ((table, _JUDGED), (points, _TOLD))
    )
    by_service = {code: _service(service, told, groups, judged, gaps, zones) for code, service in services.items()}
    for code, found in by_service.items():
        if found["test"] == "minutes":
            found["standards"] = _standards(standards[standards["service"] == code])
    return {
        "study": {
            "id": study.head.id,
            "name": study.head.name,
            "code": study.head.code,
            "period": study.head.period,
            "date": study.last_day.isoformat(),
            "synthetic": study.head.synthetic,
            "source": study.head.source,
        },
        "crs": read.crs.to_string(),
        "method": "time_network",
        "inputs": read.inputs,
        "units": {kind: len(read.tables[layer]) for layer, kind in KINDS.items()}
        | {"venue": len(read.tables["venues"])},
        "parameters": _parameters(study, services, networks, zones),
        "versions": {"geo": _version("geo"), **{name: _version(name) for name in _LIBRARIES}},
        "people": {
            group: float(people.loc[people["group"] == group, "people"].sum()) for group in sorted(set(people["group"]))
        },
        "services": by_service,
        "snap": {
            mode: {str(k): int(v) for k, v in people[f"snap_status_{mode}"].value_counts().sort_index().items()}
            for mode in networks
        },
        "adequacy": figures.round(6).to_dict("records"),
        "misplaced_share": max(zones.misplaced.values(), default=0.0),
        "misplaced_uniform_share": max(zones.misplaced_uniform.values(), default=0.0),
        "data_quality": {
            "sources": quality.counted(read.inputs),
            "lines": [line._asdict() for line in quality.lines(repairs)],
        },
        "repairs": {str(k): int(v) for k, v in repairs["action"].value_counts().sort_index().items()},
        "warnings": [
            *_warnings(study, services, points, by_service, people),
            *_unknown(read, unknown),
            *_doubts(read, repairs),
        ],
    }


def _unknown(read: LayerSet, unknown: Collection[tuple[str, str, str]]) -> list[Message]:
    """Return which units are not in the totals because nobody says how many people they have."""
    told = []
    for group in GROUPS:
        names = [
            str(name)
            for layer in KINDS
            for unit_id, name in zip(read.tables[layer]["id"], read.tables[layer]["name"], strict=True)
            if (KINDS[layer], str(unit_id), group) in unknown
        ]
        if names:
            shown = ", ".join(names[:NAMES_TOLD])
            values = {"count": len(names), "group": Message(f"word.{group}"), "names": shown}
            told.append(Message("run.unknown_people", values))
    return told


def _doubts(read: LayerSet, repairs: pd.DataFrame) -> list[Message]:
    """Return how many rows are doubtful, and the doubts about whole sources, which weigh on every number."""
    whole = repairs[(repairs["action"] == "doubtful") & repairs["row"].isna()]
    told = [
        Message("run.doubtful_source", {"source": source or Message(f"cli.layer_{layer}"), "what": message})
        for layer, source, message in zip(whole["layer"], whole["source"], whole["message"], strict=True)
    ]
    doubtful = sum(item["rows_doubtful"] for item in quality.counted(read.inputs))
    return [*told, Message("run.doubtful_rows", {"count": doubtful})] if doubtful else told


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _parameters(
    study: Study, services: Mapping[str, ServiceType], networks: Mapping[str, Network], zones: Drawn
) -> dict[str, Any]:
    return {
        "modes": {
            name: {
                "speed_kmh": net.mode.speed_kmh,
                "access_kmh": net.mode.access_kmh,
                "streets": net.mode.access,
                "classes": list(net.mode.classes) if net.mode.classes else None,
                "slope": net.mode.slope,
            }
            for name, net in networks.items()
        },
        "cap_m": study.head.cap_m,
        "cell_m": max(zones.cell_m.values(), default=None),
        "pass_line": PASS_LINE,
        "adequacy": study.adequacy.model_dump(),
        "noding": study.noding.model_dump(),
        "services": {
            code: {
                "mode": service.mode,
                "limit": service.limit,
                "minutes": list(service.minutes),
                "also": [{"mode": ring.mode, "limit": ring.limit} for ring in service.also],
                "demand": list(service.demand),
                "direction": service.direction,
                "delay_minutes": service.delay_minutes,
                "basis": service.basis,
                "status": service.status,
            }
            for code, service in services.items()
            if service.test == "minutes"
        },
    }


def _service(
    service: ServiceType,
    points: pd.DataFrame,
    people: Mapping[str, pd.DataFrame],
    table: pd.DataFrame,
    gaps: pd.DataFrame,
    zones: Drawn,
) -> dict[str, Any]:
    mine = points[points["type"] == service.code]
    mobile = mine["mobile"].to_numpy(dtype=bool)
    listed = {state: int(((mine["state"] == state) & ~mobile).sum()) for state in STATES}
    fixed = mine[mine["counted"]]
    found: dict[str, Any] = {
        "label": service.label,
        "label_en": service.label_en,
        "test": service.test,
        "counted": len(fixed) if service.test != "inventory" else listed["working"],
        "listed": {**listed, "mobile": int(mobile.sum())},
    }
    rows = table[table["service"] == service.code]
    if service.test == "presence":
        rows = rows[rows["mode"] == "presence"]
        found |= {"unit_kind": service.unit_kind, "units": len(rows), "units_with": int(rows["share"].sum())}
    if service.test != "minutes":
        return found
    key = (service.code, service.mode)
    theirs = gaps[gaps["service"] == service.code]
    return found | {
        "mode": service.mode,
        "limit": service.limit,
        "groups": {group: _group(service, group, people[group], rows, theirs) for group in service.demand},
        "misplaced_share": zones.misplaced[key],
        "misplaced_uniform_share": zones.misplaced_uniform[key],
        "cell_m": zones.cell_m[key],
        "also": [
            {
                "mode": ring.mode,
                "limit": ring.limit,
                "misplaced_share": zones.misplaced[service.code, ring.mode],
                "misplaced_uniform_share": zones.misplaced_uniform[service.code, ring.mode],
                "cell_m": zones.cell_m[service.code, ring.mode],
            }
            for ring in service.also
        ],
        "gaps": len(theirs),
        "gap_people": float(theirs["people"].sum()),
        "unjudged_not_served": {
            group: round(_not_served(service, people[group]) - float(theirs[f"people_{group}"].sum()), 6)
            for group in gaps_room.counted_groups(service)
        },
    }


def _standards(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the whole study by the standards' distances, one entry a distance and group."""
    whole = rows[rows["unit_kind"] == "study"]
    columns = (
        "mode",
        "limit_minutes",
        "limit_m",
        "limit_status",
        "demand",
        "people",
        "people_served",
        "share",
        "status",
    )
    names = ["way", *columns[1:4], "group", *columns[5:]]
    return [dict(zip(names, row, strict=True)) for row in zip(*(whole[name].tolist() for name in columns), strict=True)]


def _not_served(service: ServiceType, mine: pd.DataFrame) -> float:
    served = units.within(mine[f"minutes_{service.code}"].to_numpy(dtype=np.float64), service.limit)
    return float(mine["people"].to_numpy(dtype=np.float64)[~served].sum())


def _group(
    service: ServiceType, group: str, mine: pd.DataFrame, table: pd.DataFrame, gaps: pd.DataFrame
) -> dict[str, Any]:
    """Return the people of one group: read, served, not served, and of these not attached."""
    weight = mine["people"].to_numpy(dtype=np.float64)
    served = units.within(mine[f"minutes_{service.code}"].to_numpy(dtype=np.float64), service.limit)
    attached = (mine[f"snap_status_{service.mode}"] == "ok").to_numpy()
    mine_of = (table["mode"] == service.mode) & (table["demand"] == group) & (table["limit_minutes"] == service.limit)
    of_study = table["unit_kind"] == "study"
    whole = table[mine_of & of_study].iloc[0]
    unjudged = mine_of & ~of_study & (table["status"] == "not_assessed")
    status = str(whole["status"])
    return {
        "people": float(weight.sum()),
        "people_served": None if status == "not_assessed" else float(weight[served].sum()),
        "people_not_served": None if status == "not_assessed" else float(weight[~served].sum()),
        "people_not_attached": float(weight[~attached].sum()),
        "share": None if np.isnan(whole["share"]) else float(whole["share"]),
        "status": status,
        "note": whole["note"],
        "units_not_assessed": int(unjudged.sum()),
        "gaps": int((gaps[f"people_{group}"] > 0).sum()),
        "gap_people": float(gaps[f"people_{group}"].sum()),
    }


def _warnings(
    study: Study,
    services: Mapping[str, ServiceType],
    points: pd.DataFrame,
    by_service: Mapping[str, Mapping[str, Any]],
    people: pd.DataFrame,
) -> list[Message]:
    """Return what a reader of the results should know first."""
    told = [Message("run.synthetic")] if study.head.synthetic else []
    for code, service in services.items():
        if service.test != "minutes":
            continue
        name = Message("run.service_name", {"zh": service.label, "en": service.label_en})
        here = (points["type"] == code) & points["counted"]
        lost = points["name"][here & (points[f"snap_status_{service.mode}"] != "ok")]
        if not here.any():
            told.append(Message("run.none_built", {"service": name}))
        if len(lost):
            names = ", ".join(str(each) for each in lost.head(NAMES_TOLD))
            told.append(Message("run.lost_service", {"service": name, "count": len(lost), "names": names}))
        told += [
            Message("run.no_group", {"service": name, "group": Message(f"word.{group}")})
            for group, found in by_service[code]["groups"].items()
            if found["people"] == 0
        ]
    apart = people["snap_status_walk"] != "ok"
    detached = people["people"][apart].groupby(people["group"][apart]).sum()
    told += [
        Message("run.detached", {"people": f"{detached[group]:,.0f}", "group": Message(f"word.{group}")})
        for group in GROUPS
        if detached.get(group, 0.0) > 0
    ]
    return told

"""What the page carries: everything it shows, as plain lists, packed into one inert block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo import crs, messages, schema, units as units_room
from geo.maps import cells, findings, ground, packing, routes, shapes
from geo.maps.shapes import Frame

if TYPE_CHECKING:
    import geopandas as gpd

    from geo.catalogue import ServiceType
    from geo.maps.background import Tiles
    from geo.messages import Lang
    from geo.results import Results

Bounds = tuple[float, float, float, float]
_NOWHERE: Bounds = (118.0, 25.0, 118.1, 25.1)  # a page without any geometry still opens
_ROUND_ORIGIN = 100.0
_STEPS_PER_SPAN = 3e-5  # 33,000 steps across: a hundredth of a pixel where the whole study is seen
# What the page reads after its first view, each in a block of its own.
LATER = ("areas", "streets", "graphs")


def build(results: Results, *, lang: Lang, tiles: Tiles | None = None) -> dict[str, Any]:
    """Return all that the page shows.

    Parameters
    ----------
    results
        Results in the study's metric CRS.
    lang
        Language of the texts.
    tiles
        Tiles under the map, where the user asks for them.

    Returns
    -------
    Lists, numbers, texts and None only; `bounds` (west, south, east, north) in degrees.
    """
    gcj02 = tiles is not None and tiles.gcj02
    bounds = _moved(_bounds(results)) if gcj02 else _bounds(results)
    frame = _frame(bounds, gcj02=gcj02)
    streets = ground.streets(results.streets, frame, lang)
    services, modes = list(results.services), list(results.study.modes)
    units = findings.units(results.units, results.coverage, frame, lang)
    keys = list(zip(units["kind"], units["id"], strict=True))
    words: dict[str, Any] = {"services": services, "lang": lang}
    return {
        "lang": lang,
        "texts": {**messages.subject("word", lang), **messages.subject("map", lang)},
        "head": _head(results, lang),
        "bounds": list(bounds),
        "frame": {"lon": frame.lon, "lat": frame.lat, "step": frame.step},
        "tiles": None
        if tiles is None
        else {"urls": list(tiles.urls), "hosts": tiles.subdomains, "credit": tiles.credit},
        "gcj02": gcj02,
        "groups": list(schema.GROUPS),
        "statuses": list(schema.COVERAGE_STATUS),
        "states": list(findings.POINT_STATES),
        "modes": _modes(results, lang),
        "services": _services(results, modes, lang),
        "units": units,
        "coverage": findings.coverage(results.coverage, keys=keys, modes=modes, **words),
        "bands": findings.bands(results.drawing, frame, modes=modes, **words),
        "gaps": findings.gaps(
            results.gaps,
            frame,
            limits={code: kind.limit for code, kind in results.services.items()},
            units=units,
            **words,
        ),
        "points": findings.points(
            results.service_points, frame, units=units, venues=_venue_names(results, lang), **words
        ),
        "street_classes": list(ground.STREET_CLASSES),
        "has_streets": len(results.streets) > 0,
        "streets": streets,
        "context": ground.context(results.context, frame, lang),
        "graphs": routes.graphs(results, frame, lines=streets["shapes"]["lines"], keys=keys, modes=modes, lang=lang),
    }


def blocks(content: dict[str, Any]) -> dict[str, str]:
    """Return the content as packed blocks by name: `data`, which the first view needs, and one each of LATER.

    `areas` are the bands and gaps of what is not shown first: in `data` their shapes are None.
    """
    service, mode = _first_view(content["services"])
    first = {name: part for name, part in content.items() if name not in LATER}
    drawn = [(band["service"], band["mode"]) == (service, mode) for band in content["bands"]]
    of_gaps = content["gaps"]["shapes"]
    first["bands"] = [
        {**band, "shapes": band["shapes"] if shown else None}
        for band, shown in zip(content["bands"], drawn, strict=True)
    ]
    first["gaps"] = {
        **content["gaps"],
        "shapes": [part if place == service else None for place, part in enumerate(of_gaps)],
    }
    areas = {
        "bands": [None if shown else band["shapes"] for band, shown in zip(content["bands"], drawn, strict=True)],
        "gaps": [None if place == service else part for place, part in enumerate(of_gaps)],
    }
    later = {"areas": areas, **{name: content[name] for name in LATER if name in content}}
    return {"data": packing.packed(first), **{name: packing.packed(part) for name, part in later.items()}}


def _first_view(services: list[dict[str, Any]]) -> tuple[int, int]:
    """Return the service that the page opens with, and the mode of its deciding ring; -1 where there is none."""
    timed = [place for place, service in enumerate(services) if service["test"] == "minutes"]
    place = timed[0] if timed else 0
    rings = services[place]["rings"] if services else []
    return place, rings[0]["mode"] if rings else -1


def payload_sizes(results: Results, *, lang: Lang = "zh") -> dict[str, int]:
    """Return how many bytes each part of the page's data takes, packed by itself, the largest first."""
    sizes = {name: len(packing.packed({name: part})) for name, part in build(results, lang=lang).items()}
    return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))


def _bounds(results: Results) -> Bounds:
    """Return where the page opens: units and boundary, else isochrones, else streets; degrees."""
    boundary = results.context.get("boundary")
    first = [results.units] if boundary is None else [results.units, boundary]
    for tables in (first, [results.drawing], [results.streets]):
        found = _total_bounds(tables)
        if found is not None:
            return found
    return _NOWHERE


def _moved(bounds: Bounds) -> Bounds:
    lon, lat = crs.to_gcj02([bounds[0], bounds[2]], [bounds[1], bounds[3]])
    (west, east), (south, north) = np.round(lon, 6).tolist(), np.round(lat, 6).tolist()
    return west, south, east, north


def _frame(bounds: Bounds, *, gcj02: bool = False) -> Frame:
    """Return where the page counts from, and how fine: the wider the study, the coarser, within bounds.

    Examples
    --------
    >>> _frame((118.012, 25.0, 118.112, 25.1)), _frame((118.012, 25.0, 118.812, 25.1)).step
    (Frame(lon=118.01, lat=25.0, step=4e-06, gcj02=False), 1.2e-05)
    """
    west, south, east, north = bounds
    step = min(max(round(max(east - west, north - south) * _STEPS_PER_SPAN, 6), shapes.STEP_DEGREES), shapes.MOST_STEP)
    return Frame(
        float(np.floor(west * _ROUND_ORIGIN) / _ROUND_ORIGIN),
        float(np.floor(south * _ROUND_ORIGIN) / _ROUND_ORIGIN),
        step,
        gcj02,
    )


def _total_bounds(tables: list[gpd.GeoDataFrame]) -> Bounds | None:
    corners = np.concatenate([shapely.bounds(shapes.lonlat(table)).reshape(-1, 4) for table in tables])
    corners = corners[np.isfinite(corners).all(axis=1)]
    if len(corners) == 0:
        return None
    west, south = corners[:, :2].min(axis=0).tolist()
    east, north = corners[:, 2:].max(axis=0).tolist()
    return round(west, 6), round(south, 6), round(east, 6), round(north, 6)


def _head(results: Results, lang: Lang) -> dict[str, Any]:
    study, summary = results.study, results.summary
    system = results.units.crs
    authority = ":".join(system.to_authority() or ()) if system is not None else ""
    parameters = summary.get("parameters") or {}
    return {
        "name": study.head.name,
        "period": study.head.period,
        "date": study.last_day.isoformat(),
        "synthetic": study.head.synthetic,
        "review_no": study.head.review_no or "",
        "source": study.head.source or "",
        "layers": _layer_labels(results, lang),
        "crs": " ".join(part for part in (system.name if system is not None else "", authority) if part),
        "cap_m": cells.number_of(study.head.cap_m, 1),
        "cell_m": cells.number_of(parameters.get("cell_m"), 2),
        "warnings": [cells.text_of(warning, lang) for warning in summary.get("warnings") or ()],
    }


def _layer_labels(results: Results, lang: Lang) -> list[list[str]]:
    """Return each layer of the study, by its name for people, with its sources as the user wrote them."""
    layers, words = results.study.layers, messages.subject("map", lang)
    return [
        [words.get(f"file_{name}", name), *(source.label for source in getattr(layers, name))]
        for name in type(layers).model_fields
        if getattr(layers, name)
    ]


def _modes(results: Results, lang: Lang) -> list[dict[str, Any]]:
    words = messages.subject("word", lang)
    used = ((results.summary.get("parameters") or {}).get("modes")) or {}
    return [
        {
            "label": words.get(name, name),
            "speed_kmh": cells.number_of((used.get(name) or {}).get("speed_kmh", mode.speed_kmh), 2),
            "access_kmh": cells.number_of(mode.access_kmh, 2),
        }
        for name, mode in results.study.modes.items()
    ]


def _services(results: Results, modes: list[str], lang: Lang) -> list[dict[str, Any]]:
    marks = _marks([service.name(lang) for service in results.services.values()])
    said = results.summary.get("services") or {}
    return [
        _service(service, modes, mark=mark, said=said.get(code) or {}, lang=lang)
        for (code, service), mark in zip(results.services.items(), marks, strict=True)
    ]


def _service(service: ServiceType, modes: list[str], *, mark: str, said: dict[str, Any], lang: Lang) -> dict[str, Any]:
    unjudged = said.get("unjudged_not_served") or {}
    return {
        "code": service.code,
        "label": service.name(lang),
        "mark": mark,
        "test": service.test,
        "unit_kind": service.unit_kind,
        "rings": [
            {"mode": place, "limit": cells.number_of(ring.limit, 1), **_misplaced(ring.mode, said)}
            for ring in service.rings
            if (place := cells.places([ring.mode], modes)[0]) >= 0
        ],
        "demand": cells.places(service.demand, schema.GROUPS),
        "basis": service.basis_in(lang),
        "status": service.status,
        "direction": service.direction,
        "horizon": cells.number_of(units_room.horizon(service.limit), 1) if service.rings else None,
        "unjudged": [cells.number_of(unjudged.get(group, 0), 3) or 0 for group in schema.GROUPS],
    }


def _misplaced(mode: str, said: dict[str, Any]) -> dict[str, Any]:
    """Return what the summary says of the error of a ring's drawing, None where it says nothing."""
    further = {ring.get("mode"): ring for ring in said.get("also") or ()}
    ring = further.get(mode, said)
    return {
        "misplaced": cells.number_of(ring.get("misplaced_share"), 6),
        "misplaced_uniform": cells.number_of(ring.get("misplaced_uniform_share"), 6),
    }


def _marks(labels: list[str]) -> list[str]:
    """Return one letter per label, each its own as long as the letters reach.

    Examples
    --------
    >>> _marks(["共享食堂", "共享仓", "长者食堂"])
    ['共', '享', '长']
    """
    taken: list[str] = []
    for number, label in enumerate(labels, start=1):
        letters = (letter.upper() for letter in label if letter.isalpha())
        taken.append(next((letter for letter in letters if letter not in taken), str(number % 100)))
    return taken


def _venue_names(results: Results, lang: Lang) -> dict[str, str]:
    venues = results.context.get("venues")
    if venues is None:
        return {}
    return dict(zip(cells.texts(venues, "id", lang), cells.texts(venues, "name", lang), strict=True))

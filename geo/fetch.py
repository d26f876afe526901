"""What does OpenStreetMap hold of a place? Its answer, as a study."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from geo import crs as crs_room, osm, osm_features, osm_files, osm_servers, placing
from geo.errors import Fault, InputFaultsError
from geo.messages import DEFAULT_LANG, Message, text
from geo.osm_servers import Outline, Servers, StreetsFound
from geo.study_file import PERIOD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo.bars import Progress
    from geo.messages import Lang

# Four kilometres: who walks or rides an e-bike for fifteen minutes from inside meets no cut street.
MARGIN_M = 4_000.0
MOST_MARGIN_M = 50_000.0
_CORNERS = 8  # the outline that is asked for is simplified by this part of the margin: servers take no long ones
_DIGITS = 7  # of degrees, as OpenStreetMap has them
_MARKER = re.compile("@([A-Z]+)@")
_DELETE = "\x7f"


class Fetched(NamedTuple):
    """What was found and written.

    Attributes
    ----------
    folder
        The study.
    name
        The place, as the server calls it.
    source
        Attribution, licence and date, as it stands in the study file.
    ways, turns, barriers
        How many streets, turn restrictions and barriers on streets.
    communities, parks
        How many of each.
    whole
        Whether the place itself had to serve as the only community.
    types
        Service type → how many service points.
    """

    folder: Path
    name: str
    source: str
    ways: int
    turns: int
    barriers: int
    communities: int
    parks: int
    whole: bool
    types: dict[str, int]


def fetch_study(
    place: str,
    folder: str | Path,
    *,
    servers: Servers | None = None,
    margin_m: float = MARGIN_M,
    period: str | None = None,
    replace: bool = False,
    lang: Lang = DEFAULT_LANG,
    progress: Progress | None = None,
) -> Fetched:
    """Write what OpenStreetMap holds of a place into a folder, as a study that `geo run` takes.

    Parameters
    ----------
    place
        As one would search for it; it must have an outline.
    folder
        The study's folder; its name becomes the id.
    servers
        An Overpass and a Nominatim other than the public ones.
    margin_m
        Streets and services within this many metres beyond the border are fetched too.
    period
        Period of the study; by default the month of the data.
    replace
        Whether files of the same names may be replaced; an older `study.toml` is kept as `study.toml.bak`.
    lang
        Language of the study file's comments and of the attribution.
    progress
        Told each step.

    Raises
    ------
    InputFaultsError
        When a server cannot be reached or does not know the place; when the folder is not empty or cannot be written.
        Nothing is written then.

    Notes
    -----
    OpenStreetMap knows no people: `population`, `elders` and `workers` are empty, and a run says of every unit that it
    cannot be assessed.

    Examples
    --------
    With a network, `geo.fetch_study("Porto Alegre", "layers/poa")` is all. A folder that holds files is left alone:

    >>> geo.fetch_study("Porto Alegre", county)
    Traceback (most recent call last):
    geo.errors.InputFaultsError: ...: already holds ..., which is not overwritten. ...
    """
    target = Path(folder)
    faults = _option_faults(margin_m, period)
    if faults:
        raise InputFaultsError(faults)
    if not replace:
        placing.refuse_to_overwrite(target)
    note = progress or _silent
    with osm_servers.session(servers or Servers()) as talk:
        note(Message("fetch.step_place"), 0.0)
        outline = talk.outline(place)
        around = _around(outline.polygon, margin_m)
        note(Message("fetch.step_streets"), 0.1)
        streets = talk.streets(around)
        if not streets.ways:
            raise InputFaultsError([Fault(place, Message("fetch.no_streets"))])
        note(Message("fetch.step_features"), 0.6)
        features = talk.features(around, osm_features.tags())
        date = talk.date
    if not (period or date):
        raise InputFaultsError([Fault(talk.servers.overpass, Message("fetch.no_date"))])
    source = text("fetch.source", lang, date=date or text("fetch.date_unknown", lang))
    tables, whole = _tables(features, outline, place)
    head = {
        "ID": _safe(target.resolve().name),
        "NAME": place.strip(),
        "PERIOD": period or date[: len("YYYY-MM")],
        "SOURCE": source,
    }
    with placing.placed(target) as scratch:
        _write(scratch, tables, outline, streets)
        (scratch / placing.STUDY_FILE).write_text(_study_file(head, tables, lang), encoding="utf-8", newline="\n")
    return _fetched(target, outline, source, streets, tables, whole=whole)


def _silent(step: Message, done: float) -> None:
    del step, done


def _option_faults(margin_m: float, period: str | None) -> list[Fault]:
    faults = []
    if not 0 <= margin_m <= MOST_MARGIN_M:
        faults.append(Fault("margin", Message("fetch.margin", {"given": f"{margin_m:g}"})))
    if period is not None and not PERIOD.match(period):
        faults.append(Fault("period", Message("study.bad_period")))
    return faults


def default_folder(place: str) -> Path:
    """Return where the study of a place goes when nobody says.

    Examples
    --------
    >>> default_folder("Porto Alegre, Brasil").as_posix()
    'layers/Porto-Alegre'
    """
    return Path("layers") / _safe(place.split(",", maxsplit=1)[0].split("，", maxsplit=1)[0].strip())


def _safe(name: str) -> str:
    """Return a name as an id of a study."""
    return "".join(sign if sign.isalnum() or sign in "_-" else "-" for sign in name).strip("-") or "study"


def _around(outline: shapely.Geometry, margin_m: float) -> shapely.Geometry:
    """Return an outline with its margin and few corners, in degrees."""
    centre = shapely.centroid(outline)
    frame = crs_room.choose_metric(centre.x, centre.y)
    drawn = gpd.GeoSeries([outline], crs=crs_room.WGS84).to_crs(frame)
    # What simplifying takes away at most is added before.
    give_m = margin_m / _CORNERS
    wide = drawn.buffer(margin_m + give_m).simplify(give_m)
    return wide.to_crs(crs_room.WGS84).make_valid().iloc[0]


def _tables(features: gpd.GeoDataFrame, outline: Outline, place: str) -> tuple[dict[str, gpd.GeoDataFrame], bool]:
    """Return communities and parks inside the outline, all service points, and whether the place is the only community."""
    found = {name: osm_features.layer_of(features, name) for name in osm_features.LAYERS}
    shapely.prepare(outline.polygon)
    for name in ("communities", "parks"):
        inside = shapely.intersects(outline.polygon, shapely.point_on_surface(found[name].geometry.to_numpy()))
        found[name] = found[name][np.asarray(inside, dtype=bool)].reset_index(drop=True)
    whole = not len(found["communities"]) and not len(found["parks"])
    if whole:
        only = {"id": ["place"], "name": [place.strip()], "osm": [""], "osm_population": [""], "place": [""]}
        found["communities"] = gpd.GeoDataFrame(only, geometry=[outline.polygon], crs=crs_room.WGS84)
    found["communities"] = found["communities"].assign(population=None, elders=None)
    found["parks"] = found["parks"].assign(workers=None)
    return found, whole


def _write(folder: Path, tables: Mapping[str, gpd.GeoDataFrame], outline: Outline, streets: StreetsFound) -> None:
    osm_files.write(folder / "streets.osm.pbf", streets.nodes, streets.ways, streets.restrictions)
    for name, table in tables.items():
        if len(table) or name == "service_points":
            _write_geojson(folder / f"{name}.geojson", table)
    border = {"id": ["place"], "name": [outline.name]}
    _write_geojson(
        folder / "boundary.geojson", gpd.GeoDataFrame(border, geometry=[outline.polygon], crs=crs_room.WGS84)
    )


def _write_geojson(file: Path, table: gpd.GeoDataFrame) -> None:
    """Write features in degrees, one a line, so that people can edit them."""
    rounded = shapely.set_precision(table.geometry.to_numpy(), 10.0**-_DIGITS, mode="pointwise")
    shapes = shapely.to_geojson(shapely.orient_polygons(rounded)).tolist()
    rows = table.drop(columns="geometry").to_dict("records")
    lines = [_feature(row, shape) for row, shape in zip(rows, shapes, strict=True)]
    body = ",\n".join(lines)
    file.write_text(f'{{"type":"FeatureCollection","features":[\n{body}\n]}}\n', encoding="utf-8", newline="\n")


def _feature(properties: Mapping[Any, Any], shape: str) -> str:
    kept = {name: None if value == "" else value for name, value in properties.items()}
    told = json.dumps(kept, ensure_ascii=False)
    return f'{{"type":"Feature","properties":{told},"geometry":{shape}}}'


def _study_file(head: Mapping[str, str], tables: Mapping[str, gpd.GeoDataFrame], lang: Lang) -> str:
    """Return the study file; what comes from people and servers stands in quotes, escaped."""
    pattern = resources.files("geo.data").joinpath(f"fetched_{lang}.toml").read_text(encoding="utf-8")
    values = {name: _quoted(value) for name, value in head.items()}
    values |= {
        name.upper(): f'{name:14} = "{name}.geojson"' if len(tables[name]) else f'# {name:12} = "{name}.geojson"'
        for name in ("communities", "parks")
    }
    return _MARKER.sub(lambda found: values[found[1]], pattern)


def _quoted(value: str) -> str:
    """Return a text as TOML writes it: as JSON does, but for one sign."""
    return json.dumps(value, ensure_ascii=False).replace(_DELETE, "\\u007f")


def _fetched(
    folder: Path,
    outline: Outline,
    source: str,
    streets: StreetsFound,
    tables: Mapping[str, gpd.GeoDataFrame],
    *,
    whole: bool,
) -> Fetched:
    types = tables["service_points"]["type"].value_counts(sort=False)
    return Fetched(
        folder,
        outline.name,
        source,
        ways=len(streets.ways),
        turns=len(streets.restrictions),
        barriers=sum("barrier" in node.tags and osm.stops(node.tags.get) != "" for node in streets.nodes),
        communities=len(tables["communities"]),
        parks=len(tables["parks"]),
        whole=whole,
        types={str(code): int(types[code]) for code in sorted(types.index)},
    )

"""Which communities, parks, factories and districts are reported on, and which belongs to which.

A 片区 (district) is a list of units, not their administrative parent: it may overlap others, cross
town borders, and lack an outline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.catalogue import fold
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyproj
    from numpy.typing import NDArray

KINDS = {"communities": "community", "parks": "park", "factories": "factory", "districts": "district"}
LIST_SEPARATOR = ";"
_SEPARATORS = r"[;；,，、|/]"
_MEMBER_SHARE = 0.5
SLIVER_M = 10.0  # narrower overlaps and gaps between neighbours are drawing errors, not land
LEAST_M2 = 1.0
SAME_SHARE = 0.9  # of the smaller of two outlines: from here on one is drawn twice, or inside the other
TOUCHING_M = 0.01
NAMES_SHOWN = 6


class Untidy(NamedTuple):
    """Something told about how the outlines of units meet: the layer, the unit's id, what is the matter, told or doubtful."""

    layer: str
    unit_id: str
    message: Message
    action: str = "told"


def is_areal(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Say which geometries are polygons that enclose something."""
    kinds = shapely.get_type_id(shapes)
    polygon = (kinds == shapely.GeometryType.POLYGON) | (kinds == shapely.GeometryType.MULTIPOLYGON)
    return np.asarray(polygon & ~shapely.is_empty(shapes), dtype=bool)


def build(tables: Mapping[str, gpd.GeoDataFrame], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Return `schema.UNITS` of the layers: one row a community, park, factory and district.

    A district without outline gets the union of its members; `districts` lists, for the other kinds,
    the districts that their `district` column names (by id or name) or whose outline holds them.
    """
    parts = [_units(tables[layer], kind) for layer, kind in KINDS.items() if layer in tables and len(tables[layer])]
    if not parts:  # a study may know its people by a raster alone
        parts = [_units(gpd.GeoDataFrame(geometry=[], crs=crs), "community")]
    table = pd.concat(parts, ignore_index=True)
    units = gpd.GeoDataFrame(table, geometry="geometry", crs=crs)
    units["own_outline"] = is_areal(units.geometry.to_numpy())
    units["districts"] = _districts(units)
    return _district_outlines(units)


def _units(layer: gpd.GeoDataFrame, kind: str) -> pd.DataFrame:
    def text(name: str) -> pd.Series[str]:
        return layer[name].fillna("").astype(str) if name in layer.columns else pd.Series("", index=layer.index)

    def number(name: str) -> pd.Series[float]:
        return layer[name].astype(float) if name in layer.columns else pd.Series(np.nan, index=layer.index)

    names = text("name")
    return pd.DataFrame(
        {
            "unit_kind": kind,
            "unit_id": text("id"),
            "unit_name": names.where(names != "", text("id")),
            "population": number("population"),
            "elders": number("elders"),
            "workers": number("workers"),
            "town": text("town"),
            "area": text("area"),
            "district": text("district"),
            "gates_from": "",
            "geometry": layer.geometry.to_numpy(),
        }
    )


def _districts(units: gpd.GeoDataFrame) -> pd.Series[str]:
    """Return the district ids of each unit, in the order of the districts, joined by ";"."""
    district = units[units["unit_kind"] == "district"]
    order = {unit_id: number for number, unit_id in enumerate(district["unit_id"])}
    known = {fold(name): unit_id for name, unit_id in zip(district["unit_name"], district["unit_id"], strict=True)}
    known |= {fold(unit_id): unit_id for unit_id in district["unit_id"]}
    others = units[units["unit_kind"] != "district"]
    named = others["district"].str.split(_SEPARATORS, regex=True).explode().map(lambda name: known.get(fold(str(name))))
    inside = _inside(others, district)
    pairs = pd.concat([named.dropna(), inside]).rename("district").rename_axis("unit").reset_index()
    pairs = pairs.drop_duplicates()
    pairs = pairs.assign(order=pairs["district"].map(order)).sort_values(["unit", "order"])
    joined = pairs.groupby("unit")["district"].agg(LIST_SEPARATOR.join)
    return pd.Series(joined.astype(object).reindex(units.index, fill_value="").astype(str), index=units.index)


def _inside(units: gpd.GeoDataFrame, district: gpd.GeoDataFrame) -> pd.Series[str]:
    """Return the district (by unit) whose own outline holds more than half of a unit."""
    drawn = district[district["own_outline"]]
    shapes = units.geometry.to_numpy()
    outlines = drawn.geometry.to_numpy()
    row, col = shapely.STRtree(outlines).query(shapes, predicate="intersects")
    areal = is_areal(shapes)[row]
    share = np.ones(len(row))
    shared = shapely.area(shapely.intersection(shapes[row[areal]], outlines[col[areal]]))
    share[areal] = shared / shapely.area(shapes[row[areal]])
    keep = share > _MEMBER_SHARE
    return pd.Series(drawn["unit_id"].to_numpy()[col[keep]], index=units.index[row[keep]], dtype=object)


def _district_outlines(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give districts without an outline the union of their members' polygons."""
    shapes = units.geometry.to_numpy().copy()
    members = units["districts"].str.split(LIST_SEPARATOR).explode()
    for row in units.index[(units["unit_kind"] == "district") & ~units["own_outline"]]:
        theirs = members.index[(members == units.loc[row, "unit_id"]).to_numpy()]
        polygons = shapes[theirs][is_areal(shapes[theirs])]
        if len(polygons):
            shapes[row] = shapely.union_all(polygons)
    return units.set_geometry(gpd.GeoSeries(shapes, index=units.index, crs=units.crs))


def study_area(units: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame) -> shapely.Geometry | None:
    """Return the boundary, else the union of all polygons of units; `None` where there is neither."""
    shapes = boundary.geometry.to_numpy()
    shapes = shapes[is_areal(shapes)]
    if not len(shapes):
        shapes = units.geometry.to_numpy()
        shapes = shapes[is_areal(shapes)]
    return shapely.union_all(shapes) if len(shapes) else None


def locate(points: NDArray[np.object_], units: gpd.GeoDataFrame, kind: str) -> NDArray[np.object_]:
    """Return the id of the unit of one kind whose polygon holds each point; "" where none does.

    Where polygons overlap, or a point stands on a shared border, the first unit in file order has it.
    """
    chosen = units[(units["unit_kind"] == kind) & is_areal(units.geometry.to_numpy())]
    found = np.full(len(points), "", dtype=object)
    row, unit = shapely.STRtree(chosen.geometry.to_numpy()).query(points, predicate="intersects")
    order = np.lexsort((unit, row))
    first = order[np.unique(row[order], return_index=True)[1]]
    found[row[first]] = chosen["unit_id"].to_numpy()[unit[first]]
    return found


def districts_of(table: pd.DataFrame, points: NDArray[np.object_], units: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return the district ids of demand points, joined by ";".

    A district with an outline has the points inside it; one without has the people of its units.

    Parameters
    ----------
    table
        Columns `community`, `park`, `factory` with unit ids or "".
    points
        (n,) where the people belong.
    units
        :func:`build`.
    """
    district = units[units["unit_kind"] == "district"].reset_index(drop=True)
    drawn = district[district["own_outline"]]
    row, col = shapely.STRtree(drawn.geometry.to_numpy()).query(points, predicate="intersects")
    pairs = [pd.DataFrame({"row": row, "district": drawn.index.to_numpy()[col]})]
    number = {unit_id: place for place, unit_id in enumerate(district["unit_id"])}
    listed = set(district.index[~district["own_outline"]])
    for kind in ("community", "park", "factory"):
        theirs = units[units["unit_kind"] == kind].set_index("unit_id")["districts"].str.split(LIST_SEPARATOR).explode()
        theirs = theirs.map(number).dropna().astype(int)
        theirs = theirs[theirs.isin(listed)]
        here = pd.DataFrame({"row": np.arange(len(table)), "unit": table[kind].to_numpy()})
        pairs.append(here.merge(theirs.rename("district"), left_on="unit", right_index=True)[["row", "district"]])
    joined = pd.concat(pairs).drop_duplicates().sort_values(["row", "district"])
    place, names = joined["row"].to_numpy(), district["unit_id"].to_numpy(dtype=object)[joined["district"]]
    which = joined.groupby("row").cumcount().to_numpy()
    found = np.full(len(table), "", dtype=object)
    for rank in range(len(district)):
        here = which == rank
        found[place[here]] += (LIST_SEPARATOR if rank else "") + names[here]
    return found


def untidy(units: gpd.GeoDataFrame, *, layer: str = "communities") -> list[Untidy]:
    """Return where the polygons of one layer overlap, and the slivers and gaps between neighbours.

    An overlap whose mean width is below 10 m is a sliver. Each unit keeps the people that its row states; people of a
    raster on an overlap count in the unit that stands first in the file (:func:`locate`), people in a gap in none. Two
    units that share nine tenths of the smaller are doubtful: stated people are then likely counted twice. What a unit
    drawn twice shares with others is told of the first of the two alone. Outlines are left as they are.

    Parameters
    ----------
    units
        :func:`build`, in a metric CRS.
    layer
        Which layer's units; one line is told for each pair that overlaps, one a unit for its slivers and its gaps.
    """
    chosen = units[(units["unit_kind"] == KINDS[layer]) & is_areal(units.geometry.to_numpy())]
    shapes = chosen.geometry.to_numpy()
    ids, names = chosen["unit_id"].tolist(), chosen["unit_name"].tolist()
    found = []
    overlaps = _overlaps(shapes)
    twice = overlaps[(overlaps["share"] >= SAME_SHARE) & (overlaps["share_larger"] >= SAME_SHARE)]
    repeats = overlaps["first"].isin(twice["second"]) | overlaps["second"].isin(twice["second"])
    overlaps = overlaps[~repeats | overlaps["number"].isin(twice.drop_duplicates("second")["number"])]
    wide = overlaps[overlaps["width_m"] >= SLIVER_M]
    for first, second, area_m2, share in wide[["first", "second", "area_m2", "share"]].itertuples(index=False):
        one, other = _called(ids[first], names[first]), _called(ids[second], names[second])
        values = {"name": one, "other": other, "area": f"{area_m2:,.0f}", "share": f"{share:.1%}"}
        same = share >= SAME_SHARE
        message = Message("areas.same_ground" if same else "areas.overlap", values)
        found.append(Untidy(layer, ids[first], message, "doubtful" if same else "told"))
    thin = overlaps[overlaps["width_m"] < SLIVER_M]
    for key, table in (("areas.slivers", thin), ("areas.gaps", _gaps(shapes))):
        for first, theirs in table.groupby("first"):
            whole = theirs.drop_duplicates("number")
            others = list(dict.fromkeys(names[other] for other in theirs["second"]))
            more = [f"… ({len(others)})"] if len(others) > NAMES_SHOWN else []
            about: dict[str, object] = {
                "name": names[first],
                "others": ", ".join([*others[:NAMES_SHOWN], *more]),
                "area": f"{whole['area_m2'].sum():,.0f}",
                "count": len(whole),
            }
            found.append(Untidy(layer, ids[first], Message(key, about)))
    return found


def _called(unit_id: str, name: str) -> str:
    """Return a unit's name with its id, which tells units of one name apart."""
    return name if name == unit_id else f"{name} ({unit_id})"


def _overlaps(shapes: NDArray[np.object_]) -> pd.DataFrame:
    """Return pairs of polygons that share ground: number, first, second, area_m2, mean width_m, shares of both."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    shared = shapely.intersection(shapes[first], shapes[second])
    area_m2 = shapely.area(shared)
    own_m2 = np.sort([shapely.area(shapes[first]), shapely.area(shapes[second])], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        width_m = 2.0 * area_m2 / shapely.length(shared)  # of a long strip, whose outline is twice its length
        share, share_larger = area_m2 / own_m2
    table = pd.DataFrame(
        {
            "first": first,
            "second": second,
            "area_m2": area_m2,
            "share": share,
            "share_larger": share_larger,
            "width_m": width_m,
        }
    )
    found = table[table["area_m2"] >= LEAST_M2].sort_values(["first", "second"])
    return found.assign(number=np.arange(len(found)))


def _gaps(shapes: NDArray[np.object_]) -> pd.DataFrame:
    """Return gaps narrower than 10 m between polygons, a row a neighbour: number, area_m2, first and a second of them."""
    if not len(shapes):
        return pd.DataFrame({"number": [], "area_m2": [], "first": [], "second": []})
    whole = shapely.union_all(shapes)
    half_m = SLIVER_M / 2.0
    closed = shapely.buffer(shapely.buffer(whole, half_m, join_style="mitre"), -half_m, join_style="mitre")
    holes = shapely.get_parts(shapely.difference(closed, whole))
    holes = holes[(shapely.get_type_id(holes) == shapely.GeometryType.POLYGON) & (shapely.area(holes) >= LEAST_M2)]
    hole, unit = shapely.STRtree(shapes).query(holes, predicate="dwithin", distance=TOUCHING_M)
    beside = pd.DataFrame({"number": hole, "second": unit}).sort_values(["number", "second"])
    beside = beside.assign(
        first=beside.groupby("number")["second"].transform("min"), area_m2=shapely.area(holes)[beside["number"]]
    )
    return beside[beside["second"] > beside["first"]]

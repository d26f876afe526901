"""Which reader each street source of a study needs, and one table of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo import crs as crs_room, drawn, layers, streets
from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj

    from geo.study import Study
    from geo.study_file import LayerSource

_ANY_CRS = crs_room.WGS84


def read_all(
    study: Study, crs: pyproj.CRS | None, lines: gpd.GeoDataFrame | None, notes: list[tuple[str, Message]]
) -> tuple[gpd.GeoDataFrame | None, list[Fault]]:
    """Return the street pieces of a study and the faults of its sources.

    Parameters
    ----------
    study
        The study.
    crs
        Metric CRS; `None` only looks for faults of street files (other layers were at fault).
    lines
        Line layers among the sources, as the layer reader gave them.
    notes
        Takes what the user should know.
    """
    faults: list[Fault] = []
    tables: list[gpd.GeoDataFrame] = []
    for source in study.layers.streets:
        if not layers.is_graph(source) or (crs is None and source.place):
            continue
        try:
            table = _read(source, crs or _ANY_CRS)
        except InputFaultsError as error:
            faults += error.faults
            continue
        tables.append(table)
        if table.attrs.get("vertices_missing"):
            notes.append(("streets", Message("run.cut_streets", {"count": table.attrs["vertices_missing"]})))
        if table.attrs.get("restrictions_skipped"):
            notes.append(("streets", Message("run.turns_skipped", {"count": table.attrs["restrictions_skipped"]})))
    together = streets.combine(tables) if tables and crs is not None else None
    if lines is not None and len(lines) and crs is not None:
        try:
            together = drawn.from_lines(lines, crs=crs, where="streets", rules=study.noding, onto=together)
            notes += [("streets", message) for message in together.attrs.pop("told")]
        except InputFaultsError as error:
            faults += error.faults
    return together, faults


def _read(source: LayerSource, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    if source.place is not None or source.file is None:
        return streets.read_place(source.place or "", crs=crs)
    if source.file.name.lower().endswith(streets.GRAPHML_ENDINGS):
        return streets.read_graphml(source.file, crs=crs, where=source.label)
    return streets.read_osm(source.file, crs=crs, where=source.label)

"""What is read of a study: layers, streets, units, people per cell, gradients; every fault told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from geo import areas, crs as crs_room, layers, population, terrain
from geo.bars import silent
from geo.errors import Fault, GeoValueError, InputFaultsError
from geo.layers import astray, remote, suspicion, unplaced
from geo.layers.findings import UnplacedError
from geo.linked import Slopes
from geo.messages import Message
from geo.street_sources import read_all

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    import shapely

    from geo.bars import Progress
    from geo.study import Study


class Inputs(NamedTuple):
    """What was read."""

    layers: layers.LayerSet
    streets: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    area: shapely.Geometry | None
    cells: population.Cells | None
    slopes: Slopes | None
    notes: list[tuple[str, Message]]


def read_inputs(study: Study, *, progress: Progress = silent) -> Inputs:
    """Read every layer of a study.

    Raises
    ------
    InputFaultsError
        With every fault of every layer.
    """
    faults: list[Fault] = []
    progress(Message("run.layers"), 0.0)
    try:
        read = layers.read_layers(study)
    except InputFaultsError as error:
        raise InputFaultsError(_with_streets(study, error)) from error
    progress(Message("run.streets"), 0.08)
    notes: list[tuple[str, Message]] = []
    streets, faults = read_all(study, read.crs, read.tables["streets"], notes)
    if streets is not None:
        read, doubts = astray.judged(study.layers, read, streets)
        read = remote.judged(read, streets, cap_m=study.head.cap_m)
        faults += doubts
    units = areas.build(read.tables, read.crs)
    area = areas.study_area(units, read.tables["boundary"])
    cells, slopes = None, None
    faults += _double_counts(study, units)
    for source in study.layers.population[:1]:
        try:
            cells = population.read_cells(
                _file(source.file), crs=read.crs, area=area, where=source.label, given=source.crs
            )
        except InputFaultsError as error:
            faults += error.faults
    for source in study.layers.terrain[:1] if streets is not None else ():
        try:
            pieces = terrain.cut(streets)
            found = terrain.gradients(pieces, _file(source.file), where=source.label, given=source.crs)
            slopes = Slopes(pieces, found.rise_over_run)
            notes += [("terrain", message) for message in terrain.told(found, pieces)]
        except InputFaultsError as error:
            faults += error.faults
    if faults or streets is None:
        raise InputFaultsError(faults)
    if cells is not None and cells.left_out:
        notes.append(("population", Message("demand.left_out", {"people": f"{cells.left_out:.0f}"})))
    if cells is not None and cells.negative:
        notes.append(("population", Message("demand.negative", {"count": cells.negative})))
    return Inputs(read, streets, units, area, cells, slopes, notes)


def _with_streets(study: Study, error: InputFaultsError) -> list[Fault]:
    """Return the faults of the layers and those of the streets; what points without a CRS may be is told by the streets."""
    if not isinstance(error, UnplacedError):
        return [*error.faults, *read_all(study, None, None, [])[1]]
    streets, faults = read_all(study, error.crs or crs_room.WGS84, error.lines, [])
    if streets is None or not len(streets):
        return [*error.faults, *faults]
    if error.crs is None:  # only their streets tell where the points of such a study lie
        west, south, east, north = streets.total_bounds
        streets = streets.to_crs(crs_room.choose_metric((west + east) / 2.0, (south + north) / 2.0))
    ground = suspicion.ground_of(streets)
    told = unplaced.advised(error.faults, error.unplaced, ground) if ground is not None else error.faults
    return [*told, *faults]


def _double_counts(study: Study, units: gpd.GeoDataFrame) -> list[Fault]:
    """Return the fault of communities without outline beside a raster: their people would be counted twice."""
    points = (units["unit_kind"] == "community") & ~units["own_outline"] & units["population"].notna()
    if not study.layers.population or not points.any():
        return []
    names = ", ".join(units.loc[points, "unit_name"].head(5))
    return [
        Fault("layers.population", Message("demand.points_and_raster", {"count": int(points.sum()), "names": names}))
    ]


def _file(path: Path | None) -> Path:
    if path is None:
        msg = "a raster layer needs a path"
        raise GeoValueError(msg)
    return path

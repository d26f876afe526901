"""Coordinate systems: require one, choose a metric one, convert, and refuse to mix them.

GCJ-02 and BD-09, the shifted systems of Chinese map services, are CRS choices like any other. They
apply inside a box around China and leave other points alone. CGCS2000 and WGS 84 are taken as equal.
"""

from __future__ import annotations

import os
import unicodedata
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeGuard

import numpy as np

from geo.errors import GeoCrsError

for _inherited in ("PROJ_DATA", "PROJ_LIB", "GDAL_DATA"):  # they break one of the two GDALs in the process
    os.environ.pop(_inherited, None)

import pyproj  # noqa: E402 - after the environment is cleaned
import shapely  # noqa: E402
from pyproj.enums import TransformDirection  # noqa: E402
from pyproj.transformer import TransformerGroup  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import ArrayLike, NDArray

    Move = Callable[[NDArray[np.float64], NDArray[np.float64]], "LonLat"]

Shifted = Literal["gcj02", "bd09"]
LonLat = tuple["NDArray[np.float64]", "NDArray[np.float64]"]

WGS84 = pyproj.CRS.from_epsg(4326)
CHINA = (72.004, 0.8293, 137.8347, 55.8271)

# Krasovsky 1940, as the published GCJ-02 transform uses it (shared/DOMAIN: constants agree to 4e-15 deg).
_GCJ_A = 6378245.0
_GCJ_EE = 0.00669342162296594323
_BD_X_PI = np.pi * 3000.0 / 180.0
_INVERSE_STEPS = 12
_INVERSE_DEGREES = 1e-10  # of the last step; each is less than a hundredth of the one before, so 1e-12 stay (0.1 um)
_BLOCK = 16_384  # points at a time, so that intermediate arrays stay in the processor's cache

# What people call the systems, compared without case, spaces, hyphens and underscores.
_GCJ_NAMES = frozenset({"gcj02", "gcj02ll", "火星坐标", "火星坐标系", "高德", "高德坐标", "腾讯", "amap"})
_BD_NAMES = frozenset({"bd09", "bd09ll", "百度", "百度坐标", "baidu"})
_WGS_NAMES = frozenset({"wgs84", "cgcs2000", "gps", "天地图", "国家2000", "2000国家大地坐标系"})

_WEB_MERCATOR = 3857
_CGCS_ZONES = (73.5, 136.5)  # EPSG 4534 (CM 75E) to 4554 (CM 135E), three degrees each
EARTH_A = 6378137.0
EARTH_F = 1.0 / 298.257223563
_EARTH_E2 = EARTH_F * (2.0 - EARTH_F)


def is_shifted(crs: object) -> TypeGuard[Shifted]:
    """Say whether a CRS name is one of the shifted Chinese systems."""
    return isinstance(crs, str) and crs in {"gcj02", "bd09"}


def is_metric(crs: pyproj.CRS | Shifted) -> TypeGuard[pyproj.CRS]:
    """Say whether metres can be measured in a CRS: projected, and not web Mercator, which is 10 % long here."""
    return isinstance(crs, pyproj.CRS) and crs.is_projected and crs.to_epsg() != _WEB_MERCATOR


def normalise(crs: object) -> pyproj.CRS | Shifted:
    """Return a CRS from what a user or a file says: an EPSG code, WKT, `gcj02`, `bd09` and the like.

    Raises
    ------
    GeoCrsError
        When it is missing or cannot be read.

    Examples
    --------
    >>> normalise("GCJ-02"), normalise("百度"), normalise(4548).to_epsg(), normalise("ＥＰＳＧ：4527").to_epsg()
    ('gcj02', 'bd09', 4548, 4527)
    """
    if crs is None or crs == "":
        msg = "no coordinate system is stated; state one, e.g. EPSG:4326, EPSG:4548, gcj02 or bd09"
        raise GeoCrsError(msg)
    if isinstance(crs, str):
        crs = unicodedata.normalize("NFKC", crs).strip()
        plain = "".join(crs.split()).casefold().replace("-", "").replace("_", "")
        if plain in _GCJ_NAMES | _BD_NAMES:
            return "gcj02" if plain in _GCJ_NAMES else "bd09"
        if plain in _WGS_NAMES:
            return WGS84
    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        msg = f"the coordinate system {crs!r} is not known; use e.g. EPSG:4326, EPSG:4548, gcj02 or bd09"
        raise GeoCrsError(msg) from error


def name_of(crs: pyproj.CRS | Shifted) -> str:
    """Return a CRS as reports name it: EPSG:4548, gcj02, or its own name.

    Examples
    --------
    >>> name_of(pyproj.CRS.from_epsg(4548)), name_of("gcj02")
    ('EPSG:4548', 'gcj02')
    """
    if isinstance(crs, str):
        return crs
    authority = crs.to_authority(min_confidence=100) or crs.to_authority()
    return ":".join(authority) if authority else crs.name


def _in_china(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    west, south, east, north = CHINA
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def _gcj_offset(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> LonLat:
    """Return the shift in degrees that GCJ-02 adds at WGS 84 places.

    The published sums of sines; a sine of three times an angle is had from that of the angle: 3s - 4s^3.
    """
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    pi = np.pi
    twice, third, north = np.sin(2.0 * pi * x), np.sin(pi / 3.0 * x), np.sin(pi / 3.0 * y)
    waves = (20.0 * _of_thrice(twice) + 20.0 * twice) * 2.0 / 3.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    d_lat += (20.0 * _of_thrice(north) + 40.0 * north) * 2.0 / 3.0
    d_lat += (160.0 * np.sin(pi / 12.0 * y) + 320.0 * np.sin(pi / 30.0 * y)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    d_lon += (20.0 * _of_thrice(third) + 40.0 * third) * 2.0 / 3.0
    d_lon += (150.0 * np.sin(pi / 12.0 * x) + 300.0 * np.sin(pi / 30.0 * x)) * 2.0 / 3.0
    squared = np.sin(np.radians(lat)) ** 2
    magic = 1.0 - _GCJ_EE * squared
    prime = _GCJ_A / np.sqrt(magic)
    d_lat = np.degrees(d_lat / (prime * (1.0 - _GCJ_EE) / magic))
    d_lon = np.degrees(d_lon / (prime * np.sqrt(1.0 - squared)))
    return d_lon, d_lat


def _of_thrice(sine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sine of three times an angle from the sine of the angle."""
    return sine * (3.0 - 4.0 * sine * sine)


def _bd_turn(x: NDArray[np.float64], y: NDArray[np.float64]) -> LonLat:
    """Return BD-09 degrees of GCJ-02 degrees."""
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_X_PI)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_X_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _gcj(x: NDArray[np.float64], y: NDArray[np.float64]) -> LonLat:
    d_lon, d_lat = _gcj_offset(x, y)
    return x + d_lon, y + d_lat


def _undone(forward: Move, x: NDArray[np.float64], y: NDArray[np.float64], *, guess: LonLat) -> LonLat:
    """Return where a transform that moves little comes from, by fixed-point iteration on the transform itself."""
    guess_x, guess_y = guess
    for _ in range(_INVERSE_STEPS):
        there_x, there_y = forward(guess_x, guess_y)
        step_x, step_y = x - there_x, y - there_y
        guess_x, guess_y = guess_x + step_x, guess_y + step_y
        if max(np.fmax.reduce(np.abs(step_x), initial=0.0), np.fmax.reduce(np.abs(step_y), initial=0.0)) < (
            _INVERSE_DEGREES
        ):
            break
    return guess_x, guess_y


def _ungcj(x: NDArray[np.float64], y: NDArray[np.float64]) -> LonLat:
    return _undone(_gcj, x, y, guess=(x, y))


def _unbd(x: NDArray[np.float64], y: NDArray[np.float64]) -> LonLat:
    return _ungcj(*_undone(_bd_turn, x, y, guess=(x - 0.0065, y - 0.006)))


def _moved(move: Move, lon: ArrayLike, lat: ArrayLike) -> LonLat:
    """Return (n,) degrees moved inside China and as given elsewhere, block by block; NaN stays NaN."""
    out_x = np.array(lon, dtype=np.float64, ndmin=1)
    out_y = np.array(lat, dtype=np.float64, ndmin=1)
    places = np.flatnonzero(_in_china(out_x, out_y))
    for start in range(0, len(places), _BLOCK):
        block = places[start : start + _BLOCK]
        out_x[block], out_y[block] = move(out_x[block], out_y[block])
    return out_x, out_y


def to_gcj02(lon: ArrayLike, lat: ArrayLike) -> LonLat:
    """Return GCJ-02 degrees of WGS 84 degrees; points outside China are returned as given.

    Examples
    --------
    >>> lon, lat = to_gcj02([116.481499], [39.990475])
    >>> round(float(lon[0]), 6), round(float(lat[0]), 6)
    (116.487586, 39.991754)
    """
    return _moved(_gcj, lon, lat)


def from_gcj02(lon: ArrayLike, lat: ArrayLike) -> LonLat:
    """Return WGS 84 degrees of GCJ-02 degrees, by iteration to less than a micrometre.

    Examples
    --------
    >>> lon, lat = from_gcj02(*to_gcj02([118.29], [25.32]))
    >>> float(lon[0].round(9)), float(lat[0].round(9))
    (118.29, 25.32)
    """
    return _moved(_ungcj, lon, lat)


def to_bd09(lon: ArrayLike, lat: ArrayLike) -> LonLat:
    """Return BD-09 degrees of WGS 84 degrees; points outside China are returned as given."""
    return _moved(lambda x, y: _bd_turn(*_gcj(x, y)), lon, lat)


def from_bd09(lon: ArrayLike, lat: ArrayLike) -> LonLat:
    """Return WGS 84 degrees of BD-09 degrees, by iteration on the forward transform."""
    return _moved(_unbd, lon, lat)


TO_WGS84: dict[str, Callable[[ArrayLike, ArrayLike], LonLat]] = {"gcj02": from_gcj02, "bd09": from_bd09}
FROM_WGS84: dict[str, Callable[[ArrayLike, ArrayLike], LonLat]] = {"gcj02": to_gcj02, "bd09": to_bd09}


def convert(
    table: gpd.GeoDataFrame, crs: pyproj.CRS, *, source: pyproj.CRS | Shifted | None = None
) -> gpd.GeoDataFrame:
    """Return a copy of a table in another CRS; all coordinates are moved at once.

    Parameters
    ----------
    table
        Any geometries; missing ones stay missing.
    crs
        The CRS wanted.
    source
        The table's own CRS where the table does not say, or says it wrongly (a shifted layer is
        stored as WGS 84 by its file).

    Raises
    ------
    GeoCrsError
        When neither `source` nor the table states a CRS.
    """
    own = source if source is not None else table.crs
    if own is None:
        msg = "the table states no coordinate system; give its crs, e.g. table.set_crs(4326)"
        raise GeoCrsError(msg)
    if is_shifted(own):
        unshift = TO_WGS84[own]

        def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.column_stack(unshift(xy[:, 0], xy[:, 1]))

        shapes = np.asarray(shapely.transform(table.geometry.to_numpy(), move), dtype=object)
        return table.set_geometry(carried(shapes, WGS84, crs), crs=crs)
    return table.set_geometry(carried(table.geometry.to_numpy(), pyproj.CRS(own), crs), crs=crs)


def carried(shapes: NDArray[np.object_], source: pyproj.CRS, target: pyproj.CRS) -> NDArray[np.object_]:
    """Return geometries in another CRS, heights too where they have any; missing ones stay missing.

    The same as `GeoSeries.to_crs`, to 0.1 mm, by the one :func:`transformer` that all share.
    """
    found = np.array(shapes, dtype=object)
    if source.is_exact_same(target):
        return found
    carry, high = transformer(source, target).transform, shapely.has_z(found)
    for rows, with_z in ((~high, False), (high, True)):
        part = found[rows]
        places = shapely.get_coordinates(part, include_z=with_z)
        found[rows] = shapely.set_coordinates(part, np.array(carry(*places.T)).T)
    return found


class Way(NamedTuple):
    """A way from one CRS to another, forth or back."""

    found: pyproj.Transformer
    direction: TransformDirection

    def transform(self, *places: ArrayLike) -> tuple[NDArray[np.float64], ...]:
        """Return x east, y north (and z where given) of places in the other CRS."""
        transform: Callable[..., tuple[NDArray[np.float64], ...]] = self.found.transform
        return transform(*places, direction=self.direction)

    def back(self, *places: ArrayLike) -> tuple[NDArray[np.float64], ...]:
        """Return the same of places of the other CRS in the first."""
        return self.turned.transform(*places)

    @property
    def turned(self) -> Way:
        """The same way, gone the other way round."""
        forward = self.direction == TransformDirection.FORWARD
        return Way(self.found, TransformDirection.INVERSE if forward else TransformDirection.FORWARD)


@lru_cache(maxsize=64)
def transformer(source: pyproj.CRS, target: pyproj.CRS) -> Way:
    """Return what carries x east and y north from one CRS to another.

    PROJ takes a twentieth of a second to find a way, so metres are carried to degrees by going the other way back,
    whoever asks first.
    """
    if source.is_projected and target.is_geographic:
        return transformer(target, source).turned
    return Way(pyproj.Transformer.from_crs(source, target, always_xy=True), TransformDirection.FORWARD)


def accuracy_m(crs: pyproj.CRS) -> float | None:
    """Return how far places may be off when a CRS's datum is carried over to WGS 84, metres; None where nobody knows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of better ways whose grids are not installed
        ways = TransformerGroup(crs, WGS84, always_xy=True).transformers
    accuracy = ways[0].accuracy if ways else -1.0
    return accuracy if accuracy >= 0.0 else None


def require_same(*tables: gpd.GeoDataFrame | pyproj.CRS | None) -> pyproj.CRS:
    """Return the one CRS that all tables share.

    Raises
    ------
    GeoCrsError
        When one has none, or two differ: `geo` refuses to join them rather than warn.
    """
    found = [table if isinstance(table, pyproj.CRS) or table is None else table.crs for table in tables]
    first = found[0] if found else None
    if first is None or any(other is None for other in found):
        msg = "a table without a coordinate system cannot be joined; state its crs"
        raise GeoCrsError(msg)
    for other in found[1:]:
        if other != first:
            msg = f"tables in different coordinate systems: {first.to_string()} and {pyproj.CRS(other).to_string()}"
            raise GeoCrsError(msg)
    return first


def choose_metric(lon: float, lat: float) -> pyproj.CRS:
    """Return the metric CRS for a place: the CGCS2000 3-degree zone in China, else UTM.

    Examples
    --------
    >>> choose_metric(118.2, 25.3).to_epsg(), choose_metric(-51.2, -30.0).to_epsg()
    (4548, 32722)
    """
    west, east = _CGCS_ZONES
    if bool(_in_china(np.asarray(lon), np.asarray(lat))) and west <= lon < east:
        return pyproj.CRS.from_epsg(4534 + int((lon - west) // 3))
    return utm(lon, lat)


def utm(lon: float, lat: float) -> pyproj.CRS:
    """Return the UTM zone of a place.

    Examples
    --------
    >>> utm(118.2, 25.3).to_epsg()
    32650
    """
    zone = int((lon + 180.0) // 6.0) % 60 + 1
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def segment_lengths_m(lonlat: NDArray[np.float64], *, sphere_m: float | None = None) -> NDArray[np.float64]:
    """Return the metres from each coordinate to the next, on WGS 84 or on a sphere.

    Local radii of curvature at the middle latitude (Bowring 1996 order of accuracy: below 1e-7
    relative for street segments up to a few kilometres).

    Parameters
    ----------
    lonlat
        (n, 2) degrees.
    sphere_m
        Radius of a sphere to measure on instead, metres.

    Returns
    -------
    (n - 1,) metres.

    Examples
    --------
    >>> segment_lengths_m(np.array([[0.0, 0.0], [0.0, 0.01]])).round(3).tolist()
    [1105.743]
    """
    rad = np.radians(lonlat)
    d_lon, d_lat = np.diff(rad[:, 0]), np.diff(rad[:, 1])
    middle = (rad[1:, 1] + rad[:-1, 1]) / 2.0
    if sphere_m is not None:
        return np.asarray(sphere_m * np.hypot(d_lat, d_lon * np.cos(middle)), dtype=np.float64)
    bulge = 1.0 - _EARTH_E2 * np.sin(middle) ** 2
    meridian = EARTH_A * (1.0 - _EARTH_E2) / bulge**1.5
    prime = EARTH_A / np.sqrt(bulge)
    return np.asarray(np.hypot(d_lat * meridian, d_lon * prime * np.cos(middle)), dtype=np.float64)

"""What a synthetic county is made of: the plan that a person draws by hand, before noise and streets."""

from __future__ import annotations

from dataclasses import dataclass, field

Km = tuple[float, float]


@dataclass(frozen=True)
class River:
    """A river through points (km), with its mean width."""

    course_km: tuple[Km, ...]
    width_m: float


@dataclass(frozen=True)
class Road:
    """A road drawn by hand; only roads that `cross` bridge water and rail."""

    name: str
    highway: str
    course_km: tuple[Km, ...]
    cross: bool = False
    ref: str = ""


@dataclass(frozen=True)
class Town:
    """A built-up place: a town (two kinds of street fabric) or a village.

    Attributes
    ----------
    centre_km, radii_km
        An ellipse, turned by `angle_deg`.
    wander
        0 is a grid, 1 winds a lot.
    blocks_m
        Distance between streets, along and across.
    people
        Residents, about.
    linked
        Whether a road is sought to it through the terrain.
    flat
        Whether the land is level here (valley) or follows the hill.
    """

    name: str
    centre_km: Km
    radii_km: Km
    people: int
    angle_deg: float = 0.0
    wander: float = 0.8
    blocks_m: tuple[float, float] = (85.0, 95.0)
    linked: bool = True
    flat: bool = False


@dataclass(frozen=True)
class Park:
    """A walled industrial park."""

    id: str
    name: str
    centre_km: Km
    sides_km: Km
    factories: int
    gates: int = 2
    angle_deg: float = 0.0
    district: str = ""


@dataclass(frozen=True)
class Community:
    """A community by the point around which it lies."""

    id: str
    name: str
    seed_km: Km
    town: str
    area: str = "elsewhere"
    district: str = ""
    as_point: bool = False


@dataclass(frozen=True)
class District:
    """A 片区 as a list of unit ids; `drawn` gives it a polygon."""

    id: str
    name: str
    members: tuple[str, ...] = ()
    drawn: bool = True


@dataclass(frozen=True)
class Service:
    """One kind of service and where it stands.

    Attributes
    ----------
    types
        What the office writes in the type column, in turn (names, aliases, codes).
    title
        Ends the name of each point.
    at
        Unit ids, or `road:<name>` for a place beside a road; one point each.
    spread
        Further points, where people live.
    status
        What the office writes, in turn.
    hosted
        `hall`: in the venue of that unit; `any`: in some venue of the unit, if there is one; "": on its own.
    """

    types: tuple[str, ...]
    title: str
    at: tuple[str, ...] = ()
    spread: int = 0
    status: tuple[str, ...] = ("在用",)
    hosted: str = ""
    capacity: tuple[int, int] | None = None
    hours: str = ""
    mobile: str = ""


@dataclass(frozen=True)
class Recipe:
    """A synthetic county, drawn by hand in kilometres from its south-west corner."""

    id: str
    name: str
    code: str
    crs: str
    seed: int
    lonlat: tuple[float, float]
    size_km: Km
    roads: tuple[Road, ...]
    towns: tuple[Town, ...]
    parks: tuple[Park, ...]
    communities: tuple[Community, ...]
    districts: tuple[District, ...]
    services: tuple[Service, ...]
    venues: tuple[tuple[str, str], ...]
    outside_factories: int
    wild_km: tuple[Km, ...] = ()
    rivers: tuple[River, ...] = ()
    sea_km: tuple[Km, ...] = ()
    rail_km: tuple[Km, ...] = ()
    motorway_km: tuple[Km, ...] = ()
    roundabout_km: Km | None = None
    links_km: tuple[tuple[Km, Km], ...] = ()
    hamlets_km: tuple[Km, ...] = ()
    relief_m: float = 520.0
    valley_m: float = 450.0
    river_top_m: float = 150.0
    river_fall: float = 0.004
    factor: tuple[float, float] = (0.92, 1.10)
    raster: bool = True
    dem_crs: str = ""
    service_crs: str = "EPSG:4326"
    service_encoding: str = "utf-8-sig"
    toml_notes: tuple[str, ...] = field(default=())

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, strategies as st
from worlds import EAST, HIKER, METRIC, NORTH, street, street_table

from geo import network, streets, terrain
from geo.errors import InputFaultsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import geopandas as gpd

    Ground = Callable[[np.ndarray, np.ndarray], np.ndarray]

CELL_M = 30.0
SIDE = 40


def dem(folder: Path, ground: Ground, *, cell_m: float = CELL_M, crs: int | None = 4548) -> Path:
    """Write 40 x 40 heights (at local x and y) whose south-west corner is the local origin; NaN is void."""
    file = folder / "dem.tif"
    x, y = np.meshgrid((np.arange(SIDE) + 0.5) * cell_m, (SIDE - np.arange(SIDE) - 0.5) * cell_m)
    shape = {"height": SIDE, "width": SIDE, "count": 1, "dtype": "float64", "nodata": -32768, "crs": crs}
    transform = Affine(cell_m, 0, EAST, 0, -cell_m, NORTH + SIDE * cell_m)
    with rasterio.open(file, "w", driver="GTiff", transform=transform, **shape) as target:
        target.write(np.nan_to_num(ground(x, y) + np.zeros_like(x), nan=-32768), 1)
    return file


def tilted(rise_east: float, rise_north: float) -> Ground:
    return lambda x, y: 100 + rise_east * x + rise_north * y


def valley(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A river gorge, 60 m deep from 300 to 600; banks at 110 in the west, 140 in the east."""
    del y
    return np.where(x < 300, 110.0, np.where(x > 600, 140.0, 60.0))


def rises(table: gpd.GeoDataFrame, file: Path) -> list[float]:
    return terrain.gradients(table, file).rise_over_run.tolist()


def turned(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Every street drawn from its other end."""
    ends = {"start_node": table["end_node"], "end_node": table["start_node"]}
    return table.assign(**ends).set_geometry(shapely.reverse(table.geometry.to_numpy()), crs=table.crs)


# Gradients


def test_on_a_tilted_plane_the_gradient_is_its_tilt(tmp_path: Path) -> None:
    """10 % up to the east, 4 % down to the north."""
    table = street_table(
        [
            street((100, 100), (700, 100)),
            street((700, 100), (100, 100)),
            street((300, 200), (300, 900)),
            street((100, 100), (400, 500)),
            street((200, 300), (200, 300.5)),
        ]
    )
    diagonal = (0.10 * 300 - 0.04 * 400) / 500
    found = terrain.gradients(table, dem(tmp_path, tilted(0.10, -0.04)))
    assert found.rise_over_run.tolist() == pytest.approx([0.10, -0.10, -0.04, diagonal, -0.04], abs=1e-7)
    assert not np.any([found.aloft, found.filled, found.void, found.outside, found.capped])
    assert found.cell_m == pytest.approx(30.0)
    assert terrain.told(found, table) == []


def test_the_gradient_is_rise_over_the_way_not_over_the_crow(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (100, 400), (400, 400), (400, 100))])
    assert rises(table, dem(tmp_path, tilted(0.10, 0.0))) == pytest.approx([0.10 * 300 / 900])


def test_walkers_on_the_plane_go_at_toblers_pace(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (700, 100))])
    found = terrain.gradients(table, dem(tmp_path, tilted(0.10, 0.0)))
    net = network.build(table, HIKER, gradient=found.rise_over_run)
    flat = 600 / 100
    assert net.minutes_forward.tolist() == pytest.approx([flat * np.exp(3.5 * (0.15 - 0.05))])
    assert net.minutes_backward.tolist() == pytest.approx([flat * np.exp(3.5 * (0.05 - 0.05))])


@given(seed=st.integers(0, 10_000))
def test_a_street_from_its_other_end_has_the_opposite_gradient(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    heights = rng.uniform(0, 60, (SIDE, SIDE))
    heights[rng.uniform(size=heights.shape) < 0.02] = np.nan
    kinds = rng.choice(["", "yes"], 30, p=[0.7, 0.3])
    table = street_table([street(*rng.integers(0, 14, (2, 2)) * 100.0, bridge=str(kind)) for kind in kinds])
    file = dem(tmp_path_factory.mktemp("dem"), lambda x, y: heights + 0 * (x + y))
    one, other = terrain.gradients(table, file), terrain.gradients(turned(table), file)
    assert other.rise_over_run == pytest.approx(-one.rise_over_run, abs=1e-12, nan_ok=True)
    for name in ("aloft", "filled", "void", "outside", "capped"):
        assert getattr(other, name).tolist() == getattr(one, name).tolist()
    assert np.nanmax(np.abs(one.rise_over_run), initial=0.0) <= terrain.STEEPEST


def test_cliffs_are_limited(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (700, 100)), street((700, 100), (100, 100)), street((9, 9), (9, 99))])
    found = terrain.gradients(table, dem(tmp_path, tilted(0.80, 0.1)))
    assert found.rise_over_run.tolist() == pytest.approx([terrain.STEEPEST, -terrain.STEEPEST, 0.1])
    assert found.capped.tolist() == [True, True, False]
    told = terrain.told(found, table)
    assert [(note.key, note.values) for note in told] == [
        ("terrain.capped", {"count": 2, "km": "1.2", "percent": "35"})
    ]


def test_a_street_of_no_length_has_no_gradient(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (100, 100))])
    found = terrain.gradients(table, dem(tmp_path, tilted(0.1, 0.0)))
    assert np.isnan(found.rise_over_run).tolist() == [True]
    assert terrain.told(found, table) == []


def test_on_a_flat_model_streets_are_flat_to_the_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    table = street_table([street(*map(tuple, rng.uniform(0, 1200, (2, 2)))) for _ in range(100)])
    assert rises(table, dem(tmp_path, lambda x, y: 17.3 + 0 * (x + y))) == [0.0] * 100


def test_a_ridge_within_a_street_is_seen_once_it_is_cut(tmp_path: Path) -> None:
    """600 m over a crest at 405, 10 % on both sides. The crest, at a cell's centre, has lost 2 · 1/4 · 3 m."""
    file = dem(tmp_path, lambda x, y: 100 - 0.10 * abs(x - 405) + 0 * y)
    table = street_table([street((105, 600), (705, 600))])
    assert rises(table, file) == pytest.approx([0.0], abs=1e-9)
    crest = (0.10 * 100 - 2 * 0.25 * 3) / 100
    cut = terrain.cut(table)
    expected = [0.1, 0.1, crest, -crest, -0.1, -0.1]
    assert rises(cut, file) == pytest.approx(expected, abs=1e-9)
    net = network.build(cut, HIKER, gradient=np.array(expected))
    assert net.minutes_forward.sum() > 600 / 100 * 1.1


# What the model does not know


def test_what_the_model_does_not_know_is_missing_and_told(tmp_path: Path) -> None:
    """Voids of 2 cells around (315, 315) and of 10 around (900, 900); the third street leaves the model."""

    def ground(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        small = (abs(x - 315) < 40) & (abs(y - 315) < 20)
        large = (abs(x - 900) < 150) & (abs(y - 900) < 150)
        return np.where(small | large, np.nan, 100 + 0.1 * x)

    table = street_table(
        [
            street((315, 315), (715, 315)),
            street((900, 900), (900, 700)),
            street((100, 100), (-500, 100)),
            street((100, 100), (200, 100)),
        ]
    )
    found = terrain.gradients(table, dem(tmp_path, ground))
    assert found.rise_over_run.tolist() == pytest.approx([0.1, np.nan, np.nan, 0.1], nan_ok=True)
    assert found.filled.tolist() == [True, False, False, False]
    assert found.void.tolist() == [False, True, False, False]
    assert found.outside.tolist() == [False, False, True, False]
    assert [(note.key, note.values) for note in terrain.told(found, table)] == [
        ("terrain.filled", {"count": 1, "km": "0.4"}),
        ("terrain.void", {"count": 1, "km": "0.2"}),
        ("terrain.outside", {"count": 1, "km": "0.6"}),
    ]


def test_a_coarse_model_is_told(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (900, 100))])
    found = terrain.gradients(table, dem(tmp_path, tilted(0.1, 0.0), cell_m=90.0))
    assert found.rise_over_run.tolist() == pytest.approx([0.1])
    assert [(note.key, note.values) for note in terrain.told(found, table)] == [("terrain.coarse", {"cell_m": "90"})]


def test_the_stated_crs_overrules(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (700, 100))])
    file = dem(tmp_path, tilted(0.10, 0.0), crs=4549)
    assert terrain.gradients(table, file, given="EPSG:4548").rise_over_run.tolist() == pytest.approx([0.10])
    assert terrain.gradients(table, file).outside.tolist() == [True]


def test_models_that_cannot_be_used(tmp_path: Path) -> None:
    table = street_table([street((100, 100), (700, 100))])
    (tmp_path / "x.tif").write_bytes(b"no raster")
    with pytest.raises(InputFaultsError, match="hills"):
        terrain.gradients(table, tmp_path / "x.tif", where="hills")
    with pytest.raises(InputFaultsError):
        terrain.gradients(table, dem(tmp_path, tilted(0.1, 0.0), crs=None))


# Bridges and tunnels


def test_a_bridge_over_a_valley_goes_straight_from_bank_to_bank(tmp_path: Path) -> None:
    """From 110 to 140 m over 540 m, also where it is of several pieces of different ways; the road below dips."""
    bridge = {"bridge": "yes"}
    table = street_table(
        [
            street((60, 100), (180, 100)),
            street((180, 100), (330, 100), **bridge),
            street((510, 100), (330, 100), **bridge),
            street((510, 100), (720, 100), bridge="viaduct"),
            street((720, 100), (900, 100)),
            street((180, 100), (420, 100)),
        ]
    )
    found = terrain.gradients(table, dem(tmp_path, valley))
    grade = (140 - 110) / (720 - 180)
    dip = (60 - 110) / 240
    assert found.rise_over_run.tolist() == pytest.approx([0, grade, -grade, grade, 0, dip], abs=1e-12)
    assert found.aloft.tolist() == [False, True, True, True, False, False]
    assert [(note.key, note.values) for note in terrain.told(found, table)] == [
        ("terrain.aloft", {"count": 3, "km": "0.5"})
    ]


def test_a_tunnel_through_a_hill_is_flat(tmp_path: Path) -> None:
    def hill(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 50.0 + np.maximum(0.0, 100 - abs(x - 600) / 2) + 0 * y

    ends = (300, 100), (600, 100), (900, 100)
    through = [street(*ends[:2], tunnel="yes"), street(*ends[1:], tunnel="yes")]
    over = [street((300, 500), (600, 500)), street((600, 500), (900, 500))]
    slopes = rises(street_table([*through, *over]), dem(tmp_path, hill))
    assert slopes[:2] == pytest.approx([0.0, 0.0], abs=1e-12)
    # The cells beside the crest are 7.5 m below it, and lose a quarter of their bend of 15 m.
    top = (100 - 7.5 - 15 / 4) / 300
    assert slopes[2:] == pytest.approx([top, -top])


@pytest.mark.parametrize(
    ("tags", "aloft"),
    [
        ({"bridge": "no", "tunnel": "no"}, False),
        ({"tunnel": "building_passage"}, False),
        ({"bridge": "viaduct"}, True),
        ({"tunnel": "yes"}, True),
    ],
)
def test_what_counts_as_a_bridge_or_tunnel(tmp_path: Path, tags: dict[str, str], aloft: bool) -> None:  # noqa: FBT001
    table = street_table([street((180, 100), (420, 100), **tags), street((420, 100), (720, 100), **tags)])
    found = terrain.gradients(table, dem(tmp_path, valley))
    assert found.aloft.tolist() == [aloft, aloft]
    grade = (140 - 110) / 540
    expected = [grade, grade] if aloft else [(60 - 110) / 240, (140 - 60) / 300]
    assert found.rise_over_run.tolist() == pytest.approx(expected)


def test_a_side_street_brings_a_run_to_the_ground_and_steps_do_not(tmp_path: Path) -> None:
    """Steps lead from the river's bank, 60 m, up to the bridge, which is 10 m higher at mid-way."""

    def gentle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where((x > 250) & (x < 650), 100.0, 110.0) + 0 * y

    def slopes(kind: str) -> list[float]:
        table = street_table(
            [
                street((150, 600), (450, 600), bridge="yes"),
                street((450, 600), (750, 600), bridge="yes"),
                street((450, 600), (450, 500), highway=kind),
            ]
        )
        return rises(table, dem(tmp_path, gentle))

    assert slopes("steps") == pytest.approx([0, 0, -10 / 100], abs=1e-12)
    assert slopes("service") == pytest.approx([-10 / 300, 10 / 300, 0], abs=1e-12)


def test_where_runs_branch_in_the_air_they_meet_at_one_height(tmp_path: Path) -> None:
    """Three legs of 200, 200 and 400 m come from 110, 120 and 150 m: each pulls by one over its length.

    Of the first there are two, side by side, which pull twice.
    """

    def corners(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(y > 800, 150.0, np.where((x > 350) & (x < 550), 0.0, np.where(x < 350, 110.0, 120.0)))

    legs = [((250, 600), (450, 600)), ((650, 600), (450, 600)), ((450, 1000), (450, 600))]
    aloft = [street(*leg, bridge="yes") for leg in (*legs, legs[0], ((450, 600), (450, 600)))]
    table = street_table([*aloft, street((250, 600), (50, 600))])
    height = (2 * 110 / 200 + 120 / 200 + 150 / 400) / (2 / 200 + 1 / 200 + 1 / 400)
    found = rises(table, dem(tmp_path, corners))
    one, other, third = (height - 110) / 200, (height - 120) / 200, (height - 150) / 400
    assert found == pytest.approx([one, other, third, one, np.nan, 0], nan_ok=True)


def test_a_ring_in_the_air_that_only_steps_reach_is_level(tmp_path: Path) -> None:
    """A footbridge around a crossroads."""
    corners = [(300, 300), (600, 300), (600, 600), (300, 600)]
    ring = [street(corners[i], corners[(i + 1) % 4], bridge="yes") for i in range(4)]
    steps = [street(corners[0], (250, 300), highway="steps")]
    table = street_table([*ring, *steps])
    found = terrain.gradients(table, dem(tmp_path, tilted(0.1, 0.0)))
    assert found.rise_over_run.tolist() == [0.0] * 5
    assert not found.void.any()


def test_a_bridge_whose_end_is_not_known_is_not_known(tmp_path: Path) -> None:
    def ground(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(x > 800, np.nan, 100 + 0 * y)

    run = [(300, 100), (500, 100), (1000, 100)]
    table = street_table(
        [
            street(*run[:2], bridge="yes"),
            street(*run[1:], bridge="yes"),
            street((300, 500), (500, 500), bridge="yes"),
            street((500, 500), (700, 500), bridge="yes"),
        ]
    )
    found = terrain.gradients(table, dem(tmp_path, ground))
    assert found.rise_over_run.tolist() == pytest.approx([np.nan, np.nan, 0, 0], nan_ok=True)
    assert found.void.tolist() == [True, True, False, False]


# Real places


def test_porto_alegre_has_hills(shared: Path) -> None:
    folder = shared / "data" / "portoalegre"
    pieces = streets.read_osm(folder / "poa_osm.pbf", crs=pyproj.CRS.from_epsg(32722))
    found = terrain.gradients(terrain.cut(pieces), folder / "poa_elevation.tif")
    rise = found.rise_over_run
    assert np.isfinite(rise).mean() > 0.95
    # Half of the streets rise or fall by less than this, yet none is steeper than allowed.
    assert 0.005 < np.nanmedian(np.abs(rise)) < 0.06
    assert np.nanmax(np.abs(rise)) <= terrain.STEEPEST
    assert found.capped.mean() < 0.001
    assert not found.void.any()
    assert 300 < found.aloft.sum() < 600


def test_the_sample_county_is_hilly_and_wholly_known(sample_layers: Path) -> None:
    folder = sample_layers / "yongchun"
    table = terrain.cut(streets.read_osm(folder / "streets.osm.pbf", crs=METRIC))
    found = terrain.gradients(table, folder / "dem.tif")
    assert np.isfinite(found.rise_over_run[table["length_m"] > 0]).all()
    assert {note.key for note in terrain.told(found, table)} <= {"terrain.coarse", "terrain.aloft", "terrain.capped"}
    assert np.abs(found.rise_over_run).max() > 0.1

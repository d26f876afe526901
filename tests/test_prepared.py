from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from osm_files import osm
from worlds import FOOT, build, street

from geo import network, prepared, queries
from geo.cells import CellLinks

if TYPE_CHECKING:
    from pathlib import Path

ARRAYS = {
    "minutes": np.array([1.5, np.inf, np.nan]),
    "edge": np.arange(4, dtype=np.int32),
    "none": np.empty((0, 3)),
    "one": np.array(7),
    "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "crs": np.array("EPSG:4548 县"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEO_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_what_was_saved_comes_back_bit_by_bit(folder: Path) -> None:
    key = prepared.key_of("streets", [b"file", "walk"])
    assert prepared.load(key) is None
    prepared.save(key, ARRAYS)
    found = prepared.load(key)
    assert found is not None
    assert {name: (values.dtype, values.shape, values.tobytes()) for name, values in found.items()} == {
        name: (values.dtype, values.shape, values.tobytes()) for name, values in ARRAYS.items()
    }
    assert all(values.flags.aligned and values.flags.writeable for values in found.values())
    assert [file.name for file in folder.iterdir()] == [f"{key}.arrays"]


def test_objects_are_not_kept(folder: Path) -> None:
    with pytest.raises(ValueError, match="names: objects are not kept"):
        prepared.save("streets-1", {"names": np.array(["a"], dtype=object)})
    assert not folder.exists()


@pytest.mark.parametrize(
    "other", [[b"filf", "walk"], [b"file", "elder"], [b"file"], [b"filewalk"], [b"file", "walk", 1.0]]
)
def test_what_it_was_made_from_names_it(other: list[bytes | str | float]) -> None:
    assert prepared.key_of("streets", [b"file", "walk"]) != prepared.key_of("streets", other)
    assert prepared.key_of("streets", other) == prepared.key_of("streets", list(other))


def test_arrays_name_it_by_value_kind_and_shape() -> None:
    ones = np.ones(4)
    others = [np.ones(4, dtype=np.float32), np.ones((2, 2)), np.array([1.0, 1.0, 1.0, 2.0]), np.ones(5)]
    assert prepared.key_of("cells", [ones]) == prepared.key_of("cells", [np.ones(8)[::2]])
    assert len({prepared.key_of("cells", [each]) for each in [ones, *others]}) == 1 + len(others)


@pytest.mark.parametrize("at", [0, 40, -1])
def test_what_is_damaged_is_thrown_away(folder: Path, at: int) -> None:
    key = prepared.key_of("streets", ["one"])
    prepared.save(key, ARRAYS)
    file = folder / f"{key}.arrays"
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    assert prepared.load(key) is None
    assert not file.exists()


def test_what_was_cut_off_is_not_believed(folder: Path) -> None:
    key = prepared.key_of("streets", ["one"])
    prepared.save(key, ARRAYS)
    file = folder / f"{key}.arrays"
    for size in (0, 10, 32, 100):
        file.write_bytes(file.read_bytes()[:size])
        assert prepared.load(key) is None
        prepared.save(key, ARRAYS)


def test_the_oldest_make_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [prepared.key_of("streets", [str(number)]) for number in range(3)]
    prepared.save(keys[0], ARRAYS)
    size = (folder / f"{keys[0]}.arrays").stat().st_size
    prepared.save(keys[1], ARRAYS)
    os.utime(folder / f"{keys[0]}.arrays", (1, 1))
    os.utime(folder / f"{keys[1]}.arrays", (2, 2))
    assert prepared.load(keys[0]) is not None  # used just now: the other one is the oldest
    monkeypatch.setattr("geo.prepared.MOST_BYTES", size * 2)
    prepared.save(keys[2], ARRAYS)
    assert sorted(file.stem for file in folder.iterdir()) == sorted([keys[0], keys[2]])


def test_nothing_is_kept_where_nobody_wants_it_or_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEO_CACHE", "off")
    prepared.save("streets-1", ARRAYS)
    assert prepared.load("streets-1") is None
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("GEO_CACHE", str(tmp_path / "a file" / "below"))
    prepared.save("streets-1", ARRAYS)
    assert prepared.load("streets-1") is None


def test_a_network_is_the_same_from_disk(tmp_path: Path) -> None:
    net = build(street((0, 0), (300, 0)), street((300, 0), (300, 200), (500, 200)), street((300, 0), (0, 0)))
    np.savez(tmp_path / "net.npz", **network.to_arrays(net))
    with np.load(tmp_path / "net.npz") as arrays:
        again = network.of_arrays(FOOT, arrays)
    assert again.crs == net.crs
    assert [getattr(again, name).tobytes() for name in network.ARRAYS] == [
        getattr(net, name).tobytes() for name in network.ARRAYS
    ]
    assert (again.leaving != net.leaving).nnz == 0


def test_a_changed_file_is_read_anew(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "town.osm"
    file.write_text(osm({10: ([1, 2], {"highway": "residential"})}))
    first = queries.read_streets(file)
    assert len(list(folder.iterdir())) == 1
    again = queries.read_streets(file)
    assert again.length_m.tobytes() == first.length_m.tobytes()
    file.write_text(osm({10: ([1, 3], {"highway": "residential"})}))
    assert queries.read_streets(file).length_m[0] == pytest.approx(2 * first.length_m[0], rel=1e-6)
    assert len(list(folder.iterdir())) == 2
    queries.read_streets(file, mode="ebike")
    assert len(list(folder.iterdir())) == 3


def test_cells_are_the_same_from_disk(tmp_path: Path) -> None:
    net = build(street((0, 0), (900, 0)), street((900, 0), (900, 700)), street((0, 2000), (50, 2000)), island_m=500.0)
    made, box = CellLinks(net, 12.5), (499_000.0, 2_799_000.0, 502_000.0, 2_803_000.0)
    table = made.link([box])
    np.savez(tmp_path / "cells.npz", **made.to_arrays())
    kept = CellLinks(net, 12.5)
    with np.load(tmp_path / "cells.npz") as arrays:
        kept.take(arrays)
    again = kept.link([box])
    assert (again.row.tolist(), again.column.tolist()) == (table.row.tolist(), table.column.tolist())
    assert again.island.tolist() == table.island.tolist()
    for name in ("edge", "at", "leg_m", "vertex", "side", "walled", "choice"):
        assert again.cells(name).tobytes() == table.cells(name).tobytes()

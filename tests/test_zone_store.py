from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from small_county import csv_text, stations, write_county

import geo
from geo import zone_store, zones

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEO_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the services whose zones were worked out, in the order in which they were."""
    named: list[str] = []
    really = zones._zone

    def zone(grounds: object, sheet: object, job: zones._Job) -> zone_store.Zone:
        named.append(job.service.code)
        return really(grounds, sheet, job)  # type: ignore[arg-type]

    monkeypatch.setattr(zones, "_zone", zone)
    return named


def content_of(analysis: geo.Analysis) -> list[object]:
    """Return all that is drawn, bit by bit."""
    shapes = [shape.wkb for table in (analysis.isochrones, analysis.drawing) for shape in table.geometry]
    plain = analysis.isochrones.drop(columns="geometry").astype(object).fillna("").to_numpy().tolist()
    fields = [(key, field.grid, field.minutes.tobytes()) for key, field in analysis.surfaces.items()]
    return [shapes, plain, fields, analysis.summary["services"]]


@pytest.mark.parametrize("combine", ["dissolve", "each"])
def test_what_was_drawn_before_is_the_same_to_the_bit(
    tmp_path: Path, kept: Path, drawn: list[str], combine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_county(tmp_path / "town")
    first = content_of(geo.analyse(folder, combine=combine))
    assert drawn
    drawn.clear()
    assert content_of(geo.analyse(folder, combine=combine)) == first
    assert drawn == []
    monkeypatch.setenv("GEO_CACHE", "off")
    assert content_of(geo.analyse(folder, combine=combine)) == first
    assert drawn
    assert list(kept.glob("zone-*.arrays"))


@pytest.mark.usefixtures("kept")
def test_only_what_changed_is_drawn_anew(tmp_path: Path, drawn: list[str]) -> None:
    rows = stations()
    before = geo.analyse(write_county(tmp_path / "town"))
    assert set(drawn) == {code for code, _ in before.surfaces}
    drawn.clear()
    kind = rows[0][2]
    rows[0][3] = float(rows[0][3]) + 0.001
    moved = geo.analyse(write_county(tmp_path / "moved", stations_csv=csv_text(rows)))
    assert set(drawn) == set(moved.service_points.loc[[0], "type"]), kind
    assert len({code for code, _ in moved.surfaces}) > len(set(drawn))


def test_a_damaged_zone_is_drawn_anew(tmp_path: Path, kept: Path, drawn: list[str]) -> None:
    folder = write_county(tmp_path / "town")
    first = content_of(geo.analyse(folder))
    files = sorted(kept.glob("zone-*.arrays"))
    content = bytearray(files[0].read_bytes())
    content[-1] ^= 1
    files[0].write_bytes(content)
    drawn.clear()
    assert content_of(geo.analyse(folder)) == first
    assert len(drawn) == 1

"""Scenarios and suggested sites on a small study: what changes nothing equals the analysis, and what is promised comes true."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from small_county import STUDY, ask, csv_text, place, write_county

import geo
from geo import network, scenarios
from geo.errors import GeoCrsError, GeoValueError

if TYPE_CHECKING:
    from pathlib import Path

    from geo.analysis import Analysis

VENUES = [["h1", "西馆", *place(1, 7), 40], ["h2", "东馆", *place(7, 1), 40], ["h3", "满馆", *place(7, 4), 0]]
GONE = ["far", "远馆", 118.5, 25.5, 10]
WITH_VENUES = STUDY + 'venues = { path = "venues.csv", crs = "EPSG:4326" }\n[services.gig_station]\nlimit = 6\n'


def with_venues(folder: Path, rows: list[list[object]]) -> Path:
    write_county(folder, study_toml=WITH_VENUES)
    (folder / "venues.csv").write_text(csv_text(rows, header="编号,名称,经度,纬度,容量"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_venues(tmp_path_factory.mktemp("county"), [*VENUES, GONE])


@pytest.fixture(scope="module")
def analysis(folder: Path) -> Analysis:
    return geo.analyse(folder)


def plain(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(table.drop(columns="geometry")).reset_index(drop=True)


def test_nothing_changed_is_the_analysis_itself(analysis: Analysis) -> None:
    same = geo.what_if(analysis, "gig_station")
    wanted = analysis.coverage[(analysis.coverage["service"] == "gig_station") & (analysis.coverage["mode"] == "walk")]
    pd.testing.assert_frame_equal(plain(same.coverage), plain(wanted))
    pd.testing.assert_frame_equal(plain(same.gaps), plain(analysis.gaps[analysis.gaps["service"] == "gig_station"]))
    minutes = analysis.demand["minutes_gig_station"].to_numpy()
    assert np.array_equal(same.minutes.to_numpy(), minutes, equal_nan=True)
    drawn = analysis.drawing
    drawn = drawn[(drawn["service"] == "gig_station") & (drawn["mode"] == "walk")]
    assert len(same.isochrones) == len(drawn)
    for ours, theirs in zip(same.isochrones.geometry, drawn.geometry, strict=True):
        assert ours.symmetric_difference(theirs).area < 0.02 * theirs.area


def test_another_mode_is_what_the_analysis_says_of_its_further_ring(analysis: Analysis) -> None:
    found = geo.what_if(analysis, "零工驿站", mode="ebike").minutes.to_numpy()
    assert np.array_equal(found, analysis.demand["minutes_gig_station_ebike"].to_numpy(), equal_nan=True)


def test_another_speed_is_a_study_with_that_speed(analysis: Analysis, tmp_path: Path) -> None:
    with_venues(tmp_path / "slow", VENUES)
    file = tmp_path / "slow" / "study.toml"
    file.write_text(WITH_VENUES + "[modes.walk]\nspeed_kmh = 3\n", encoding="utf-8")
    slow = geo.analyse(tmp_path / "slow")
    found = geo.what_if(analysis, "gig_station", speed_kmh=3)
    assert found.minutes.to_numpy() == pytest.approx(slow.demand["minutes_gig_station"].to_numpy(), nan_ok=True)
    assert "3" in found.basis("en")


def test_what_did_not_change_is_not_computed_again(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    geo.what_if(analysis, "gig_station", mode="ebike", speed_kmh=11).served()

    def never(*_: object, **__: object) -> None:
        pytest.fail("a network was built again")

    monkeypatch.setattr(network, "build", never)
    monkeypatch.setattr("geo.snapping.snap", never)
    monkeypatch.setattr("geo.scenarios.reach", never)
    narrow = geo.what_if(analysis, "gig_station", mode="ebike", speed_kmh=11, limit=5)
    wide = geo.what_if(analysis, "gig_station", mode="ebike", speed_kmh=11, limit=12)
    assert narrow.minutes.equals(wide.minutes)
    assert narrow.gaps["people"].sum() >= wide.gaps["people"].sum()


@pytest.mark.parametrize("model", ["mclp", "lscp", "p_median"])
@pytest.mark.parametrize("candidates", ["venues", "streets"])
def test_what_is_promised_comes_true(analysis: Analysis, model: str, candidates: str) -> None:
    sites = geo.suggest_sites(analysis, "gig_station", add=2, model=model, candidates=candidates)
    assert len(sites)
    then = geo.what_if(analysis, "gig_station", sites=sites)
    assert then.served()["people_served"] == sites["people_served_cumulative"].iloc[-1]
    now = geo.what_if(analysis, "gig_station").served()
    assert now["people_served"] + sites["people_newly_served"].sum() == sites["people_served_cumulative"].iloc[-1]
    assert sites["share_cumulative"].iloc[-1] == pytest.approx(then.served()["share"])
    assert sites.crs == analysis.demand.crs
    assert (then.minutes <= geo.what_if(analysis, "gig_station").minutes).sum() == then.minutes.notna().sum()


def test_full_and_far_venues_are_no_candidates(analysis: Analysis) -> None:
    sites = geo.suggest_sites(analysis, "gig_station", add=9)
    assert set(sites["candidate_id"]) <= {"h1", "h2"}
    assert sites.attrs["not_attached"] == ["far"]


def test_the_curve_is_the_best_of_every_number(analysis: Analysis) -> None:
    curve = geo.coverage_by_sites(analysis, "gig_station", most=3, candidates="streets")
    assert curve["sites"].tolist() == [0, 1, 2, 3]
    assert curve["people_served"].is_monotonic_increasing
    assert np.diff(curve["people_served"]).max() == np.diff(curve["people_served"])[0], "the first site serves most"
    for row in curve.iloc[1:].itertuples():
        sites = geo.suggest_sites(analysis, "gig_station", add=row.sites, candidates="streets")
        assert sites["people_newly_served"].sum() == pytest.approx(row.people_newly_served)


def test_own_points_in_any_crs_are_candidates(analysis: Analysis) -> None:
    given = gpd.GeoDataFrame(
        {"id": ["a", "b"], "name": ["甲", "乙"]},
        geometry=gpd.points_from_xy(*zip(place(7, 2), place(7, 1), strict=True)),
        crs=4326,
    )
    first = geo.suggest_sites(analysis, "gig_station", candidates=given, add=1)
    moved = geo.suggest_sites(analysis, "gig_station", candidates=given.to_crs(4549), add=1)
    pd.testing.assert_frame_equal(plain(first), plain(moved))
    with pytest.raises(GeoCrsError):
        geo.suggest_sites(analysis, "gig_station", candidates=given.set_crs(None, allow_override=True))


def test_faults_are_told_together_and_name_what_is_accepted(analysis: Analysis) -> None:
    with pytest.raises(GeoValueError, match=r"(?s)service is 'nix'.*gig_station.*limit is -1.*mode is 'fly'.*walk"):
        geo.what_if(analysis, "nix", mode="fly", limit=-1)
    assert scenarios.unknown_service(analysis, "零工驿站") is None
    mistyped = scenarios.unknown_service(analysis, "零工驿占")
    assert mistyped is not None
    assert mistyped.text("zh").startswith("零工驿占：没有这个服务类型；相近的：零工驿站。可用的：")
    assert "near ones: 零工驿站. Accepted are" in mistyped.text("en")
    unlike = scenarios.unknown_service(analysis, "xyz")
    assert unlike is not None
    assert unlike.message.key == "scenario.no_service"
    untimed = scenarios.unknown_service(analysis, "亲清茶室")
    assert untimed is not None
    assert untimed.message.key == "scenario.not_timed"
    with pytest.raises(GeoValueError, match=r"(?s)add is 0.*model is 'best'.*mclp, lscp"):
        geo.suggest_sites(analysis, "gig_station", add=0, model="best")
    with pytest.raises(GeoValueError, match="not measured in minutes"):
        geo.what_if(analysis, "亲清茶室")
    with pytest.raises(GeoValueError, match=r"give what geo\.analyse"):
        geo.what_if("layers/yongchun", "gig_station")
    empty = replace(analysis, context={})
    with pytest.raises(GeoValueError, match="no venue with room"):
        geo.suggest_sites(empty, "gig_station")


def test_geo_site_says_where(folder: Path) -> None:
    said = ask("site", folder, "零工驿站", "--add", "1")
    assert said.exit_code == 0
    assert "1. " in said.output
    assert "步行6分钟" in said.output
    assert "常住人口" in said.output
    english = ask("site", folder, "gig_station", "--add", "1", "--lang", "en")
    assert "newly serves" in english.output
    wrong = ask("site", folder, "nix")
    assert wrong.exit_code == 1
    assert "gig_station" in wrong.output
    assert ask("site", folder, "gig_station", "--model", "best").exit_code == 1

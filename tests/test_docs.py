"""What the pages say holds: their links are well-formed and lead somewhere, their tasks can be done, their figures recur."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from urllib.parse import urlsplit

import geopandas as gpd
import pandas as pd
import pyproj
import pytest
from small_county import LAT, LON, STEP, ask, write_county

import geo
from geo import crs

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = [*PAGES, *sorted((ROOT / "notebooks").glob("*.py"))]
TASKS = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and mkdocs write them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", TEXTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere_or_is_a_plain_address(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        parts = urlsplit(link)
        if parts.scheme:
            # No test asks the network: an address is checked for its form alone.
            assert parts.scheme == "https", link
            assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.hostname or ""), link
            continue
        place = (page.parent / parts.path) if parts.path else page
        assert place.exists(), link
        if parts.fragment:
            assert parts.fragment in anchors(place), link


def test_every_page_is_in_the_contents() -> None:
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[2:] if f": {page.name}" not in listed] == []


def test_every_figure_of_a_peer_says_how_it_was_measured() -> None:
    page = (ROOT / "docs" / "minutes.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?:^\|.*\n)+", page, flags=re.MULTILINE)
    others, errors = ([row.strip("|\n").split("|") for row in table.splitlines()[2:]] for table in tables)
    assert [row[0] for row in others if "https://" not in row[-1] and "`geo`" not in row[0]] == []
    assert [row[0] for row in errors if len(row[-1].strip()) < len("the same")] == []
    # The same figures as the benchmark printed into the README.
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shares = [
        share
        for row in errors
        if "residents" in row[1] or row[-1].strip().startswith("the same")
        for share in re.findall(r"\d+\.\d\d(?= %)", row[1])
    ]
    assert len(shares) == 10
    assert [share for share in shares if f"{share}%" not in readme] == []


def test_the_shift_of_the_samples_is_what_the_page_says() -> None:
    found = {}
    geodesic = pyproj.Geod(ellps="GRS80")
    for move in (crs.to_gcj02, crs.to_bd09):
        metres = []
        for study in ("yongchun", "nanan", "quangang"):
            centre = gpd.read_file(ROOT / "layers" / study / "communities.geojson").geometry.representative_point()
            metres += geodesic.inv(centre.x, centre.y, *move(centre.x, centre.y))[2].tolist()
        found[move.__name__] = f"{min(metres):,.0f}–{max(metres):,.0f} m"
    page = (ROOT / "docs" / "minutes.md").read_text(encoding="utf-8")
    assert [told for told in found.values() if told not in page] == []


def block(heading: str, language: str, *, number: int = 0) -> str:
    """Return a block of code of one task, as a reader would copy it."""
    part = TASKS.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", part, flags=re.DOTALL)[number]


@pytest.fixture(name="county")
def _county(tmp_path: Path) -> Path:
    return write_county(tmp_path / "my-county")


def add(county: Path, more: str) -> Path:
    """Write more lines under what the study file says."""
    file = county / "study.toml"
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{more}", encoding="utf-8")
    return county


def printed(*words: object) -> str:
    result = ask(*words)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.slow
def test_task_a_table_in_gcj02(county: Path) -> None:
    # The page's own table, its two canteens moved to crossings of this county.
    header, *rows = block("A table in GCJ-02", "csv").splitlines()
    moved = crs.to_gcj02([LON + number * STEP for number in (1, 7)], [LAT + 6 * STEP] * 2)
    places = list(zip(*moved, strict=True))
    lines = [
        re.sub(r"[\d.]+,[\d.]+", f"{lon:.6f},{lat:.6f}", row) for row, (lon, lat) in zip(rows, places, strict=True)
    ]
    (county / "amap.csv").write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    file = county / "study.toml"
    layer = block("A table in GCJ-02", "toml").partition("[layers]\n")[2].replace("service_points.csv", "stations.csv")
    mine = re.sub(r"service_points = .*\n", "", file.read_text(encoding="utf-8")) + layer
    file.write_text(mine.replace(', crs = "gcj02"', ""), encoding="utf-8")
    refused = ask("check", county)
    assert refused.exit_code == 1
    assert "amap.csv" in refused.output
    assert "gcj02" in refused.output
    file.write_text(mine, encoding="utf-8")
    assert "gcj02" in printed("check", county)
    found = geo.analyse(county).service_points.set_index("name").loc[["城东食堂", "城西食堂"]].to_crs(4326)
    assert found["counted"].all()
    assert found.geometry.x.to_numpy() == pytest.approx([LON + STEP, LON + 7 * STEP], abs=2e-6)


@pytest.mark.slow
def test_task_another_speed(county: Path, tmp_path: Path) -> None:
    before = geo.analyse(county)
    tried = geo.what_if(before, "零工驿站", speed_kmh=4.0).served()
    said = printed("run", add(county, block("Another speed", "toml")), "--out", tmp_path / "maps")
    assert "步行 4 公里/时" in said
    table = pd.read_csv(tmp_path / "maps" / "small" / "coverage.csv")
    keys = {"unit_kind": "study", "service": "gig_station", "mode": "walk", "limit_minutes": 15, "demand": "residents"}
    row = table[pd.concat([table[name] == value for name, value in keys.items()], axis=1).all(axis=1)]
    assert row["people_served"].tolist() == [pytest.approx(tried["people_served"])]
    assert tried["people_served"] < geo.what_if(before, "零工驿站").served()["people_served"]


@pytest.mark.slow
def test_task_a_new_service_type(county: Path) -> None:
    add(county, block("A new service type", "toml"))
    none = geo.what_if(geo.analyse(county), "便民早餐点")
    assert none.served()["share"] == 0.0
    with (county / "stations.csv").open("a", encoding="utf-8") as file:
        file.writelines(
            f"b{n},早餐{n},{name},{LON + n * STEP},{LAT + STEP},\n"
            for n, name in enumerate(("便民早餐点", "早餐车", "breakfast"))
        )
    found = geo.what_if(geo.analyse(county), "breakfast")
    assert (found.service.limit, found.served()["share"] > 0) == (10.0, True)
    assert set(found.nearest.dropna()) == {"b0", "b1", "b2"}


@pytest.mark.slow
def test_task_into_qgis(county: Path, tmp_path: Path) -> None:
    printed("run", county, "--out", tmp_path / "maps")
    file = tmp_path / "maps" / "small" / "layers.gpkg"
    # OGR reads the filter as QGIS does.
    chosen = gpd.read_file(file, layer="coverage", where=block("Into QGIS", "").strip())
    assert chosen["unit_id"].tolist() == ["west", "east"]
    assert chosen.geometry.is_valid.all()
    assert all(gpd.read_file(file, layer=name).crs.is_projected for name in gpd.list_layers(file)["name"])


@pytest.mark.slow
def test_task_three_more_canteens(county: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"v{n},场所{n},{LON + n * STEP},{LAT + n * STEP},30" for n in range(8)]
    (county / "venues.csv").write_text("\n".join(["id,name,lon,lat,capacity", *rows, ""]), encoding="utf-8")
    file = county / "study.toml"
    file.write_text(
        file.read_text(encoding="utf-8") + 'venues = { path = "venues.csv", crs = "EPSG:4326" }\n', encoding="utf-8"
    )
    analysis = geo.analyse(county)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"geo": geo, "analysis": analysis}
    exec(block("Three more canteens", "python"), names)  # noqa: S102 - the page's own lines
    sites = names["sites"]
    command = block("Three more canteens", "").split()[1:]
    said = printed(*(county if word == "my-county" else word for word in command))
    assert len(sites) > 0
    assert all(name in said for name in sites["candidate_name"])
    assert len(gpd.read_file("sites.gpkg")) == len(sites)
    curve = geo.coverage_by_sites(analysis, "长者食堂", most=len(sites))
    assert curve["people_served"].iloc[-1] == sites["people_served_cumulative"].iloc[-1]
    assert all(one <= two for one, two in itertools.pairwise(curve["share"]))

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from geo import panel, read_streets
from geo.errors import GeoValueError, InputFaultsError
from geo.modes import BUILTIN, Mode
from geo.study import last_day, read_study

if TYPE_CHECKING:
    from pathlib import Path

    from geo.study import Study

HEAD = '[study]\nid = "tiny"\nname = "小县"\nperiod = "2026Q4"\n'
LAYERS = '[layers]\ncommunities = "c.geojson"\nservice_points = "p.csv"\nstreets = "s.osm.pbf"\n'
FILES = ("c.geojson", "p.csv", "s.osm.pbf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).touch()
    return tmp_path


def read(folder: Path, text: str, **options: tuple[Path, ...]) -> Study:
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return read_study(folder, **options)


def faults(folder: Path, text: str) -> dict[str, str]:
    """Return place → English text of every fault; no place may have two."""
    with pytest.raises(InputFaultsError) as caught:
        read(folder, text)
    found = [(fault.where, fault.text("en")) for fault in caught.value.faults]
    assert len(dict(found)) == len(found)
    assert all(fault.text("zh") != fault.text("en") for fault in caught.value.faults)
    return dict(found)


def test_a_study_is_read_and_frozen(folder: Path) -> None:
    study = read(folder, HEAD + LAYERS)
    assert (study.head.id, study.head.name, study.head.synthetic) == ("tiny", "小县", False)
    assert study.folder == folder
    assert [source.file for source in study.layers.communities] == [folder / "c.geojson"]
    assert study.layers.parks == ()
    assert study.modes == BUILTIN
    assert study.asked == ()
    with pytest.raises(ValueError, match="frozen"):
        study.head.id = "other"


def test_a_file_may_be_named_instead_of_its_folder(folder: Path) -> None:
    read(folder, HEAD + LAYERS)
    assert read_study(folder / "study.toml").head.id == "tiny"


def test_a_byte_order_mark_is_no_fault(folder: Path) -> None:
    (folder / "study.toml").write_text("\ufeff" + HEAD + LAYERS, encoding="utf-8")
    assert read_study(folder).head.id == "tiny"


def test_three_faults_are_told_at_once(folder: Path) -> None:
    found = faults(
        folder,
        HEAD.replace("2026Q4", "2026Q5")
        + LAYERS.replace("p.csv", "nowhere.csv")
        + "[services.gig_station]\nminuts = [5]\n",
    )
    assert set(found) == {"study.period", "layers.service_points", "services.gig_station.minuts"}
    assert "'2026Q5'" in found["study.period"]
    assert "2026-11" in found["study.period"]
    assert "nowhere.csv" in found["layers.service_points"]
    assert "did you mean minutes?" in found["services.gig_station.minuts"]


@pytest.mark.parametrize(
    ("text", "where", "near"),
    [
        (HEAD + "synthetc = true\n" + LAYERS, "study.synthetc", "synthetic"),
        (HEAD + LAYERS + 'comunities = "c.geojson"\n', "layers.comunities", "communities"),
        (HEAD + LAYERS + 'parks = [{path = "c.geojson", colums = {}}]\n', "layers.parks.0.colums", "columns"),
        (HEAD + LAYERS + "[servces]\n", "servces", "services"),
        (HEAD + LAYERS + "[modes.walk]\nspeed = 4\n", "modes.walk.speed", "speed_kmh"),
        (HEAD + LAYERS + "[adequacy]\naround = 4\n", "adequacy.around", "around_m"),
        (
            HEAD + LAYERS + '[services.gig_station]\nalso = [{mode = "ebike", limits = 9, limit = 9}]\n',
            "services.gig_station.also.0.limits",
            "limit",
        ),
    ],
)
def test_an_unknown_key_has_the_nearest_one_suggested(folder: Path, text: str, where: str, near: str) -> None:
    found = faults(folder, text)
    assert list(found) == [where]
    assert f"did you mean {near}?" in found[where]


def test_a_key_like_no_other_lists_what_is_accepted(folder: Path) -> None:
    assert (
        "accepted are speed_kmh, like, slope, classes"
        in faults(folder, HEAD + LAYERS + "[modes.walk]\nqqqq = 4\n")["modes.walk.qqqq"]
    )


def test_every_missing_file_is_told(folder: Path) -> None:
    text = HEAD + LAYERS + 'parks = ["a.geojson", {path = "b.geojson"}]\nwater = "c.geojson"\nterrain = "dem.tif"\n'
    with pytest.raises(InputFaultsError) as caught:
        read(folder, text)
    told = [(fault.where, fault.message.values["path"]) for fault in caught.value.faults]
    assert told == [("layers.parks", "a.geojson"), ("layers.parks", "b.geojson"), ("layers.terrain", "dem.tif")]


def test_files_are_looked_up_in_the_data_folders_too(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("data")
    (data / "w.geojson").touch()
    (data / "c.geojson").touch()
    study = read(folder, HEAD + LAYERS + 'water = "w.geojson"\n', data=(data,))
    assert study.layers.water[0].file == data / "w.geojson"
    assert study.layers.communities[0].file == folder / "c.geojson"


def test_a_path_never_climbs(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    found = faults(inner, HEAD + LAYERS.replace("c.geojson", "../c.geojson"))
    assert "must not contain .." in found["layers.communities"]


def test_layers_that_every_study_needs(folder: Path) -> None:
    found = faults(folder, HEAD + "[layers]\n")
    assert {"layers.service_points", "layers.streets"} <= set(found)
    found = faults(folder, HEAD + '[layers]\nservice_points = "p.csv"\nstreets = "s.osm.pbf"\n')
    assert list(found) == ["layers"]
    assert "communities, parks, factories, population" in found["layers"]


def test_only_streets_may_name_a_place(folder: Path) -> None:
    study = read(folder, HEAD + LAYERS.replace('"s.osm.pbf"', '{place = "永春县"}'))
    assert study.layers.streets[0].label == "永春县"
    assert list(faults(folder, HEAD + LAYERS.replace('"c.geojson"', '{place = "永春县"}'))) == ["layers.communities"]


def test_an_empty_file_lacks_its_tables(folder: Path) -> None:
    assert set(faults(folder, "")) == {"study", "layers"}


@pytest.mark.parametrize(
    ("period", "day"),
    [
        ("2026", dt.date(2026, 12, 31)),
        ("2026Q1", dt.date(2026, 3, 31)),
        ("2026Q4", dt.date(2026, 12, 31)),
        ("2024-02", dt.date(2024, 2, 29)),
        ("2026-02", dt.date(2026, 2, 28)),
    ],
)
def test_outputs_bear_the_last_day_of_the_period(folder: Path, period: str, day: dt.date) -> None:
    assert last_day(period) == day
    assert read(folder, HEAD.replace("2026Q4", period) + LAYERS).last_day == day


@pytest.mark.parametrize("period", ["2026Q0", "2026Q5", "2026-13", "2026-1", "26Q1", "", "2026Q4 ", "0000"])
def test_what_is_no_period_is_told(folder: Path, period: str) -> None:
    assert list(faults(folder, HEAD.replace("2026Q4", period) + LAYERS)) == ["study.period"]
    with pytest.raises(ValueError, match="2026Q4"):
        last_day(period)


@pytest.mark.parametrize("code", ["35052", "3505", "3505250", "035052", "三五〇五二五", "３５０５２５", "350525-1"])
def test_what_is_no_division_code_is_told(folder: Path, code: str) -> None:
    found = faults(folder, HEAD + f'code = "{code}"\n' + LAYERS)
    assert list(found) == ["study.code"]
    assert "6 digits" in found["study.code"]
    for good in ("350525", "350525100", "350525100001", ""):
        assert read(folder, HEAD + f'code = "{good}"\n' + LAYERS).head.code == good


@pytest.mark.parametrize("name", ["", "a/b", "..", "a..b", ".hidden", "a b", "a\\\\b"])
def test_an_id_is_a_folder_name(folder: Path, name: str) -> None:
    assert list(faults(folder, HEAD.replace('"tiny"', f'"{name}"') + LAYERS)) == ["study.id"]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "gcj02", "nonsense"])
def test_the_study_needs_metres(folder: Path, crs: str) -> None:
    assert list(faults(folder, HEAD + f'crs = "{crs}"\n' + LAYERS)) == ["study.crs"]


def test_a_metric_crs_is_taken(folder: Path) -> None:
    assert read(folder, HEAD + 'crs = "EPSG:4548"\n' + LAYERS).head.crs == "EPSG:4548"


def test_a_service_may_be_set_otherwise(folder: Path) -> None:
    text = '[services.gig_station]\nlimit = 12\nmode = "ebike"\ndemand = ["workers"]\naliases = ["劳务站"]\ndirection = "from_service"\n'
    study = read(folder, HEAD + LAYERS + text)
    service = study.services["gig_station"]
    assert study.asked == ("gig_station",)
    assert (service.limit, service.mode, service.demand, service.direction) == (
        12.0,
        "ebike",
        ("workers",),
        "from_service",
    )
    assert service.minutes == (5.0, 10.0, 12.0)
    assert service.aliases[-1] == "劳务站"
    assert service.status == "O"
    assert service.also == ()


def test_bands_always_hold_the_limit(folder: Path) -> None:
    study = read(folder, HEAD + LAYERS + "[services.gig_station]\nminutes = [8, 3]\nlimit = 12\n")
    assert study.services["gig_station"].minutes == (3.0, 8.0, 12.0)


def test_other_services_stay_as_the_catalogue_has_them(folder: Path) -> None:
    plain = read(folder, HEAD + LAYERS)
    changed = read(folder, HEAD + LAYERS + "[services.gig_station]\nlimit = 12\n")
    assert changed.services["canteen_elder"] == plain.services["canteen_elder"]
    assert changed.services["gig_station"].label == plain.services["gig_station"].label


def test_a_new_service_needs_a_label(folder: Path) -> None:
    found = faults(folder, HEAD + LAYERS + "[services.gig_statoin]\n")
    assert list(found) == ["services.gig_statoin"]
    assert "gig_station" in found["services.gig_statoin"]
    study = read(folder, HEAD + LAYERS + '[services.bike_rack]\nlabel = "车架"\n')
    assert study.services["bike_rack"].rings[0].limit == 15.0
    assert study.services["bike_rack"].name("en") == "车架"


@pytest.mark.parametrize(
    "also", ["also = 5", "also = true", 'also = "ebike"', 'also = {mode = "ebike", limit = 5}', "also = [5]"]
)
def test_rings_of_the_wrong_shape_are_faults_too(folder: Path, also: str) -> None:
    assert all(
        where.startswith("services.gig_station.also")
        for where in faults(folder, f"{HEAD}{LAYERS}[services.gig_station]\n{also}\n")
    )


@pytest.mark.parametrize(
    "text",
    [
        "study = 3\n",
        "layers = 3\n",
        HEAD + "[layers]\ncommunities = 3\nservice_points = true\nstreets = [[]]\n",
        "services = 3\n" + HEAD + LAYERS,
        "modes = []\n" + HEAD + LAYERS,
        HEAD + LAYERS + "[services]\ngig_station = 5\n",
        HEAD + LAYERS + "[modes]\nwalk = 5\n",
        HEAD + LAYERS + '[services.gig_station]\nmode = ["walk"]\n',
        HEAD + LAYERS + "[services.gig_station]\ndemand = []\n",
        HEAD + LAYERS + '[services.gig_station]\ndemand = ["cats"]\n',
        HEAD + LAYERS + "[services.gig_station]\nlimit = 0\n",
        HEAD + LAYERS + "[services.gig_station]\nlimit = nan\n",
        HEAD + LAYERS + "[modes.walk]\nspeed_kmh = -1\n",
        HEAD + LAYERS + "[modes.walk]\nspeed_kmh = inf\n",
        HEAD.replace('"2026Q4"', "2026") + LAYERS,
        HEAD + "code = 350525\n" + LAYERS,
        HEAD + LAYERS.replace("c.geojson", "x" * 400),
        HEAD + LAYERS.replace("c.geojson", "a\\u0000b"),
        HEAD + LAYERS.replace("c.geojson", ""),
    ],
)
def test_bad_values_are_faults_and_never_a_traceback(folder: Path, text: str) -> None:
    assert faults(folder, text)


def test_modes(folder: Path) -> None:
    text = '[modes.walk]\nspeed_kmh = 5\n[modes.cart]\nlike = "ebike"\nspeed_kmh = 8\n[modes.drive]\nspeed_kmh = 30\n'
    modes = read(folder, HEAD + LAYERS + text).modes
    assert (modes["walk"].speed_kmh, modes["walk"].access_kmh, modes["walk"].slope) == (5.0, 5.0, True)
    assert (modes["cart"].access, modes["cart"].speed_kmh) == ("bicycle", 8.0)
    assert modes["elder"] == BUILTIN["elder"]
    # Whoever drives or cycles walks the last metres as fast as walkers do.
    assert {modes[name].access_kmh for name in ("cart", "drive", "ebike")} == {5.0}


def test_modes_may_name_their_streets_and_heed_slope_or_not(folder: Path) -> None:
    own = '[modes.trike]\nlike = "ebike"\nspeed_kmh = 8\nslope = false\nclasses = ["tertiary", "track"]\n'
    walk = '[modes.walk]\nclasses = ["footway"]\n[modes.drive]\nslope = true\n'
    modes = read(folder, HEAD + LAYERS + own + walk).modes
    assert modes["trike"] == Mode("trike", "bicycle", 8.0, 4.5, slope=False, classes=("tertiary", "track"))
    assert modes["walk"] == replace(BUILTIN["walk"], classes=("footway",))
    assert modes["drive"] == replace(BUILTIN["drive"], slope=True)
    assert modes["ebike"] == BUILTIN["ebike"]
    assert hash(modes["trike"]) != hash(modes["walk"])


@pytest.mark.parametrize(
    ("classes", "where", "said"),
    [
        (
            '["lane", "track", "路"]',
            "modes.walk.classes",
            "no street class lane, 路; accepted are motorway, motorway_link",
        ),
        ("[]", "modes.walk.classes", "at least one"),
        ('"track"', "modes.walk.classes", "a list in brackets"),
        ('["track", 3]', "modes.walk.classes.1", "a text in quotes"),
    ],
)
def test_street_classes_of_a_mode_are_checked(folder: Path, classes: str, where: str, said: str) -> None:
    found = faults(folder, HEAD + LAYERS + f"[modes.walk]\nclasses = {classes}\n")
    assert list(found) == [where]
    assert said in found[where]


def test_a_new_mode_says_what_it_is_like_and_how_fast(folder: Path) -> None:
    for text in ("[modes.cart]\nspeed_kmh = 8\n", '[modes.cart]\nlike = "walk"\n', "[modes.cart]\n"):
        assert list(faults(folder, HEAD + LAYERS + text)) == ["modes.cart"]


def test_a_ring_needs_a_mode_that_exists(folder: Path) -> None:
    text = '[services.gig_station]\nmode = "fly"\nalso = [{mode = "swim", limit = 5}]\n'
    found = faults(folder, HEAD + LAYERS + text)
    assert list(found) == ["services.gig_station.mode", "services.gig_station.also"]
    assert "walk, elder, ebike, drive" in found["services.gig_station.mode"]


def test_what_cannot_be_read_is_one_fault(folder: Path) -> None:
    empty = folder / "empty"
    empty.mkdir()
    (folder / "study.toml").write_bytes(HEAD.encode("gb18030"))
    with pytest.raises(InputFaultsError, match="UTF-8"):
        read_study(folder)
    with pytest.raises(InputFaultsError, match="not valid TOML"):
        read(folder, "[study\n")
    with pytest.raises(InputFaultsError, match=r"there is no study.toml"):
        read_study(empty)
    with pytest.raises(InputFaultsError, match="no such folder"):
        read_study(folder / "none")


def test_further_rings_keep_their_order(folder: Path) -> None:
    text = '[services.gig_station]\nalso = [{mode = "ebike", limit = 10}, {mode = "drive", limit = 5}]\n'
    rings = read(folder, HEAD + LAYERS + text).services["gig_station"].rings
    assert [(ring.mode, ring.limit) for ring in rings] == [("walk", 15.0), ("ebike", 10.0), ("drive", 5.0)]


RINGS = {
    "also names the deciding mode": (
        'mode = "walk"\nalso = [{ mode = "walk", limit = 5 }]',
        "services.gig_station.also",
    ),
    "also names a mode twice": (
        'also = [{ mode = "ebike", limit = 5 }, { mode = "ebike", limit = 9 }]',
        "services.gig_station.also",
    ),
    "a band beyond max(60, 4 x 15)": ("minutes = [15, 61]", "services.gig_station.minutes"),
}


@pytest.mark.parametrize("name", list(RINGS))
def test_rings_that_cannot_be_computed_are_faults(tmp_path, name):
    lines, where = RINGS[name]
    for file in ("a.geojson", "b.csv", "c.osm.pbf"):
        (tmp_path / file).touch()
    (tmp_path / "study.toml").write_text(
        '[study]\nid = "x"\nname = "x"\nperiod = "2026"\n[layers]\ncommunities = "a.geojson"\n'
        f'service_points = "b.csv"\nstreets = "c.osm.pbf"\n[services.gig_station]\n{lines}\n',
        encoding="utf-8",
    )
    with pytest.raises(InputFaultsError) as caught:
        read_study(tmp_path)
    assert [fault.where for fault in caught.value.faults] == [where]


def test_what_is_no_study_is_answered_with_what_to_give(folder: Path) -> None:
    with pytest.raises(InputFaultsError, match=r"no study file.*study\.toml"):
        read_study(folder / "p.csv")
    with pytest.raises(GeoValueError, match="5 is no path"):
        read_study(5)  # type: ignore[arg-type]
    with pytest.raises(InputFaultsError, match="file of streets"):
        read_streets(folder / "nothere.pbf")
    with pytest.raises(GeoValueError, match=r"not Study; make one with geo\.analyse"):
        panel(read(folder, HEAD + LAYERS))  # type: ignore[arg-type]

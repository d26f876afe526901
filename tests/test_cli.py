"""The command as people type it: what it says, in both languages, and with which status it ends."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from small_county import STUDY, ask, ask_shell, communities, everything_below, write_county

from geo import __version__, kernels, messages
from geo.messages import subject

if TYPE_CHECKING:
    from pathlib import Path

CHINESE = re.compile(r"[\u4e00-\u9fff（），。：]")
VERBS = ("run", "compare", "check", "new", "sample", "batch", "fetch", "split")
FILES = [
    "coverage.csv",
    "coverage_standards.csv",
    "gaps.csv",
    "layers.gpkg",
    "map.html",
    "parks.docx",
    "report.docx",
    "report.xlsx",
    "summary.json",
    "surface_canteen_elder.tif",
    "surface_gig_station.tif",
    "surface_gig_station_ebike.tif",
]


def test_a_newcomer_finds_the_first_commands(tmp_path: Path) -> None:
    found = ask_shell("--help", cwd=tmp_path)
    assert found.returncode == 0
    for word in (*VERBS, "geo sample yongchun", "geo run my-county", "maps/yongchun/map.html", "geo new", "geo check"):
        assert word in found.stdout
    assert "谁能在 15 分钟内到达服务设施" in found.stdout
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("run", ("STUDY", "study.toml", "--out", "maps", "--data", "--combine", "--lang", "计算")),
        ("run", ("--previous", "上期结果文件夹")),
        ("compare", ("OLD", "NEW", "--out", "--lang", "对比")),
        ("check", ("STUDY", "--data", "--lang", "检查")),
        ("new", ("FOLDER", "study.toml", "geo check", "新建")),
        ("sample", ("NAME", "yongchun", "nanan", "quangang", "示例")),
        ("batch", ("FOLDER", "index.html", "--out", "--data", "批量")),
        ("fetch", ("PLACE", "--out", "--overpass", "--nominatim", "GEO_OVERPASS", "--margin", "--force", "人口")),
        ("split", ("STREETS", "--by", "--out", "--margin", "--crs", "--force", "分割")),
    ],
)
def test_every_verb_explains_itself(verb: str, words: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        found = ask(verb, option)
        assert found.exit_code == 0
        assert [word for word in words if word not in found.output] == []


def test_short_helps_are_whole_on_a_narrow_terminal() -> None:
    found = ask("--help")
    listed = found.output.split("Commands:")[1]
    assert "..." not in listed
    assert [verb for verb in VERBS if f"  {verb} " not in listed] == []


def test_version() -> None:
    found = ask("--version")
    loops = "no compiled loops, slower / 未编译，较慢" if kernels.compiled is None else "compiled loops / 已编译"
    assert (found.exit_code, found.output) == (0, f"geo {__version__} ({loops})\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu", "x"], "Did you mean 'run'"),
        (["help"], "geo --help"),
        (["run"], "STUDY"),
        (["run", "a", "b"], "b"),
        (["run", "a", "--output", "b"], "--out"),
        (["run", "a", "--lang", "fr"], "'zh', 'en'"),
        (["run", "a", "--combine", "all"], "'split'"),
        (["run", "a", "--data", "no-such-folder"], "no-such-folder"),
        (["check"], "STUDY"),
        (["new"], "FOLDER"),
        (["sample"], "NAME"),
        (["sample", "fuzhou"], "yongchun, nanan, quangang"),
        (["batch"], "FOLDER"),
        (["batch", "x", "--workers"], "--workers"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_is_right(words: list[str], said: str) -> None:
    found = ask(*words)
    assert found.exit_code == 2
    assert said in found.output
    assert "Traceback" not in found.output


def test_without_a_verb_the_help_is_shown() -> None:
    found = ask()
    assert found.exit_code == 2
    assert "geo sample yongchun" in found.output


def test_no_such_study(tmp_path: Path) -> None:
    found = ask("run", tmp_path / "no-such")
    assert found.exit_code == 1
    assert "no-such" in found.stderr
    assert "geo new" in found.stderr


def test_a_folder_above_the_study_says_where_the_study_is(tmp_path: Path) -> None:
    write_county(tmp_path / "layers" / "small")
    for folder in (tmp_path, tmp_path / "layers"):
        found = ask("run", folder, "--out", tmp_path / "out")
        assert found.exit_code == 1
        assert str(tmp_path / "layers" / "small") in found.stderr
        assert "geo batch" in found.stderr


def test_run_writes_everything_and_says_where_to_look(tmp_path: Path) -> None:
    write_county(tmp_path / "my county")
    found = ask_shell("run", "my county", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    assert everything_below(tmp_path / "maps" / "small") == FILES
    said = found.stdout.splitlines()
    assert said[0] == "小县  2026Q4（截至 2026-12-31），路网时间"
    assert said[-1] == "请打开 maps/small/map.html（地图）和 maps/small/report.xlsx（报表）"
    assert re.fullmatch(
        r"人数 常住人口 2,000、企业职工 500、老年人 300；各类服务的缺口合计 \d+ 处（涉及多个人群的只计一次）；图形误差最大 \d\.\d\d%（应低于 0\.5%）",
        said[-4],
    )
    assert re.fullmatch(r"  地图 0\.\d\d MB：程序与样式 0\.\d\d、首屏 .*街道 0\.\d\d", said[-3])
    row = next(line for line in said if "零工驿站" in line)
    assert re.fullmatch(r"  零工驿站 +步行15分钟 +常住人口 +2,000 +\d+\.\d% +[\d,]+ +\d+", row)
    assert "亲清茶室：1 个园区中 1 个有" in found.stdout
    assert "开放共享场所：在用 15 处" in found.stdout


def test_the_study_file_itself_may_be_named(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small")
    found = ask("run", folder / "study.toml", "--out", tmp_path / "out")
    assert found.exit_code == 0
    assert everything_below(tmp_path / "out" / "small") == FILES


def test_check_prints_what_was_read_and_writes_nothing(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small")
    before = everything_below(tmp_path)
    found = ask("check", folder)
    assert found.exit_code == 0
    for word in ("EPSG:4548", "stations.csv", "读 24 行，用 24 行", "道路共 144 段", f"geo run {folder}"):
        assert word in found.stdout
    assert everything_below(tmp_path) == before


def test_check_names_the_data_folders_that_run_needs(tmp_path: Path) -> None:
    write_county(tmp_path / "data")
    (tmp_path / "small").mkdir()
    (tmp_path / "data" / "study.toml").rename(tmp_path / "small" / "study.toml")
    found = ask("check", tmp_path / "small", "--data", tmp_path / "data")
    assert found.exit_code == 0
    assert f"geo run {tmp_path / 'small'} --data {tmp_path / 'data'}" in found.stdout
    assert ask("check", tmp_path / "small").exit_code == 1


@pytest.mark.parametrize("verb", ["run", "check"])
def test_english_is_english_everywhere(tmp_path: Path, verb: str) -> None:
    study = STUDY.replace("小县", "Small").replace('period = "2026Q4"', 'period = "2026Q4"\nsynthetic = true')
    stations = (
        "id,name,type,lon,lat,status\n"
        + "".join(f"s{n},S{n},gig_station,{118.201 + n / 1000},25.301,\n" for n in range(12))
        + "s12,S12,canteen_elder,25.302,118.202,\ns13,S13,tea_room,,25.3,maybe\n"
        + "".join(f"v{n},V{n},shared_venue,{118.201 + n / 1000},25.305,\n" for n in range(12))
    )
    where = communities().replace("西社区", "West").replace("东社区", "East")
    folder = write_county(tmp_path / "small", study_toml=study, communities_geojson=where, stations_csv=stations)
    out = [] if verb == "check" else ["--out", tmp_path / "out"]
    found = ask(verb, folder, *out, "--lang", "en")
    assert found.exit_code == 0, found.output
    assert CHINESE.findall(found.output.replace(str(tmp_path), "")) == []
    assert CHINESE.search(ask(verb, folder, *out).output) is not None


def test_no_assessment_is_told_with_its_reason(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small", communities_geojson=communities(people=(90000, 80000)))
    found = ask("run", folder, "--out", tmp_path / "out")
    assert found.exit_code == 0
    row = next(line for line in found.stdout.splitlines() if line.startswith("  零工驿站"))
    assert "未评估" in row
    assert "%" not in row
    reason = next(line for line in found.stdout.splitlines() if line.startswith("  ! ") and "未评估 " in line)
    assert "米/人" in reason


def test_new_then_check_lists_the_missing_files(tmp_path: Path) -> None:
    for lang, word in (("zh", "找不到文件"), ("en", "there is no file")):
        folder = tmp_path / lang / "我的 县"
        made = ask("new", folder, "--lang", lang)
        assert made.exit_code == 0
        assert f"geo check {folder}" in made.output
        assert tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))["study"]["id"] == "我的-县"
        found = ask("check", folder, "--lang", lang)
        assert found.exit_code == 1
        told = [line for line in found.stderr.splitlines() if line.startswith("  ✗ ")]
        assert [word in line for line in told] == [True, True, True]
        for file in ("streets.osm.pbf", "service_points.csv", "communities.geojson"):
            assert sum(file in line for line in told) == 1


def test_new_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("mine", encoding="utf-8")
    found = ask("new", tmp_path)
    assert found.exit_code == 1
    assert "不会覆盖" in found.stderr
    assert (tmp_path / "study.toml").read_text(encoding="utf-8") == "mine"
    (tmp_path / "file").touch()
    assert ask("new", tmp_path / "file").exit_code == 1
    assert ask("new", tmp_path / "file" / "below").exit_code == 1


def test_the_template_runs_once_its_layers_are_there(tmp_path: Path) -> None:
    for lang in ("zh", "en"):
        folder = tmp_path / lang
        ask("new", folder, "--lang", lang)
        text = (folder / "study.toml").read_text(encoding="utf-8")
        text = text.replace("streets.osm.pbf", "streets.osm").replace("service_points.csv", "stations.csv")
        write_county(folder, study_toml=text)
        assert ask("run", folder, "--out", tmp_path / "out").exit_code == 0


@pytest.mark.slow
def test_sample_writes_into_a_new_folder_and_refuses_one_that_is_not_empty(tmp_path: Path) -> None:
    found = ask("sample", "yongchun", tmp_path / "mine")
    assert found.exit_code == 0, found.output
    assert f"geo run {tmp_path / 'mine'}" in found.stdout
    assert (tmp_path / "mine" / "study.toml").is_file()
    before = everything_below(tmp_path)
    again = ask("sample", "yongchun", tmp_path / "mine")
    assert again.exit_code == 1
    assert "不会覆盖" in again.stderr
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        assert ask("sample", "yongchun", place).exit_code == 1
    assert everything_below(tmp_path) == sorted([*before, "file"])


@pytest.mark.parametrize(
    "name", ["cli", "run", "batch", "new", "study", "fault", "layers", "demand", "streets", "word"]
)
def test_both_languages_say_the_same_things(name: str) -> None:
    chinese, english = subject(name, "zh"), subject(name, "en")
    assert chinese.keys() == english.keys()
    holes = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
    own = {"service_name"}  # holds the name itself, one hole a language
    differ = {key for key in chinese if set(holes.findall(chinese[key])) != set(holes.findall(english[key]))}
    assert differ <= own
    assert [key for key, said in english.items() if re.search(r"[\u4e00-\u9fff]", said)] == []
    assert messages.keys()

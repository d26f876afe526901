"""Many studies: each has its own outcome, one page lists them all, and nothing of the data runs in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from small_county import STUDY, ask, ask_shell, everything_below, write_county

from geo import batch
from geo.batch import Outcome, index_page

if TYPE_CHECKING:
    from pathlib import Path


def study_called(own_id: str, name: str = "小县") -> str:
    return STUDY.replace('id = "small"', f'id = "{own_id}"').replace("小县", name)


def test_one_failing_study_does_not_stop_the_rest(tmp_path: Path) -> None:
    write_county(tmp_path / "all" / "a-good", study_toml=study_called("good"))
    write_county(tmp_path / "all" / "b-bad", study_toml=study_called("bad"), stations_csv=None, streets_osm=b"")
    write_county(tmp_path / "all" / "deep" / "c-good", study_toml=study_called("also"))
    found = ask_shell("batch", "all", cwd=tmp_path)
    assert found.returncode == 3, found.stderr
    said = found.stdout.splitlines()
    assert said[0] == "[1/3] ✓ a-good"
    assert said[1] == "[2/3] ✗ b-bad"
    assert "stations.csv" in said[2]
    assert "[3/3] ✓ deep/c-good" in said
    assert said[-1] == "完成 2 个，失败 1 个。请打开 maps/index.html"
    assert sorted(path.name for path in (tmp_path / "maps").iterdir()) == ["also", "good", "index.html"]
    page = (tmp_path / "maps" / "index.html").read_text(encoding="utf-8")
    for word in ("b-bad", "stations.csv", "good/map.html", "also/report.xlsx", "零工驿站", "常住人口"):
        assert word in page
    for link in re.findall(r"href='([^']+)'", page):
        assert (tmp_path / "maps" / link).is_file()


def test_all_good_is_status_0_and_the_same_page_twice(tmp_path: Path) -> None:
    write_county(tmp_path / "all" / "one")
    pages = []
    for out in ("first", "second"):
        found = ask("batch", tmp_path / "all", "--out", tmp_path / out, "--lang", "en")
        assert found.exit_code == 0
        assert "1 done, 0 failed" in found.stdout
        pages.append((tmp_path / out / "index.html").read_bytes())
    assert pages[0] == pages[1]
    assert re.search(r"[\u4e00-\u9fff]", pages[0].decode().replace("小县", "")) is None


@pytest.mark.parametrize("other", ["same", "SAME"])
def test_two_studies_of_one_id(tmp_path: Path, other: str) -> None:
    write_county(tmp_path / "all" / "one", study_toml=study_called("same"))
    write_county(tmp_path / "all" / "two", study_toml=study_called(other))
    found = ask("batch", tmp_path / "all", "--out", tmp_path / "out")
    assert found.exit_code == 3
    told = next(line for line in found.stdout.splitlines() if "study.id" in line)
    assert "two/study.toml" in told
    assert "one" in told
    assert "请改" in told
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["index.html", "same"]


def test_no_folder_and_no_study(tmp_path: Path) -> None:
    for folder, word in ((tmp_path, "study.toml"), (tmp_path / "no", "没有这个文件夹")):
        found = ask("batch", folder, "--out", tmp_path / "out")
        assert found.exit_code == 1
        assert word in found.stderr
    assert not (tmp_path / "out").exists()


def test_out_that_is_a_file_is_told_before_anything_is_computed(tmp_path: Path) -> None:
    write_county(tmp_path / "all" / "one")
    (tmp_path / "out").touch()
    found = ask("batch", tmp_path / "all", "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert found.stdout == ""
    assert "--out" in found.stderr


def test_a_fault_of_ours_is_told_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = batch.analyse

    def broken(study: object, **options: object) -> object:
        if study.head.id == "first":
            msg = "<b>by zero</b>"
            raise ZeroDivisionError(msg)
        return real(study, **options)

    monkeypatch.setattr(batch, "analyse", broken)
    write_county(tmp_path / "all" / "1", study_toml=study_called("first"))
    write_county(tmp_path / "all" / "2", study_toml=study_called("second"))
    found = ask("batch", tmp_path / "all", "--out", tmp_path / "out")
    assert found.exit_code == 3
    assert "ZeroDivisionError" in found.stdout
    assert "[2/2] ✓ 2" in found.stdout
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;by zero" in page
    assert "<b>" not in page


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}\" ' & ${9*9}"


def test_hostile_names_are_text_in_the_index(tmp_path: Path) -> None:
    text = STUDY.replace('name = "小县"', f"name = '''{HOSTILE}'''")
    text += f"\n[services.gig_station]\nlabel = '''{HOSTILE}'''\naliases = ['零工驿站']\n"
    write_county(tmp_path / "all" / "<i>one", study_toml=text)
    write_county(tmp_path / "all" / "<i>two", study_toml=STUDY.replace("stations.csv", "<img src=x>.csv"))
    found = ask("batch", tmp_path / "all", "--out", tmp_path / "out")
    assert found.exit_code == 3
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page
    for tag in ("<script", "<img", "<i>"):
        assert tag not in page
    assert "default-src 'none'" in page


def test_index_lists_outcomes_in_their_order_and_links_nothing_outside() -> None:
    page = index_page([Outcome("b", done=False, lines=("x < y",)), Outcome("a", done=False)], lang="en")
    assert page.index("<td>b</td>") < page.index("<td>a</td>")
    assert "x &lt; y" in page
    assert "http" not in page.replace("http-equiv", "")


def test_results_below_the_folder_are_no_studies(tmp_path: Path) -> None:
    write_county(tmp_path / "all" / "one")
    for _ in range(2):
        found = ask("batch", tmp_path / "all", "--out", tmp_path / "all" / "maps")
        assert found.exit_code == 0
        assert "[1/1]" in found.stdout
    assert "study.toml" not in everything_below(tmp_path / "all" / "maps")

from __future__ import annotations

import errno
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from geo import schema
from geo.errors import InputFaultsError
from geo.reports import folder as folder_room, write_results

FILES = [
    "map.html",
    "coverage.csv",
    "coverage_standards.csv",
    "gaps.csv",
    "layers.gpkg",
    "summary.json",
    "report.xlsx",
    "report.docx",
    "districts/report_D1.docx",
    "parks.docx",
    "surface_canteen_elder.tif",
    "surface_gig_station.tif",
    "surface_gig_station_ebike.tif",
]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_files_are_written_and_nothing_else_is_left(results, tmp_path):
    folder = tmp_path / "deep" / "maps" / "t"
    written = write_results(results, folder, map_html="<p>图</p>")
    assert written == [folder / name for name in FILES]
    assert sorted(contents(folder)) == sorted(FILES)
    assert [path.name for path in folder.parent.iterdir()] == ["t"]
    assert (folder / "map.html").read_bytes() == "<p>图</p>".encode()


def test_two_writes_give_the_same_bytes_in_any_folder(results, tmp_path):
    write_results(results, tmp_path / "a", map_html="x")
    write_results(results, tmp_path / "b" / "other", map_html="x")
    write_results(results, tmp_path / "b" / "other", map_html="x")
    assert contents(tmp_path / "a") == contents(tmp_path / "b" / "other")


def test_old_results_are_replaced_and_the_files_of_others_kept(results, tmp_path):
    folder = tmp_path / "t"
    write_results(results, folder, map_html="old")
    (folder / "会议纪要.docx").write_bytes(b"mine")
    (folder / "archive").mkdir()
    fewer = replace(results, surfaces={("gig_station", "walk"): results.surfaces["gig_station", "walk"]})
    write_results(fewer, folder)
    stale = {"map.html", "surface_canteen_elder.tif", "surface_gig_station_ebike.tif"}
    assert set(contents(folder)) == {*FILES, "会议纪要.docx"} - stale
    assert (folder / "archive").is_dir()
    assert (folder / "会议纪要.docx").read_bytes() == b"mine"


def test_a_parent_that_is_a_file_is_one_fault_that_names_the_folder(results, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputFaultsError) as caught:
        write_results(results, tmp_path / "file" / "maps" / "t")
    assert [fault.where for fault in caught.value.faults] == [str(tmp_path / "file" / "maps" / "t")]
    assert "--out" in caught.value.text("zh")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_is_a_file_is_a_fault_and_the_file_stays(results, tmp_path):
    (tmp_path / "t").write_text("x")
    with pytest.raises(InputFaultsError):
        write_results(results, tmp_path / "t")
    assert contents(tmp_path) == {"t": b"x"}


@pytest.mark.parametrize(
    ("error", "raised"), [(OSError(errno.ENOSPC, "no space"), InputFaultsError), (RuntimeError("bug"), RuntimeError)]
)
def test_a_failure_in_the_middle_leaves_the_old_results(results, tmp_path, monkeypatch, error, raised):
    folder = tmp_path / "t"
    write_results(results, folder, map_html="old")
    before = contents(folder)

    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(folder_room.workbook, "write_workbook", fail)
    with pytest.raises(raised):
        write_results(results, folder, map_html="new")
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_a_failure_in_the_middle_leaves_no_folder_that_was_not_there(results, tmp_path, monkeypatch):
    def fail(*_args, **_options):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(folder_room.summary, "write_summary", fail)
    with pytest.raises(InputFaultsError, match="no space"):
        write_results(results, tmp_path / "maps" / "t")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_replaced_puts_everything_back(results, tmp_path, monkeypatch):
    folder = tmp_path / "t"
    write_results(results, folder, map_html="old")
    before = contents(folder)
    rename = Path.rename

    def locked(path, target):
        if path.name == "report.xlsx" and path.parent.name == ".t.part":
            raise PermissionError(errno.EACCES, "open elsewhere")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", locked)
    with pytest.raises(InputFaultsError, match="open elsewhere"):
        write_results(results, folder, map_html="new")
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_what_a_killed_run_left_behind_is_cleared(results, tmp_path):
    folder = tmp_path / "t"
    for left in (".t.part", ".t.old"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "gaps.csv").write_text("half")
    folder.mkdir()
    write_results(results, folder)
    assert (folder / "gaps.csv").read_bytes().startswith(b"\xef\xbb\xbfgap_id,")
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


@contextmanager
def small_disk(place, *, size):
    """Mount a disk of so many bytes, where this may be done."""
    place.mkdir()
    asked = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    done = subprocess.run(asked, capture_output=True, check=False) if shutil.which("mount") else None
    if done is None or done.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("free", [0, 30_000, 120_000, 700_000])
def test_a_full_disk_leaves_the_earlier_results_and_says_so(results, tmp_path, free):
    with small_disk(tmp_path / "disk", size=4_000_000) as disk:
        folder = disk / "t"
        write_results(results, folder, map_html="old")
        before = contents(folder)
        left = shutil.disk_usage(disk).free
        (disk / "ballast").write_bytes(bytes(max(0, left - free)))
        with pytest.raises(InputFaultsError) as caught:
            write_results(results, folder, map_html="new" * 1_000_000)
        assert "--out" in caught.value.text("zh")
        assert contents(folder) == before
        assert sorted(path.name for path in disk.iterdir()) == ["ballast", "t"]


def test_a_disk_that_turned_read_only_leaves_the_earlier_results_and_says_so(results, tmp_path):
    with small_disk(tmp_path / "disk", size=8_000_000) as disk:
        write_results(results, disk / "t", map_html="old")
        before = contents(disk / "t")
        done = subprocess.run(["mount", "-o", "remount,ro", str(disk)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("the disk cannot be made read-only here")
        with pytest.raises(InputFaultsError, match="--out"):
            write_results(results, disk / "t", map_html="new")
        assert contents(disk / "t") == before


def test_a_file_held_open_keeps_what_its_reader_has(results, tmp_path):
    folder = tmp_path / "t"
    write_results(results, folder, map_html="old")
    with (folder / "map.html").open("rb") as held:
        write_results(results, folder, map_html="new")
        assert held.read() == b"old"
    assert (folder / "map.html").read_bytes() == b"new"


def test_reports_of_districts_that_are_gone_are_removed_and_those_of_others_kept(results, tmp_path):
    folder = tmp_path / "t"
    write_results(results, folder)
    (folder / "districts" / "会议纪要.docx").write_bytes(b"mine")
    fewer = replace(results, units=results.units[results.units["unit_kind"] != "district"])
    write_results(fewer, folder)
    assert [path.name for path in (folder / "districts").iterdir()] == ["会议纪要.docx"]
    (folder / "districts" / "会议纪要.docx").unlink()
    write_results(results, folder)
    write_results(fewer, folder)
    assert not (folder / "districts").exists()


def test_a_report_of_a_district_that_cannot_be_placed_puts_everything_back(results, tmp_path, monkeypatch):
    folder = tmp_path / "t"
    write_results(results, folder, map_html="old")
    before = contents(folder)
    rename = Path.rename

    def locked(path, target):
        if path.name == "report_D1.docx" and ".t.part" in path.parts:
            raise PermissionError(errno.EACCES, "open elsewhere")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", locked)
    with pytest.raises(InputFaultsError, match="open elsewhere"):
        write_results(results, folder, map_html="new")
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


@contextmanager
def locked_file(path):
    """Make a file one that nobody may move or change, as systems do for a program that has it open."""
    done = (
        subprocess.run(["chattr", "+i", str(path)], capture_output=True, check=False)
        if shutil.which("chattr")
        else None
    )
    if done is None or done.returncode:
        pytest.skip("files cannot be locked here")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)


HELD = [
    "report.xlsx",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("map.html", "districts/report_D1.docx", "summary.json")),
]


@pytest.mark.parametrize("name", HELD)
def test_a_file_that_is_held_is_named_and_nothing_is_replaced(results, tmp_path, name):
    folder = tmp_path / "t"
    write_results(results, folder, map_html="old")
    before = contents(folder)
    with locked_file(folder / name), pytest.raises(InputFaultsError) as caught:
        write_results(results, folder, map_html="new")
    (fault,) = caught.value.faults
    assert fault.where == str(folder / name)
    assert "关闭" in fault.text("zh")
    assert "Close the program" in fault.text("en")
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["t"]
    write_results(results, folder, map_html="new")
    assert (folder / "map.html").read_bytes() == b"new"


def test_a_folder_in_the_place_of_a_file_is_named(results, tmp_path):
    folder = tmp_path / "t"
    write_results(results, folder, map_html="old")
    (folder / "report.xlsx").unlink()
    (folder / "report.xlsx" / "mine").mkdir(parents=True)
    before = contents(folder)
    with pytest.raises(InputFaultsError, match=r"report\.xlsx"):
        write_results(results, folder, map_html="new")
    assert contents(folder) == before
    assert (folder / "report.xlsx" / "mine").is_dir()


def test_a_comparison_that_is_held_is_named_and_both_files_stay(tmp_path):
    table = pd.DataFrame(columns=[*schema.COMPARISON, "comparable", "grown"])
    folder_room.write_comparison(table, tmp_path / "c", page="old")
    before = contents(tmp_path / "c")
    held = tmp_path / "c" / "comparison.html"
    with locked_file(held), pytest.raises(InputFaultsError, match=r"comparison\.html"):
        folder_room.write_comparison(table, tmp_path / "c", page="new")
    assert contents(tmp_path / "c") == before
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_a_parent_that_another_process_made_meanwhile_is_taken(tmp_path, monkeypatch):
    """Two studies of a batch write their first files at once: one makes the folder just before the other."""
    place, mkdir = tmp_path / "new" / "below" / "study", Path.mkdir

    def beaten(folder, *options, **named):
        if folder.name in {"new", "below"}:
            mkdir(folder)
        mkdir(folder, *options, **named)

    monkeypatch.setattr(Path, "mkdir", beaten)
    with folder_room._staging(place) as staging:
        assert staging.is_dir()
    assert (tmp_path / "new" / "below").is_dir()
    # Not made by this one: not taken back by it either.
    with pytest.raises(OSError, match="full"), folder_room._staging(tmp_path / "other" / "study"):
        raise OSError(errno.ENOSPC, "full")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new"]


def test_a_parent_that_another_process_took_back_is_made_again(tmp_path, monkeypatch):
    place, mkdir, gone = tmp_path / "new" / "study", Path.mkdir, []

    def robbed(folder, *options, **named):
        if folder.name == ".study.part" and not gone:
            folder.parent.rmdir()
            gone.append(folder)
        mkdir(folder, *options, **named)

    monkeypatch.setattr(Path, "mkdir", robbed)
    with folder_room._staging(place) as staging:
        assert staging.is_dir()
        assert gone

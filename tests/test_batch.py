"""Many studies: each has its own outcome, lists of them all, nothing done twice, and nothing of the data runs in it."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openpyxl
import psutil
import pytest
from many_counties import fingerprints
from small_county import STUDY, ask, ask_shell, everything_below, parks, write_county

from geo import pipeline
from geo.batch import fingerprint, listing, page, processes, task, whole, workbook
from geo.batch.outcome import Job, Outcome
from geo.study import read_study

if TYPE_CHECKING:
    from pathlib import Path


def study_called(own_id: str, name: str = "小县") -> str:
    return STUDY.replace('id = "small"', f'id = "{own_id}"').replace("小县", name)


@pytest.mark.slow
def test_one_failing_study_does_not_stop_the_rest_and_the_next_call_does_only_what_is_missing(tmp_path: Path) -> None:
    write_county(tmp_path / "all" / "a-good", study_toml=study_called("good"))
    write_county(tmp_path / "all" / "b-bad", study_toml=study_called("bad"), stations_csv=None, streets_osm=b"")
    write_county(tmp_path / "all" / "deep" / "c-good", study_toml=study_called("also"))
    found = ask_shell("batch", "all", "--workers", "1", cwd=tmp_path)
    assert found.returncode == 3, found.stderr
    assert found.stderr == "", "no bar where the output is piped"
    said = found.stdout.splitlines()
    assert said[0] == "[1/3] ✗ b-bad", "what needs no computing is told first"
    assert "stations.csv" in said[1]
    assert str(tmp_path) not in found.stdout
    assert said[-3:-1] == ["[2/3] ✓ a-good", "[3/3] ✓ deep/c-good"]
    assert said[-1] == "完成 2 个，失败 1 个。请打开 maps/index.html"
    out = tmp_path / "maps"
    assert sorted(path.name for path in out.iterdir()) == ["also", "batch.json", "good", "index.html", "summary.xlsx"]
    page = (out / "index.html").read_text(encoding="utf-8")
    for word in ("b-bad", "stations.csv", "good/map.html", "also/report.xlsx", "零工驿站", "常住人口"):
        assert word in page
    for link in re.findall(r"href='([^'#]+)'", page):
        assert (out / link).is_file()
    whole = fingerprints(out)

    (out / "also" / "gaps.csv").write_text("touched", encoding="utf-8")
    (out / ".good.part").mkdir()  # as a killed run leaves it
    (tmp_path / "all" / "b-bad" / "stations.csv").unlink(missing_ok=True)
    found = ask_shell("batch", "all", "--workers", "1", cwd=tmp_path)
    assert "[2/3] ✓ a-good（未变，沿用已有结果）" in found.stdout.splitlines()
    assert "[3/3] ✓ deep/c-good" in found.stdout.splitlines()
    assert fingerprints(out) == whole
    assert not (out / ".good.part").exists()


@pytest.mark.slow
def test_nothing_to_do_computes_nothing_and_gives_the_same_lists(tmp_path: Path) -> None:
    write_county(tmp_path / "all" / "one")
    arguments = ("batch", tmp_path / "all", "--out", tmp_path / "out", "--lang", "en")
    found = ask(*arguments)
    assert found.exit_code == 0
    assert "1 done, 0 failed" in found.stdout
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert re.search(r"[\u4e00-\u9fff]", page.replace("小县", "")) is None
    before, state = fingerprints(tmp_path / "out"), (tmp_path / "out" / "small" / "batch-state.json").stat()
    found = ask(*arguments)
    assert "unchanged, results kept" in found.stdout
    assert fingerprints(tmp_path / "out") == before
    assert (tmp_path / "out" / "small" / "batch-state.json").stat().st_mtime_ns == state.st_mtime_ns


@pytest.mark.slow
def test_two_studies_of_one_id_also_where_case_does_not_count(tmp_path: Path) -> None:
    write_county(tmp_path / "all" / "one", study_toml=study_called("same"))
    write_county(tmp_path / "all" / "two", study_toml=study_called("SAME"))
    found = ask("batch", tmp_path / "all", "--out", tmp_path / "out")
    assert found.exit_code == 3
    told = next(line for line in found.stdout.splitlines() if "study.id" in line)
    assert "two/study.toml" in told
    assert "one" in told
    assert "请改" in told
    listed = ["batch.json", "index.html", "same", "summary.xlsx"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == listed


def test_no_folder_and_no_study(tmp_path: Path) -> None:
    file = tmp_path / "study.csv"
    file.touch()
    for folder, word in ((tmp_path, "study.toml"), (tmp_path / "no", "没有这个文件夹"), (file, "这是文件")):
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


def job_in(folder: Path, out: Path, own_id: str = "small") -> Job:
    program = fingerprint.program()
    place = out.absolute()
    return Job("small", folder / "study.toml", place, own_id, (), "zh", program, (f"{out}/",))


def test_a_fault_of_ours_is_an_outcome_and_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(study: object, *, progress: object) -> object:
        del progress
        msg = f"by zero in {study.head.id}"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr(pipeline, "analyse", broken)
    found = task.run(job_in(write_county(tmp_path / "one"), tmp_path / "out"))
    assert not found.done
    assert "ZeroDivisionError: by zero in small" in found.lines[0]


def test_another_program_on_a_worker_is_refused(tmp_path: Path) -> None:
    job = replace(job_in(write_county(tmp_path / "one"), tmp_path / "out"), program="other")
    found = task.run(job)
    assert not found.done
    assert "版本" in found.lines[0]
    assert not (tmp_path / "out").exists()


def test_what_counts_as_the_same_inputs(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "one")

    def now(lang: str = "zh") -> str | None:
        return fingerprint.of_study(read_study(folder), lang=lang)

    first = now()
    assert first == now() is not None
    assert now("en") != first
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert fingerprint.of_study(read_study(tmp_path / "elsewhere"), lang="zh") == first
    (folder / "stations.cpg").write_text("UTF-8")
    beside = now()
    assert beside != first
    (folder / "parks.geojson").write_text(parks().replace("500", "501"), encoding="utf-8")
    assert now() != beside
    lines = STUDY.replace('streets = "streets.osm"', 'streets = { place = "永春县" }')
    (folder / "study.toml").write_text(lines, encoding="utf-8")
    assert now() is None, "what lies in a database of others is known only by reading it"


def believed(place: Path, inputs: str | None = "a") -> bool:
    return fingerprint.is_current(place, inputs, ledger=place / "no-ledger.csv")


def test_only_whole_unchanged_results_are_believed(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    (place / "coverage.csv").write_text("a")
    assert not believed(place), "no note"
    fingerprint.keep(place, "a", [place / "coverage.csv"], ledger=place / "no-ledger.csv")
    assert believed(place)
    assert not believed(place, "b")
    assert not believed(place, None)
    (place / "minutes.docx").write_text("of other people")
    assert believed(place)
    (place / "coverage.csv").write_text("b")
    assert not believed(place)
    (place / "coverage.csv").unlink()
    assert not believed(place)
    for foreign in ("[]", "{", '{"inputs": "a"}', '{"inputs": "a", "ledger": null, "files": []}'):
        (place / fingerprint.STATE_FILE).write_text(foreign)
        assert not believed(place)


def test_files_in_folders_of_a_result_are_known_by_where_they_lie(tmp_path: Path) -> None:
    place = tmp_path / "small"
    report = place / "districts" / "report_D01.docx"
    report.parent.mkdir(parents=True)
    report.write_text("a")
    fingerprint.keep(place, "a", [report], ledger=place / "no-ledger.csv")
    assert believed(place)
    report.write_text("b")
    assert not believed(place)
    report.unlink()
    assert not believed(place)


def test_a_ledger_that_people_edited_asks_for_a_new_run(tmp_path: Path) -> None:
    place, ledger = tmp_path / "small", tmp_path / "ledger.csv"
    place.mkdir()
    (place / "coverage.csv").write_text("a")
    ledger.write_text("as the run left it")
    fingerprint.keep(place, "a", [place / "coverage.csv"], ledger=ledger)
    assert fingerprint.is_current(place, "a", ledger=ledger)
    ledger.write_text("struck off")
    assert not fingerprint.is_current(place, "a", ledger=ledger)


def test_lists_appear_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    whole.write({first: b"1", second: b"2"})
    monkeypatch.setattr(whole.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        whole.write({first: b"3", second: b"4"})
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
    assert everything_below(tmp_path) == ["a", "b"]


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_lists_that_cannot_be_written_are_told_and_the_results_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_county(tmp_path / "all" / "one", stations_csv=None)
    monkeypatch.setattr(whole.os, "fsync", full_disk)
    found = ask("batch", tmp_path / "all", "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert "No space left on device" in found.stderr
    assert "只会补写汇总" in found.stderr
    assert everything_below(tmp_path / "out") == []


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}\" ' & ${9*9}"


@pytest.mark.slow
def test_hostile_names_are_text_in_the_index(tmp_path: Path) -> None:
    text = STUDY.replace('name = "小县"', f"name = '''{HOSTILE}'''")
    text += f"\n[services.gig_station]\nlabel = '''{HOSTILE}'''\naliases = ['零工驿站']\n"
    write_county(tmp_path / "all" / "<i>one", study_toml=text)
    write_county(tmp_path / "all" / "=two", study_toml=STUDY.replace("stations.csv", "<img src=x>.csv"))
    found = ask("batch", tmp_path / "all", "--out", tmp_path / "out")
    assert found.exit_code == 3
    book = openpyxl.load_workbook(tmp_path / "out" / "summary.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {"=two", HOSTILE} <= {cell.value for cell in cells}
    assert not [cell.value for cell in cells if cell.data_type == "f" or cell.hyperlink]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page
    for tag in ("<script", "<img", "<i>"):
        assert tag not in page
    assert "default-src 'none'" in page


def summary_of(name: str, served: float | None, *, limit: float = 15.0) -> dict[str, Any]:
    share = None if served is None else served / 100
    status = "not_assessed" if served is None else "ok"
    group = {"people": 100.0, "people_served": served, "share": share, "status": status, "gaps": 1, "gap_people": 7.0}
    service = {"label": "驿站", "label_en": "Station", "test": "minutes", "mode": "walk", "limit": limit}
    return {
        "study": {"name": name, "code": None, "period": "2026Q4", "synthetic": False},
        "people": {"residents": 100.0},
        "parameters": {"pass_line": 0.85},
        "services": {"station": {**service, "groups": {"residents": group}, "gaps": 2, "gap_people": 9.0}},
    }


def done(label: str, served: float | None, **options: float) -> Outcome:
    return Outcome(label, done=True, study_id=label, summary=summary_of(f"县{label}", served, **options))


def test_the_ranking_counts_equal_shares_equal_and_leaves_the_unassessed_unranked() -> None:
    found = listing.of([done("d", None), done("c", 50), done("b", 90), done("a", 50), done("e", 10)], "zh")
    assert [(line.label, line.rank) for line in found.lines] == [("b", 1), ("a", 2), ("c", 2), ("e", 4), ("d", None)]
    assert [line.share for line in found.lines] == [0.9, 0.5, 0.5, 0.1, None]
    assert [(line.below, line.assessed) for line in found.lines] == [(0, 1), (1, 1), (1, 1), (1, 1), (0, 0)]


def test_gaps_of_a_group_are_its_own_and_those_of_a_study_count_once() -> None:
    """Two gaps of 9 people: one with 7 of the first group, both with some of the second."""
    summary = summary_of("县a", 90)
    service = summary["services"]["station"]
    service["groups"]["workers"] = {**service["groups"]["residents"], "gaps": 2, "gap_people": 2.0}
    (line,) = listing.of([Outcome("a", done=True, study_id="a", summary=summary)], "zh").lines
    assert [(figure.ring.group, figure.gaps, figure.gap_people) for figure in line.figures] == [
        ("residents", 1, 7.0),
        ("workers", 2, 2.0),
    ]
    assert line.gaps == 2


def test_a_column_of_the_matrix_has_one_basis() -> None:
    found = listing.of([done("a", 50), done("b", 60, limit=10.0)], "zh")
    assert [listing.header_of(ring, "zh") for ring in found.rings] == [
        "驿站（步行10分钟，常住人口）",
        "驿站（步行15分钟，常住人口）",
    ]
    shown = page.content(found, "zh")
    assert shown.count("<td class='n none'>—</td>") == 2


def test_the_order_in_which_studies_end_does_not_matter() -> None:
    outcomes = [done("b", 60), Outcome("z", done=False, lines=("x < y",)), done("a", 50), Outcome("y", done=False)]
    found, turned = (listing.of(each, "en") for each in (outcomes, outcomes[::-1]))
    assert page.content(found, "en") == page.content(turned, "en")
    assert listing.as_json(found) == listing.as_json(turned)
    assert workbook.content(found, "en") == workbook.content(turned, "en")
    shown = page.content(found, "en")
    assert "x &lt; y" in shown
    assert "http" not in shown.replace("http-equiv", "")


@pytest.mark.slow
def test_results_below_the_folder_are_no_studies(tmp_path: Path) -> None:
    write_county(tmp_path / "all" / "one")
    found = ask("batch", tmp_path / "all", "--out", tmp_path / "all" / "maps")
    assert found.exit_code == 0
    assert "[1/1]" in found.stdout
    assert "study.toml" not in everything_below(tmp_path / "all" / "maps")


def test_a_process_that_outgrows_its_memory_costs_its_study_alone(tmp_path: Path) -> None:
    job = job_in(write_county(tmp_path / "one"), tmp_path / "out")
    (found,) = processes.outcomes([job], processes.Crew(1, 60e6))
    assert not found.done
    assert "0.06 GB" in found.lines[0]
    assert everything_below(tmp_path / "out") == []


def test_a_process_that_dies_is_replaced_and_its_study_tried_once_more(tmp_path: Path) -> None:
    """A first process is killed as soon as it is there; the second one computes the study."""
    job = job_in(write_county(tmp_path / "one"), tmp_path / "out")
    killed: list[int] = []

    def kill_first() -> None:
        while not killed:
            for child in psutil.Process().children():
                if "spawn_main" in " ".join(child.cmdline()):
                    killed.append(child.pid)
                    child.kill()
                    return
            time.sleep(0.02)

    watcher = threading.Thread(target=kill_first)
    watcher.start()
    (found,) = processes.outcomes([job], processes.Crew(1, 4e9))
    watcher.join()
    assert found.done, found.lines
    assert (tmp_path / "out" / "small" / "summary.json").is_file()


@pytest.mark.slow
def test_a_study_that_kills_every_process_is_given_up_with_its_reason(tmp_path: Path) -> None:
    job = job_in(tmp_path, tmp_path / "out")
    found = [*processes.outcomes([_Deadly(**vars(job))], processes.Crew(1, 4e9))]
    assert [(each.done, "SIGKILL" in each.lines[0]) for each in found] == [(False, True)]


class _Deadly(Job):
    """A job that ends the process that unpacks it."""

    def __reduce__(self) -> tuple[object, ...]:
        return signal.raise_signal, (signal.SIGKILL,)


@pytest.mark.parametrize("options", [("--workers", "2"), ("--memory", "4")])
def test_a_cluster_has_its_own_processes_and_memory(tmp_path: Path, options: tuple[str, str]) -> None:
    found = ask("batch", tmp_path, "--scheduler", "tcp://127.0.0.1:1", *options)
    assert found.exit_code == 2
    assert "dask worker" in found.stderr


def test_a_list_that_is_held_open_is_named_and_all_three_stay_as_they_were(tmp_path: Path) -> None:
    lists = {tmp_path / name: name.encode() for name in ("batch.json", "summary.xlsx", "index.html")}
    whole.write(lists)
    (tmp_path / "summary.xlsx").unlink()
    (tmp_path / "summary.xlsx").mkdir()  # what cannot be replaced
    with pytest.raises(OSError, match=r"summary\.xlsx"):
        whole.write(dict.fromkeys(lists, b"new"))
    assert (tmp_path / "batch.json").read_bytes() == b"batch.json"
    assert (tmp_path / "index.html").read_bytes() == b"index.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["batch.json", "index.html", "summary.xlsx"]

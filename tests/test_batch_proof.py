"""A batch that is killed, and a cluster that loses a worker: the same bytes, nothing finished done again."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from batch_proof import killed_and_resumed, started, undisturbed
from many_counties import counts, fingerprints, finished, write_counties
from small_county import ask, write_county

import geo
from geo.reports import folder as folder_room

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTIES = int(os.environ.get("GEO_COUNTIES", "10"))
HAS_CLUSTER = importlib.util.find_spec("distributed") is not None
needs_cluster = pytest.mark.skipif(not HAS_CLUSTER, reason="the extra `cluster` is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def counties(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_counties(tmp_path_factory.mktemp("batch") / "counties", count=COUNTIES)


@pytest.fixture(scope="module")
def whole(counties: Path) -> tuple[Path, dict[int, int]]:
    out = counties.parent / "whole"
    return out, undisturbed(counties, out, "--workers", 2)[1]


def test_an_undisturbed_batch(whole: tuple[Path, dict[int, int]]) -> None:
    out, most = whole
    assert counts(out) == (COUNTIES - COUNTIES // 10, COUNTIES // 10)
    assert max(most.values()) < 1.5e9


def test_killed_three_times_and_resumed(counties: Path, whole: tuple[Path, dict[int, int]]) -> None:
    out = counties.parent / "killed"
    assert killed_and_resumed(counties, out, (1, COUNTIES // 2, COUNTIES * 7 // 10), "--workers", 2) == 0
    assert fingerprints(out) == fingerprints(whole[0])


@contextmanager
def cluster() -> Iterator[tuple[str, list[psutil.Popen]]]:
    """Start a scheduler and two workers on loopback; give its address and the workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    environment = {**os.environ, "PYTHONPATH": str(Path(geo.__file__).parents[1])}
    commands = [[sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", address, "--no-dashboard"]]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    commands += [[*worker, "--no-nanny", "--name", name] for name in ("one", "two")]
    running = [
        psutil.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        yield address, running[1:]
    finally:
        for process in reversed(running):
            if process.is_running():
                process.kill()
            process.wait()


@needs_cluster
def test_a_cluster_that_loses_a_worker(counties: Path, whole: tuple[Path, dict[int, int]]) -> None:
    out = counties.parent / "cluster"
    with cluster() as (address, workers):
        batch = started(counties, out, "--scheduler", address)
        while len(finished(out)) < max(1, COUNTIES // 5):
            assert batch.poll() is None, batch.communicate()[0]
            time.sleep(0.05)
        before = finished(out)
        workers[0].kill()
        said = batch.communicate()[0]
        assert batch.returncode == 3, said
        assert workers[1].is_running()
    after = finished(out)
    assert {name: after[name] for name in before} == before
    assert fingerprints(out) == fingerprints(whole[0])


@needs_cluster
def test_no_scheduler_is_told(tmp_path: Path) -> None:
    write_county(tmp_path / "all" / "one")
    found = ask("batch", tmp_path / "all", "--out", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")
    assert found.exit_code == 1
    assert "dask scheduler" in found.stderr


@pytest.mark.skipif(HAS_CLUSTER, reason="the extra `cluster` is installed")
def test_a_missing_extra_is_told(tmp_path: Path) -> None:
    write_county(tmp_path / "all" / "one")
    found = ask("batch", tmp_path / "all", "--out", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")
    assert found.exit_code == 1
    assert "geo[cluster]" in found.stderr


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """Give a file system of its own of a few megabytes."""
    place.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def leave_free(disk: Path, kilobytes: int) -> None:
    """Fill a disk but for so much."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    state = os.statvfs(disk)
    filler.write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - 1024 * kilobytes)))


def test_a_full_disk_leaves_earlier_results_and_says_so(tmp_path: Path) -> None:
    study = geo.read_study(write_county(tmp_path / "one"))
    analysis = geo.analyse(study)
    with small_disk(tmp_path / "disk", 8) as disk:
        analysis.write(disk / "small")
        before = fingerprints(disk / "small")
        size_kb = sum(file.stat().st_size for file in (disk / "small").iterdir()) // 1024
        for kilobytes in (8, *range(size_kb // 8, size_kb * 7 // 8, size_kb // 8)):
            leave_free(disk, kilobytes)
            with pytest.raises(geo.InputFaultsError, match="No space left on device"):
                analysis.write(disk / "small")
            assert fingerprints(disk / "small") == before
            assert sorted(path.name for path in disk.iterdir()) == ["filler", "small"]


def test_a_batch_on_a_full_disk_says_so_and_is_finished_when_there_is_room(tmp_path: Path) -> None:
    counties = write_counties(tmp_path / "counties", count=3, broken=False)
    with small_disk(tmp_path / "disk", 2) as disk:
        first = started(counties, disk / "out", "--workers", 1)
        said = first.communicate()[0]
        assert first.returncode == 3, said
        assert "No space left on device" in said
        kept = finished(disk / "out")
        assert 0 < len(kept) < 3
        subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
        second = started(counties, disk / "out", "--workers", 1)
        said = second.communicate()[0]
        assert second.returncode == 0, said
        after = finished(disk / "out")
        assert {name: after[name] for name in kept} == kept
        assert counts(disk / "out") == (3, 0)


def test_a_disk_that_turns_read_only_leaves_earlier_results_and_says_so(tmp_path: Path) -> None:
    analysis = geo.analyse(geo.read_study(write_county(tmp_path / "one")))
    with small_disk(tmp_path / "disk", 16) as disk:
        analysis.write(disk / "small")
        before = fingerprints(disk)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(geo.InputFaultsError, match="Read-only file system"):
            folder_room.write_results(analysis, disk / "small")
        assert fingerprints(disk) == before

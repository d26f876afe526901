"""Puts a batch of generated counties to the proof: killed and resumed, its memory, two processes against one.

`python tests/batch_proof.py FOLDER --counties 200` prints what it measured; the slow tests run it with fewer.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import many_counties
import psutil

import geo

GOOD_STATUS = (0, 3)
POLL_SECONDS = 0.05


def started(counties: Path, out: Path, *options: object) -> psutil.Popen:
    """Start a batch as people do, as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(geo.__file__).parents[1]), "PYTHONIOENCODING": "utf-8"}
    words = [sys.executable, "-m", "geo.cli", "batch", str(counties), "--out", str(out), *map(str, options)]
    return psutil.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")


def undisturbed(counties: Path, out: Path, *options: object) -> tuple[float, dict[int, int]]:
    """Run a batch to its end; return seconds, and the most bytes that each of its processes held."""
    shutil.rmtree(out, ignore_errors=True)
    begun, most = time.monotonic(), {}
    with (out.with_suffix(".log")).open("w", encoding="utf-8") as log:
        words = [sys.executable, "-m", "geo.cli", "batch", str(counties), "--out", str(out), *map(str, options)]
        environment = {**os.environ, "PYTHONPATH": str(Path(geo.__file__).parents[1]), "PYTHONIOENCODING": "utf-8"}
        process = psutil.Popen(words, env=environment, stdout=log, stderr=subprocess.STDOUT)
        while process.poll() is None:
            for one in family(process):
                try:
                    most[one.pid] = max(most.get(one.pid, 0), one.memory_info().rss)
                except psutil.Error:
                    continue
            time.sleep(POLL_SECONDS)
    assert process.returncode in GOOD_STATUS, out.with_suffix(".log").read_text(encoding="utf-8")
    return time.monotonic() - begun, most


def family(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and its children, as far as they still are."""
    try:
        return [process, *process.children()]
    except psutil.Error:
        return []


def killed_when(counties: Path, out: Path, done: int, *options: object) -> dict[str, int]:
    """Start a batch, kill -9 its first process once so many studies are through; return those that are."""
    process = started(counties, out, *options)
    workers: list[psutil.Process] = []
    while len(many_counties.finished(out)) < done:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(POLL_SECONDS)
    workers = family(process)[1:]
    process.kill()
    process.wait()
    process.stdout.close()
    psutil.wait_procs(workers, timeout=10)
    assert not [worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]
    return many_counties.finished(out)


def killed_and_resumed(counties: Path, out: Path, at: tuple[int, ...], *options: object) -> int:
    """Kill a batch at several moments, then let it end; return how many finished studies were done again."""
    shutil.rmtree(out, ignore_errors=True)
    known: dict[str, int] = {}
    again = 0
    for done in at:
        now = killed_when(counties, out, done, *options)
        again += sum(now[name] != when for name, when in known.items())
        known = now
    process = started(counties, out, *options)
    said = process.communicate()[0]
    assert process.returncode in GOOD_STATUS, said
    now = many_counties.finished(out)
    return again + sum(now[name] != when for name, when in known.items())


def prove(folder: Path, *, count: int, pair: int) -> None:
    """Print what a batch of counties was measured to do."""
    counties = many_counties.write_counties(folder / "counties", count=count)
    seconds, most = undisturbed(counties, folder / "whole", "--workers", 2)
    _say(f"{count} counties, two processes: {seconds:.0f} s; done, failed: {many_counties.counts(folder / 'whole')}")
    _say(f"most memory of a process: {max(most.values()) / 1e6:.0f} MB, of {len(most)} processes")
    at = (max(1, count // 9), count // 3, count * 2 // 3)
    again = killed_and_resumed(counties, folder / "killed", at, "--workers", 2)
    same = many_counties.fingerprints(folder / "whole") == many_counties.fingerprints(folder / "killed")
    _say(f"killed -9 when {at} were through, then resumed: same bytes {same}; finished studies done again: {again}")
    few = many_counties.write_counties(folder / "few", count=pair, broken=False)
    for _ in range(2):
        took = {n: undisturbed(few, folder / f"by{n}", "--workers", n)[0] for n in (1, 2)}
        _say(f"{pair} counties: one process {took[1]:.0f} s, two {took[2]:.0f} s, {took[1] / took[2]:.2f} times")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a program


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--counties", type=int, default=200)
    asked.add_argument("--pair", type=int, default=24, help="counties for one process against two")
    given = asked.parse_args()
    prove(given.folder, count=given.counties, pair=given.pair)

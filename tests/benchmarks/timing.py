"""Medians of repeated calls, the sides taking turns; time and peak memory of a fresh process."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Timing:
    """Seconds of one side, one a repeat.

    Attributes
    ----------
    seconds
        (repeats,) wall clock.
    first
        Seconds of the call before all repeats, which fills what is filled once; None where there was none.
    """

    seconds: tuple[float, ...]
    first: float | None = None

    @property
    def median(self) -> float:
        return median(self.seconds)

    def per(self, count: int) -> Timing:
        """The same for one of `count` things done in each call."""
        return Timing(
            tuple(value / count for value in self.seconds), None if self.first is None else self.first / count
        )


def clock(call: Callable[[], object]) -> float:
    """Seconds of one call, with the garbage of earlier ones swept before."""
    gc.collect()
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def alternate(
    sides: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    slow: Collection[str] = (),
    slow_repeats: int = 3,
) -> dict[str, Timing]:
    """Time the sides in turn, round after round, so that a busy machine hurts all alike.

    Every side is called once before, which fills what is filled once. Slow sides are not, and take part
    in the first `slow_repeats` rounds only.
    """
    first = {name: None if name in slow else clock(call) for name, call in sides.items()}
    found: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(repeats):
        for name, call in sides.items():
            if name not in slow or turn < slow_repeats:
                found[name].append(clock(call))
    return {name: Timing(tuple(found[name]), first[name]) for name in sides}


@dataclass(frozen=True)
class Process:
    """What a fresh interpreter took from its start to its answer."""

    seconds: float
    peak_mb: float
    told: dict[str, Any]


def fresh(module: str, arguments: Sequence[str]) -> Process:
    """Run a module of this package in a fresh interpreter; it prints one JSON object (see :func:`tell`)."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{module} failed")
    told = json.loads(done.stdout.splitlines()[-1])
    return Process(seconds, float(told.pop("peak_mb")), told)


def tell(**told: Any) -> None:
    """Print what a fresh process found, and the most memory it ever held."""
    sys.stdout.write(json.dumps({**told, "peak_mb": peak_mb()}) + "\n")


def peak_mb() -> float:
    """Most memory that this process held, MB.

    `VmHWM` begins anew with each program; `ru_maxrss` would hand a child its parent's.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000.0
    msg = "this system does not say how much memory a process held"
    raise RuntimeError(msg)

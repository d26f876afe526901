"""How studies are computed by processes of this machine: one process may die, the batch goes on."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, NamedTuple

import psutil

from geo import heap
from geo.batch import task
from geo.messages import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from geo.batch.outcome import Job, Outcome

GB = 1_000_000_000
COUNTY_GB = 1.5  # room that the largest county seen needs
ATTEMPTS = 2
_SHARE_OF_FREE = 0.8
_WATCH_SECONDS = 0.1
_TIRED = 0.6  # of its memory: a process that still holds so much after a study is replaced
_PARENT_DEATH_SIGNAL = 1
# Each process works on its own study: threads inside would only be in the way of the others.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Crew(NamedTuple):
    """How many processes work, and how many bytes of memory each may hold."""

    workers: int
    bytes_each: float


def crew(*, workers: int | None, memory_gb: float | None, jobs: int) -> Crew:
    """Return how many processes to use: one a core, as far as memory and studies reach.

    Parameters
    ----------
    workers
        Processes asked for; by default as many as the memory carries.
    memory_gb
        Memory of all together; by default four fifths of what is free.
    jobs
        Studies to compute.

    Examples
    --------
    >>> crew(workers=None, memory_gb=1.5, jobs=9)
    Crew(workers=1, bytes_each=1500000000.0)
    >>> crew(workers=4, memory_gb=2, jobs=9)
    Crew(workers=4, bytes_each=500000000.0)
    """
    memory = memory_gb * GB if memory_gb else _SHARE_OF_FREE * psutil.virtual_memory().available
    carried = min(_cores(), int(memory // (COUNTY_GB * GB)))
    number = max(1, min(workers or carried, jobs))
    return Crew(number, memory / number)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Busy(NamedTuple):
    process: SpawnProcess
    job: Job
    attempt: int


def outcomes(jobs: Iterable[Job], found: Crew) -> Iterator[Outcome]:
    """Compute studies in processes of their own; yield each outcome when it is there.

    A study whose process dies is tried once more. One whose process outgrows its memory is not:
    it would outgrow it again.
    """
    waiting = deque((job, 1) for job in jobs)
    busy: dict[Connection, _Busy] = {}
    idle: list[tuple[Connection, SpawnProcess]] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < found.workers:
                pipe, process = idle.pop() if idle else _hired()
                try:
                    pipe.send(waiting[0][0])
                except OSError:  # it died while it had nothing to do: no study's fault
                    _dismiss(pipe, process)
                    continue
                busy[pipe] = _Busy(process, *waiting.popleft())
            ready = wait([*busy], timeout=_WATCH_SECONDS)
            for pipe in [pipe for pipe in busy if pipe in ready]:
                told = busy.pop(pipe)
                result = _received(pipe, told)
                if result is None and told.attempt < ATTEMPTS:
                    waiting.append((told.job, told.attempt + 1))
                else:
                    yield result or _died(told)
                if result is not None and _held(told.process) < _TIRED * found.bytes_each:
                    idle.append((pipe, told.process))
                else:
                    _dismiss(pipe, told.process)
            for pipe, told in [*busy.items()]:
                if _held(told.process) > found.bytes_each:
                    del busy[pipe]
                    _dismiss(pipe, told.process)
                    yield _outgrown(told.job, found.bytes_each)
    finally:
        for pipe, process in [*idle, *((pipe, told.process) for pipe, told in busy.items())]:
            _dismiss(pipe, process)


def _hired() -> tuple[Connection, SpawnProcess]:
    """Start a process that shares nothing with this one; forked ones would inherit locks of libraries."""
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, os.getpid()), daemon=True)
    process.start()
    theirs.close()  # so that its death is the end of the pipe
    return ours, process


def _work(pipe: Connection, parent: int) -> None:
    """Compute what comes through the pipe until it ends; die with the process that sends it."""
    heap.share_arenas()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process tells what was interrupted
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    else:
        threading.Thread(target=_die_with_parent, daemon=True).start()
    while os.getppid() == parent:
        try:
            pipe.send(task.run(pipe.recv()))
        except (EOFError, OSError):
            return


def _die_with_parent() -> None:
    first = multiprocessing.parent_process()
    if first is not None:
        first.join()
    os._exit(1)


def _received(pipe: Connection, told: _Busy) -> Outcome | None:
    """Return what a process answers; `None` where it died."""
    try:
        result: Outcome = pipe.recv()
    except (EOFError, OSError):
        told.process.join()
        return None
    return result


def _held(process: SpawnProcess) -> int:
    """Return the bytes of memory that a process holds; 0 where it is gone."""
    try:
        return int(psutil.Process(process.pid).memory_info().rss)
    except psutil.Error:
        return 0


def _dismiss(pipe: Connection, process: SpawnProcess) -> None:
    pipe.close()
    process.kill()
    process.join()


def _died(told: _Busy) -> Outcome:
    code = told.process.exitcode or 0
    cause = signal.Signals(-code).name if code < 0 else str(code)
    return task.failed(told.job, text("batch.died", told.job.lang, cause=cause, times=ATTEMPTS))


def _outgrown(job: Job, limit: float) -> Outcome:
    return task.failed(job, text("batch.outgrown", job.lang, gb=f"{limit / GB:.2f}"))

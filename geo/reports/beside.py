"""A process beside this one that writes the Word files: they take as long as all other files together."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from geo.messages import Lang
    from geo.results import Results
    from geo.study import Study


# Of a smaller study the files are written before a process has loaded its libraries.
_WORTH_BYTES = 500_000


@contextmanager
def writer(study: Study) -> Iterator[Executor | None]:
    """Give a process that loads what Word files need while the caller does other work.

    None on a single core, and for a small study. The process shares nothing with this one, takes two seconds of another
    core to start and some 250 MB, and ends with the block.
    """
    if (os.cpu_count() or 1) == 1 or _bytes_of(study) < _WORTH_BYTES:
        yield None
        return
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_load)
    try:
        pool.submit(os.getpid)  # starts it
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _bytes_of(study: Study) -> int:
    """Return how large the layer files of a study are."""
    sources = (source for name in type(study.layers).model_fields for source in getattr(study.layers, name))
    return sum(source.file.stat().st_size for source in sources if source.file is not None and source.file.is_file())


def _load() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process tells what was interrupted
    from geo.reports import word  # noqa: F401, PLC0415 - in that process, not in this one


def ask(pool: Executor | None, results: Results, folder: Path, *, lang: Lang) -> Future[list[str]] | None:
    """Let a process write the Word files into a folder; None where there is no process."""
    from geo.reports import word  # noqa: PLC0415 - heavy libraries

    if pool is None:
        return None
    try:
        return pool.submit(word.write_word, word.needed(results), folder, lang=lang)
    except BrokenProcessPool:
        return None


def answer(asked: Future[list[str]] | None, results: Results, folder: Path, *, lang: Lang) -> list[str]:
    """Return the names of the Word files once they are written; by this process where the other one did not live.

    Raises
    ------
    OSError
        When the folder cannot be written.
    """
    from geo.reports import word  # noqa: PLC0415 - heavy libraries

    if asked is not None:
        try:
            return asked.result()
        except BrokenProcessPool:
            pass
    return word.write_word(results, folder, lang=lang)

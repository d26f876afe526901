"""What memory a process of our own keeps, looks through for what nothing refers to, and leaves behind when it ends."""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import sys
from contextlib import suppress

_M_ARENA_MAX = -8
_ARENAS = 2
_LOOK_AFTER = (100_000, 50, 100)


def share_arenas() -> None:
    """Let threads share two arenas: with one a thread, what each freed last stays with it.

    Drawing the sample county took 740 to 780 MB at its highest with arenas of their own, 630 MB so, in the same time.
    For a process of our own, before it starts threads; elsewhere than on glibc nothing happens.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Let the system have the memory that is not used any more: glibc would keep hundreds of megabytes of it."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def look_rarely() -> None:
    """Look for objects that refer to each other and to which nothing else does after 100,000 new ones, not after 700.

    An analysis makes a million objects that stay, and few such circles: looking through them again and again took
    0.3 s of the sample county's 7, and found 3 MB. For a process of our own.
    """
    gc.set_threshold(*_LOOK_AFTER)


def leave(status: object) -> None:
    """End the process without freeing its objects one by one: the system takes the memory back at once, 0.4 s sooner.

    What asked to be called at the end is called, and what was printed goes out. Returns where the process is not our own
    (:func:`look_rarely`), the status is no number, or nobody reads what is printed any more: Python's own way out says so.
    """
    code = 0 if status is None else status
    if not isinstance(code, int) or gc.get_threshold() != _LOOK_AFTER:
        return
    atexit._run_exitfuncs()  # noqa: SLF001 - all that the interpreter itself would call
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return
    os._exit(code)

"""Modules that are imported before they are asked for, while other work goes on."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from threading import Thread


def imported(*names: str) -> None:
    """Import modules beside what goes on: files are read and lines united by libraries that let Python go on meanwhile.

    For a process of our own: libraries are not always ready to be imported by two threads of somebody else's. What
    cannot be imported is told where it is asked for.
    """
    Thread(target=_import, args=(names,), daemon=True).start()


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        with suppress(Exception):
            import_module(name)

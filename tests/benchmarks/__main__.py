"""Run the benchmarks and print the table: `python -m tests.benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from . import agreement, misplaced, nearest, pairs, polygons, reading, regimes, scale, valhalla
from .cache import UnavailableError
from .setting import Setting
from .table import Row, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORKS: dict[str, Callable[[Setting], list[Row]]] = {
    "polygons": polygons.rows,
    "nearest": nearest.rows,
    "pairs": pairs.rows,
    "reading": reading.rows,
    "regimes": regimes.rows,
    "scale": scale.rows,
}
PAGES: dict[str, Callable[[], str]] = {"misplaced": misplaced.page, "agreement": agreement.page}
_TOLD = ("numpy", "scipy", "shapely", "networkx", "osmnx", "pandana")


def machine() -> str:
    """Say what it ran on."""
    found = []
    for name in _TOLD:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, Python {platform.python_version()}, {', '.join(found)}, Valhalla {valhalla.VERSION}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    names = [*WORKS, *PAGES]
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="fewer services and repeats, no large tiling")
    parser.add_argument("--repeats", type=int, default=None, help="calls a side (5; 1 if quick)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--install-valhalla", action="store_true", help="fetch Valhalla's programs first")
    given = parser.parse_args(arguments)
    if given.install_valhalla:
        try:
            valhalla.install()
        except UnavailableError as error:
            parser.exit(1, f"{error}\n")
    setting = Setting(quick=given.quick, repeats=given.repeats or (1 if given.quick else 5))
    rows: list[Row] = []
    pages: dict[str, str] = {}
    for name in given.only or names:
        begin = time.perf_counter()
        try:
            if name in WORKS:
                rows += WORKS[name](setting)
            else:
                pages[name] = PAGES[name]()
        except UnavailableError as error:
            setting.skip(name, error)
        setting.say(f"{name}: done in {time.perf_counter() - begin:.0f} s")
    sys.stdout.write(_whole(rows, pages, setting) + "\n")
    if given.json:
        told = {
            "machine": machine(),
            "rows": [row.record() for row in rows],
            "pages": pages,
            "skipped": setting.skipped,
        }
        given.json.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def _whole(rows: list[Row], pages: dict[str, str], setting: Setting) -> str:
    head = f"Medians of {setting.repeats} calls a side (slow peers fewer), the sides taking turns; {machine()}."
    parts = [head, markdown(rows)] if rows else [machine()]
    skipped = ["\n".join(f"- {line}" for line in setting.skipped)] if setting.skipped else []
    return "\n\n".join([*parts, *pages.values(), *skipped])


if __name__ == "__main__":
    raise SystemExit(main())

"""From a file of OpenStreetMap to a walking network: time and peak memory, each in a fresh process."""

from __future__ import annotations

import importlib.util
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from . import cache
from .cache import UnavailableError
from .table import Row, Target
from .timing import Process, fresh, tell

if TYPE_CHECKING:
    from .setting import Setting


def rows(setting: Setting) -> list[Row]:
    """Return the lines: whole process, the call alone, memory."""
    pbf = setting.pbf or cache.shared("porto/porto.osm.pbf")
    try:
        _require_osmnx()
        xml = cache.highways_xml(pbf)
    except UnavailableError as error:
        setting.skip("osmnx, reading", error)
        return []
    ours: list[Process] = []
    theirs: list[Process] = []
    for _ in range(setting.some(min(setting.repeats, 3), 1)):
        ours.append(fresh("reading", ["ours", str(pbf)]))
        theirs.append(fresh("reading", ["osmnx", str(xml)]))
    work = f"{pbf.name.split('.')[0].title()}: OpenStreetMap file to walking network, fresh process"
    read = (
        f"ours reads the PBF ({ours[0].told['edges']:,} edges); osmnx reads none: it reads the highways of the same "
        f"file as XML, made before, and knows no way of moving there ({theirs[0].told['edges']:,} arcs)"
    )
    imports = (
        f"imports are in the process's time: ours {_middle(ours, 'import_s'):.1f} s, osmnx "
        f"{_middle(theirs, 'import_s'):.1f} s"
    )
    notes = (read, imports)
    return [
        Row(
            f"{work}, time",
            "osmnx from XML",
            median(one.seconds for one in ours),
            median(one.seconds for one in theirs),
            Target("faster", 20.0),
            notes=notes,
        ),
        Row(
            f"{work}, the call alone",
            "osmnx from XML",
            _middle(ours, "call_s"),
            _middle(theirs, "call_s"),
            Target("faster", 20.0),
        ),
        Row(
            f"{work}, peak memory",
            "osmnx from XML",
            median(one.peak_mb for one in ours),
            median(one.peak_mb for one in theirs),
            Target("within", 0.25),
            unit="MB",
        ),
    ]


def _require_osmnx() -> None:
    if importlib.util.find_spec("osmnx") is None:
        msg = 'osmnx is not installed: pip install ".[bench]"'
        raise UnavailableError(msg)


def _middle(processes: list[Process], name: str) -> float:
    return median(float(one.told[name]) for one in processes)


def _read_ours(file: str) -> None:
    begin = time.perf_counter()
    import geo  # noqa: PLC0415 - its import is timed
    from geo import queries  # noqa: F401, PLC0415 - loads what the call needs

    imported = time.perf_counter()
    net = geo.read_streets(file, mode="walk")
    done = time.perf_counter()
    tell(import_s=imported - begin, call_s=done - imported, edges=len(net.start))


def _read_osmnx(file: str) -> None:
    begin = time.perf_counter()
    import osmnx  # noqa: PLC0415 - its import is timed

    imported = time.perf_counter()
    graph = osmnx.graph_from_xml(file, simplify=True, retain_all=True)
    done = time.perf_counter()
    tell(import_s=imported - begin, call_s=done - imported, edges=graph.number_of_edges())


if __name__ == "__main__":
    {"ours": _read_ours, "osmnx": _read_osmnx}[sys.argv[1]](sys.argv[2])

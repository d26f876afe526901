"""A folder of generated counties, each small and other than the rest, and some of them broken in different ways.

As a program it puts a batch of them to the proof: `python tests/many_counties.py prove FOLDER --counties 200`.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
from small_county import STUDY, communities, csv_text, osm, parks, place, stations, write_county

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BROKEN_EVERY = 10
# Each way of being broken: the files it replaces. Every reason in a batch of 200 is another one or of another file.
BREAKS: tuple[Callable[[], dict[str, str | bytes | None]], ...] = (
    lambda: {"stations_csv": None},
    lambda: {"streets_osm": b""},
    lambda: {"streets_osm": None},
    lambda: {"communities_geojson": None},
    lambda: {"study_toml": "[study\n"},
    lambda: {"study_toml": STUDY.replace("[layers]", "[layers]\nroads = 'x'")},
    lambda: {"study_toml": b"\xff\xfe"},
    lambda: {"communities_geojson": "{"},
    lambda: {"stations_csv": csv_text(stations(), "编号,名称,类型,东,北,状态")},
    lambda: {"stations_csv": csv_text([["x", "x", "没有的服务", *place(1, 1), ""]])},
    lambda: {"study_toml": STUDY.replace("2026Q4", "someday")},
    lambda: {"communities_geojson": communities(people=("many", "few"))},
    lambda: {"streets_osm": osm("proposed")},
    lambda: {"parks_geojson": "[]"},
    lambda: {"study_toml": STUDY + "\n[services.gig_station]\nmode = 'fly'\n"},
    lambda: {"study_toml": STUDY + "\n[services.gig_station]\nlimit = -1\n"},
    lambda: {"study_toml": STUDY.replace('id = "small"', 'id = "../up"')},
    lambda: {"stations_csv": csv_text([["a", "x", "零工驿站", *place(n, 1), ""] for n in range(2)])},
    lambda: {"study_toml": STUDY.replace('"streets.osm"', '"../streets.osm"')},
    lambda: {"study_toml": ""},
)


def write_counties(folder: Path, *, count: int, broken: bool = True) -> Path:
    """Write counties `c000`, `c001` … below a folder; every tenth is broken, in its own way."""
    random = np.random.default_rng(350500)
    for number in range(count):
        people = tuple(int(some) for some in random.integers(300, 3000, size=2))
        kept = [row for row in stations() if random.random() < 0.8 or row[0].startswith("g1")]
        files: dict[str, str | bytes | None] = {
            "study_toml": STUDY.replace('"small"', f'"c{number:03d}"').replace("小县", f"第{number}县"),
            "communities_geojson": communities(people=people),
            "parks_geojson": parks(),
            "stations_csv": csv_text(kept),
        }
        if broken and number % BROKEN_EVERY == BROKEN_EVERY - 1:
            files |= BREAKS[number // BROKEN_EVERY % len(BREAKS)]()
        write_county(folder / f"c{number:03d}", **files)
    return folder


def fingerprints(out: Path) -> dict[str, str]:
    """Return the hash of every file below a folder."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def finished(out: Path) -> dict[str, int]:
    """Return the studies that are through and when the note of each was written, in nanoseconds."""
    return {path.parent.name: path.stat().st_mtime_ns for path in sorted(out.glob("*/batch-state.json"))}


def counts(out: Path) -> tuple[int, int]:
    """Return how many studies a batch lists as done and as failed."""
    listed = json.loads((out / "batch.json").read_text(encoding="utf-8"))
    return listed["done"], listed["failed"]

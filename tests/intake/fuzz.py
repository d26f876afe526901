"""Feed the readers damaged files and count what they do: `python -m tests.intake.fuzz --count 20000`.

Every input must end in a table whose rows are all accounted for, or in faults in words; anything else — a traceback,
a crash, more than 20 s, more than 6 GB, a word on the screen — is a failure, is kept in `--out`, and is made again by
`--only NUMBER`. Input NUMBER of a `--seed` is always the same.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 20.0
BYTES = 6 << 30
KINDS = (
    "service",
    "venue",
    "community",
    "park",
    "factory",
    "district",
    "gate",
    "barrier",
    "water",
    "boundary",
    "street",
)


class Seed(NamedTuple):
    """A file to start from: its name, its bytes and those of its parts, how it is read."""

    name: str
    parts: dict[str, bytes]
    kind: str
    options: dict[str, Any]


class Outcome(NamedTuple):
    """What became of an input: table | faults | fail, its format, and what went wrong."""

    number: int
    what: str
    suffix: str
    why: str
    seconds: float


def seeds() -> list[Seed]:
    """Return the dirty files of the tests, with all their parts, and sound ones of many rows in each format.

    In those a single damaged row is a doubt and not a fault, so that the reader comes to its last checks.
    """
    from . import (  # noqa: PLC0415
        habits_names,
        habits_places,
        habits_shapes,
        habits_sheets,
        habits_text,
        habits_vectors,
        sound_files,
    )

    rooms = (habits_text, habits_sheets, habits_shapes, habits_vectors, habits_places, habits_names, *[sound_files] * 8)
    found = []
    for case in (case for room in rooms for case in room.CASES if not case.habit.endswith("under its own name")):
        if any(importlib.util.find_spec(extra) is None for extra in case.needs):
            continue
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = case.write(Path(folder))
            parts = {item.name: item.read_bytes() for item in sorted(Path(folder).iterdir()) if item.stem == path.stem}
        found.append(Seed(path.name, parts, case.kind, case.options))
    return found


def made(number: int, seed: int, every: list[Seed]) -> Seed:
    """Return the damaged file of a number."""
    from . import mutations  # noqa: PLC0415

    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable, no secret
    suffix = dice.choice(sorted({Path(item.name).suffix for item in every}))
    alike = [item for item in every if Path(item.name).suffix == suffix]
    start = dice.choice(alike)
    others = [other.parts[other.name] for other in alike]
    part = dice.choice(sorted(start.parts))
    deep = Path(part).suffix in mutations.ARCHIVES and dice.random() < 0.85
    if deep:
        damaged = mutations.mutated_archive(dice, start.parts[part], others)
    else:
        damaged = mutations.mutated(dice, start.parts[part], others, suffix=Path(part).suffix)
    parts = {**start.parts, part: damaged}
    kind = start.kind if dice.random() < 0.9 else dice.choice(KINDS)
    return Seed(start.name, parts, kind, mutations.options(dice, start.options))


def tried(number: int, made_of: Seed, screen: Path) -> Outcome:
    """Read one damaged file and judge what came of it."""
    from geo.errors import InputFaultsError  # noqa: PLC0415
    from geo.layers import read_table  # noqa: PLC0415
    from geo.study_file import LayerSource  # noqa: PLC0415

    began, suffix = time.perf_counter(), Path(made_of.name).suffix
    with tempfile.TemporaryDirectory(prefix="geo-fuzz-") as folder:
        for name, data in made_of.parts.items():
            (Path(folder) / name).write_bytes(data)
        why = ""
        try:
            source = LayerSource(path=made_of.name, file=Path(folder) / made_of.name, **made_of.options)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    why = wrong_with(read_table(source, kind=made_of.kind), folder)
                    what = "table"
                except InputFaultsError as error:
                    said = error.text("zh") + error.text("en")
                    what, why = "faults", "" if error.faults and folder not in said else f"faults: {said}"
        except Exception:  # noqa: BLE001 - that is what is looked for
            what, why = "fail", traceback.format_exc()
    if screen.stat().st_size:
        why = why or f"printed: {screen.read_text(encoding='utf-8', errors='replace')[:500]}"
        os.truncate(screen, 0)
    return Outcome(number, "fail" if why else what, suffix, why, time.perf_counter() - began)


def wrong_with(found: Any, folder: str) -> str:
    """Return what contradicts itself in a table that was read; nothing where all is well."""
    import shapely  # noqa: PLC0415

    entry, repairs = found.inputs[0], found.repairs
    dropped = int(((repairs["action"] == "dropped") & repairs["row"].notna()).sum())
    if entry["rows_read"] != entry["rows_kept"] + entry["rows_filtered"] + dropped:
        return f"rows: {entry} and {dropped} dropped"
    if entry["rows_kept"] != len(found.table):
        return f"kept: {entry} and {len(found.table)} rows"
    shapes = found.table.geometry.to_numpy()
    there = ~shapely.is_missing(shapes)
    if not shapely.is_valid(shapes[there]).all():
        return "invalid geometry"
    said = "".join(message.text("zh") + message.text("en") for message in repairs["message"])
    return f"path shown: {said}" if folder in said else ""


def _work(numbers: range, seed: int, now: Any, results: Any) -> None:
    """Try some numbers in a process of its own, all that is printed caught in a file."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    every = seeds()
    with tempfile.TemporaryDirectory(prefix="geo-screen-") as folder:
        screen = Path(folder) / "screen"
        with screen.open("ab", buffering=0) as taken:
            os.dup2(taken.fileno(), 1)
            os.dup2(taken.fileno(), 2)
            for number in numbers:
                now[0], now[1] = number, time.time()
                results.put(tried(number, made(number, seed, every), screen))
        now[0] = -1.0
        results.put(None)
        results.close()
        results.join_thread()


def outcomes(first: int, count: int, seed: int, *, at_once: int = 5_000) -> Iterator[Outcome]:
    """Yield what became of each number; a process that dies or hangs is one failure, and the rest goes on."""
    context = multiprocessing.get_context("spawn")
    number, last = first, first + count
    while number < last:
        upto = min(number + at_once, last)
        now, results = context.Array("d", [float(number), time.time() + 60.0]), context.Queue()
        process = context.Process(target=_work, args=(range(number, upto), seed, now, results))
        process.start()
        why = ""
        while True:
            with contextlib.suppress(Exception):
                found = results.get(timeout=1.0)
                if found is None:
                    break
                number = found.number + 1
                yield found
                continue
            if not process.is_alive():
                why = f"crash: exit status {process.exitcode}"
                break
            if time.time() - now[1] > SECONDS:
                why = f"hang: more than {SECONDS:g} s"
                process.kill()
                break
        process.join()
        if why:
            while True:
                try:
                    found = results.get(timeout=0.5)
                except Exception:  # noqa: BLE001 - empty, or cut off
                    break
                if found is not None:
                    number = found.number + 1
                    yield found
            again = [] if count == 1 else list(outcomes(number, 1, seed))  # alone: the machine may have been busy
            yield again[0] if again else Outcome(number, "fail", "", why, SECONDS)
            number += 1


def keep(number: int, seed: int, out: Path, why: str, every: list[Seed]) -> None:
    """Write a failing input and what it did into a folder of its own."""
    own = made(number, seed, every)
    folder = out / f"{seed}-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in own.parts.items():
        (folder / name).write_bytes(data)
    (folder / "why.txt").write_text(f"{own.kind} {own.options}\n{why}", encoding="utf-8", errors="replace")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "geo-fuzz")
    given = parser.parse_args()
    every = seeds()
    if given.only is not None:
        keep(given.only, given.seed, given.out, "", every)
        screen = given.out / "screen"
        screen.write_bytes(b"")
        print(tried(given.only, made(given.only, given.seed, every), screen))  # noqa: T201 - a program
        return 0
    counts: Counter[tuple[str, str]] = Counter()
    failures: Counter[str] = Counter()
    slowest = 0.0
    for done, found in enumerate(outcomes(given.first, given.count, given.seed), start=1):
        counts[found.suffix, found.what] += 1
        slowest = max(slowest, found.seconds)
        if found.what == "fail":
            failures[found.why.strip().splitlines()[-1][:160]] += 1
            keep(found.number, given.seed, given.out, found.why, every)
        if done % 1_000 == 0:
            print(done, dict(Counter(what for (_, what), n in counts.items() for _ in range(n))), flush=True)  # noqa: T201
    for suffix in sorted({suffix for suffix, _ in counts}):
        print(f"{suffix or '?':10}", {what: counts[suffix, what] for what in ("table", "faults", "fail")})  # noqa: T201
    print(f"{given.count} inputs, slowest {slowest:.1f} s, {sum(failures.values())} failures")  # noqa: T201
    for why, n in failures.most_common():
        print(f"{n:6} {why}")  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

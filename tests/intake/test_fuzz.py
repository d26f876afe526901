"""A few damaged files of every format, in this process; many more by `python -m tests.intake.fuzz`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from . import fuzz

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("count", [150, pytest.param(3000, marks=pytest.mark.slow)])
def test_damaged_files_end_in_tables_or_in_faults(count: int, tmp_path: Path) -> None:
    every, screen = fuzz.seeds(), tmp_path / "screen"
    screen.write_bytes(b"")
    found = [fuzz.tried(number, fuzz.made(number, 7, every), screen) for number in range(count)]
    assert [(one.number, one.why) for one in found if one.what == "fail"] == []
    counts = Counter(one.what for one in found)
    assert min(counts["table"], counts["faults"]) > count // 10


def test_the_same_number_makes_the_same_file() -> None:
    first, again = fuzz.made(5, 1, fuzz.seeds()), fuzz.made(5, 1, fuzz.seeds())
    assert first.name == again.name
    assert first.kind == again.kind

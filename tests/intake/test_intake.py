"""Dirty files, each a real habit: what the reader makes of them, and every line that it says."""

from __future__ import annotations

import importlib.util
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd
import pyproj
import pytest

from geo.errors import InputFaultsError
from geo.layers import read_table
from geo.study_file import LayerSource

from . import habits_columns, habits_names, habits_places, habits_shapes, habits_sheets, habits_text, habits_vectors

if TYPE_CHECKING:
    from pathlib import Path

    from .case import Case

METRIC = pyproj.CRS.from_epsg(4548)
CASES = [
    *habits_text.CASES,
    *habits_sheets.CASES,
    *habits_shapes.CASES,
    *habits_vectors.CASES,
    *habits_places.CASES,
    *habits_names.CASES,
    *habits_columns.CASES,
]
AT_LEAST = 60


def test_there_are_enough_and_each_is_another() -> None:
    assert len(CASES) >= AT_LEAST
    assert [habit for habit, n in Counter(case.habit for case in CASES).items() if n > 1] == []


def key(message: object) -> str:
    return str(message.key).removeprefix("layers.")  # type: ignore[attr-defined]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.habit)
def test_the_habit_is_read_and_every_repair_told(case: Case, tmp_path: Path) -> None:
    for extra in case.needs:
        if importlib.util.find_spec(extra) is None:
            pytest.skip(f"{extra} is not installed: pip install 'geo[test,postgis,parquet,xls]'")
    path = case.write(tmp_path)
    source = LayerSource(path=path.name, file=path, **case.options)
    if case.faults:
        with pytest.raises(InputFaultsError) as caught:
            read_table(source, kind=case.kind, crs=METRIC)
        error = caught.value
        assert Counter((key(fault.message), fault.rows) for fault in error.faults) == Counter(case.faults)
        assert str(tmp_path) not in error.text("en") + error.text("zh")
        assert [part for part in case.says if part not in error.text("en")] == []
        return
    found = read_table(source, kind=case.kind, crs=METRIC)
    lines = [
        (None if pd.isna(row) else int(row), action, key(message))
        for row, action, message in zip(
            found.repairs["row"], found.repairs["action"], found.repairs["message"], strict=True
        )
    ]
    assert Counter(lines) == Counter(case.report)
    texts = [message.text("en") for message in found.repairs["message"]]
    assert all(message.text("zh") for message in found.repairs["message"])
    assert str(tmp_path) not in "".join(texts)
    assert [part for part in case.says if not any(part in text for text in texts)] == []
    entry = found.inputs[0]
    dropped = sum(action == "dropped" for row, action, _ in lines if row is not None)
    assert (entry["rows_read"], entry["rows_kept"], len(found.table)) == (case.read, case.kept, case.kept)
    assert entry["rows_read"] == entry["rows_kept"] + entry["rows_filtered"] + dropped
    for name, expected in case.cells.items():
        assert [None if pd.isna(value) else value for value in found.table[name]] == expected

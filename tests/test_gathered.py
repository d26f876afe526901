"""Lines of a repair report that say the same are one line; what is in doubt comes first and stays row by row."""

from __future__ import annotations

import pandas as pd

from geo import quality, schema
from geo.gathered import about, gather, ranges
from geo.messages import Message
from geo.printout import repair_lines


def order(row: int) -> tuple[object, ...]:
    given = Message("layers.survey_order", {"given": f"280000{row} / 632659"})
    return ("service_points", "a.csv", row, f"s{row}", "repaired", given)


def lines_of(*rows: tuple[object, ...]) -> list[quality.Line]:
    return [*quality.lines(pd.DataFrame(rows, columns=list(schema.REPAIRS)))]


DOUBT = ("service_points", "a.csv", 9, "s9", "doubtful", Message("layers.unknown_status", {"given": "待定"}))
WHOLE = ("service_points", "a.csv", None, "", "doubtful", Message("layers.datum_rough", {"crs": "x", "given": "y"}))
GATES = [("", "", None, f"P{n}", "told", Message("layers.empty_row")) for n in (1, 2)]


def test_repairs_of_one_kind_are_one_line_behind_the_doubts() -> None:
    told = lines_of(*(order(row) for row in (2, 3, 4, 7)), DOUBT, WHOLE)
    groups = gather(told)
    assert [len(group.lines) for group in groups] == [1, 1, 4]
    assert [about(group, "zh") for group in groups] == [
        "第 9 行：",
        "",
        "第 2–4、7 行（共 4 行，以第 2 行为例）：",
    ]
    shown = repair_lines(told, "en")
    assert shown[0] == "repairs and remarks: 6, in 3 lines, the same ones gathered"
    assert "    repaired  rows 2–4, 7 (4, of which row 2 is shown): has X = north" in shown[-1]


def test_three_repairs_whose_values_differ_stay_three() -> None:
    assert len(gather(lines_of(*map(order, (2, 3, 4))))) == 3


def test_the_same_words_are_one_line_whatever_they_are_about() -> None:
    empty = [("venues", "v.csv", row, "", "dropped", Message("layers.empty_row")) for row in (5, 6)]
    assert [about(group, "en") for group in gather(lines_of(*empty, *GATES))] == ["rows 5–6 (2): ", "P1, P2: "]


def test_doubts_that_differ_are_never_gathered() -> None:
    doubts = [
        (*DOUBT[:2], row, "", "doubtful", Message("layers.unknown_status", {"given": f"?{row}"})) for row in range(9)
    ]
    assert len(gather(lines_of(*doubts))) == 9


def test_every_row_is_in_one_range() -> None:
    rows = [1, 2, 5, 6, 7, 9, 20]
    assert ranges(rows) == ["1–2", "5–7", "9", "20"]


def test_nothing_said_of_a_source_is_lost() -> None:
    told = lines_of(WHOLE, WHOLE, DOUBT, DOUBT, *GATES, *map(order, range(10)))
    assert sum(len(group.lines) for group in gather(told)) == len(told)

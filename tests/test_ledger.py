"""The ledger that people edit: read line by line, carried on, and not a word of theirs lost."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from geo import ledger, ledger_file, schema
from geo.errors import InputFaultsError

if TYPE_CHECKING:
    from pathlib import Path

BOM = b"\xef\xbb\xbf"
HEADER = "缺口编号,责任单位,时限,状态,销号日期,分管领导"
DAY = dt.date(2026, 12, 31)


def write(path: Path, text: str, encoding: str = "utf-8-sig") -> ledger_file.LedgerFile:
    path.write_bytes(text.encode(encoding))
    return ledger_file.read(path)


def cells(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def row(gap: str, **said: str) -> dict[str, str]:
    return {"gap_id": gap, "people": "100", "state": "新增", "period": "2026Q4", "status": "待办", **said}


def test_a_first_ledger_has_all_columns(tmp_path: Path) -> None:
    file = ledger_file.read(tmp_path / "ledger.csv")
    assert file.content == b""
    made = ledger_file.carried_on(file, [row("hall-A-1")])
    assert made.startswith(BOM)
    assert made.endswith(b"\r\n")
    (line,) = cells(made)
    assert list(line) == list(ledger_file.headers("zh").values())
    assert {"责任单位", "时限", "状态", "销号日期", "备注"} < set(line)
    assert (line["缺口编号"], line["未覆盖人数(人)"], line["状态"]) == ("hall-A-1", "100", "待办")


def test_what_people_wrote_survives_and_what_is_computed_moves_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    file = write(path, f'{HEADER},系统判断\nhall-A-1,=民政局,3月底,已销号,2027-01-05,"张,三",新增\n')
    made = ledger_file.carried_on(file, [row("hall-A-1", state="持续"), row("hall-A-2")])
    one, two = cells(made)
    assert [one[name] for name in HEADER.split(",")] == [
        "hall-A-1",
        "=民政局",
        "3月底",
        "已销号",
        "2027-01-05",
        "张,三",
    ]
    assert (one["系统判断"], two["系统判断"], two["分管领导"]) == ("持续", "新增", "")
    assert ledger_file.keep(file, made)
    assert (tmp_path / "ledger.csv.bak").read_bytes() == file.content
    again = ledger_file.read(path)
    assert ledger_file.carried_on(again, [row("hall-A-1", state="持续"), row("hall-A-2")]) == made
    assert not ledger_file.keep(again, made)
    assert sorted(place.name for place in tmp_path.iterdir()) == ["ledger.csv", "ledger.csv.bak"]


BROKEN = [
    ("hall-B-1,民政局", "2", "hall-B-1"),
    ("hall-B-1,a,b,c,d,e,f,g", "8", "hall-B-1"),
    ('hall-B-1,"民政局,a,b,c,d', None, "hall-B-1"),
    (",民政局,,,,", None, ""),
]


@pytest.mark.parametrize(("line", "count", "gap"), BROKEN)
def test_a_broken_line_is_told_with_its_number_and_kept(tmp_path: Path, line: str, count: str | None, gap: str) -> None:
    after = '\r\nhall-C-1,"两\r\n行",,,,\r\n'
    file = write(tmp_path / "ledger.csv", f"{HEADER}\r\nhall-A-1,a,,,,\r\n{line}{after}")
    (fault,) = file.faults
    assert fault.rows == (3,)
    assert count is None or f"{count} 格" in fault.text("zh")
    assert [entry["gap_id"] for entry in file.entries] == ["hall-A-1", "hall-C-1"]
    assert file.broken_ids == ({gap} if gap else set())
    for _ in range(3):
        made = ledger_file.carried_on(file, [row("hall-A-1"), row("hall-C-1")])
        assert f"\r\n{line}\r\n" in made.decode("utf-8-sig")
        assert ledger_file.keep(file, made) or made == file.content
        file = ledger_file.read(tmp_path / "ledger.csv")
        assert len(file.faults) == 1
        assert [entry["owner"] for entry in file.entries] == ["a", "两\r\n行"]


def test_a_second_line_of_a_gap_is_told_and_kept(tmp_path: Path) -> None:
    file = write(tmp_path / "ledger.csv", f"{HEADER}\nhall-A-1,a,,,,\nhall-A-1,b,,,,\n")
    assert [fault.rows for fault in file.faults] == [(3,)]
    assert file.broken_ids == set()
    made = ledger_file.carried_on(file, [row("hall-A-1")]).decode("utf-8-sig").splitlines()
    assert made[2] == "hall-A-1,b,,,,"
    assert len(made) == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize(("end", "mark"), [("\n", ","), ("\r\n", ";"), ("\r", "\t")])
def test_however_an_office_saves_it(tmp_path: Path, encoding: str, end: str, mark: str) -> None:
    text = end.join([HEADER, "hall-A-1,民政局,,办理中,,", ",,,,,", ""]).replace(",", mark)
    file = write(tmp_path / "ledger.csv", text, encoding)
    (entry,) = file.entries
    assert (entry["owner"], entry["status"]) == ("民政局", "办理中")
    assert file.faults == []
    ledger_file.keep(file, ledger_file.carried_on(file, [row("hall-A-1")]))
    (entry,) = ledger_file.read(tmp_path / "ledger.csv").entries
    assert (entry["owner"], entry["status"], entry["people"]) == ("民政局", "办理中", "100")


def test_the_language_is_that_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "ledger.csv", "Gap id,Owner,Deadline,Status,Struck off\nhall-A-1,x,,,\n")
    assert file.lang == "en"
    assert "Computed state" in ledger_file.carried_on(file, [row("hall-A-1")]).decode("utf-8-sig")
    assert write(tmp_path / "ledger.csv", f"{HEADER}\n").lang == "zh"


@pytest.mark.parametrize("content", [b"\xff\xff\xff\x80\x81", "名称,人数\n甲,3\n".encode(), b"", b"\n\n"])
def test_what_is_no_ledger_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.csv"
    path.write_bytes(content)
    with pytest.raises(InputFaultsError):
        ledger_file.read(path)
    assert path.read_bytes() == content


def test_a_ledger_that_was_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    file = write(path, f"{HEADER}\nhall-A-1,a,,,,\n")
    path.write_text(f"{HEADER}\nhall-A-1,b,,,,\n", encoding="utf-8")
    with pytest.raises(InputFaultsError, match="changed"):
        ledger_file.keep(file, ledger_file.carried_on(file, [row("hall-A-1")]))
    assert "hall-A-1,b" in path.read_text(encoding="utf-8")
    assert [place.name for place in tmp_path.iterdir()] == ["ledger.csv"]


def test_a_disk_that_takes_no_more_leaves_the_ledger_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.csv"
    file = write(path, f"{HEADER}\nhall-A-1,a,,,,\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger_file.os, "fsync", full)
    with pytest.raises(InputFaultsError, match="No space left"):
        ledger_file.keep(file, ledger_file.carried_on(file, [row("hall-A-1")]))
    assert path.read_bytes() == file.content
    assert [place.name for place in tmp_path.iterdir()] == ["ledger.csv"]


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from(list('\n\r",;\t=')), max_size=8)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=6), st.integers(0, 6))
def test_no_word_is_lost_whatever_people_write(tmp_path_factory: pytest.TempPathFactory, rows, spoiled) -> None:
    path = tmp_path_factory.mktemp("l") / "ledger.csv"
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(["缺口编号", "责任单位", "备注", "自己的列"])
    writer.writerows([f"hall-A-{number}", *texts] for number, texts in enumerate(rows, start=1))
    lines = target.getvalue()
    if spoiled < len(rows):
        lines += "hall-Z-1,少了两格\r\n"
    file = write(path, lines)
    made = ledger_file.carried_on(file, [row("hall-A-1"), row("hall-N-1")])
    ledger_file.keep(file, made)
    found = ledger_file.read(path)
    assert len(found.faults) == (spoiled < len(rows))
    wanted = {f"hall-A-{number}": texts for number, texts in enumerate(rows, start=1)}
    own = found.header.index("自己的列")
    kept = {line.gap_id: line.cells for line in found.lines if line.cells is not None}
    assert set(kept) == {*wanted, "hall-A-1", "hall-N-1"}
    for gap, (owner, note, more) in wanted.items():
        cell = {name: kept[gap][at] for name, at in found.columns.items()}
        assert (cell["owner"], cell["note"], kept[gap][own]) == (owner, note, more)


def gap(name: str, people: float = 50.0) -> dict[str, object]:
    place = {"communities": "A", "districts": "D1;D2", "lon": 118.2, "lat": 25.3, "unit_id": "A"}
    return {
        "gap_id": name,
        "service": "hall",
        "people": people,
        "minutes_to_nearest": 20.0,
        "nearest_name": "厅",
        **place,
    }


def compared(*rows: tuple[str, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["gap_id", "state", "people_now"])
    more = {"service": "hall", "people_before": 100.0, "minutes_before": 20.0, "minutes_now": 8.0}
    return table.assign(**more, communities="A", districts="D1", comparable=True, grown=False)


def carry(known: pd.DataFrame, period: str, gaps: list[str], comparison: pd.DataFrame | None = None) -> pd.DataFrame:
    table = pd.DataFrame([gap(name) for name in gaps] or [gap("x")]).iloc[: len(gaps)]
    names = {"A": "甲社区", "D1": "东片区"}
    return ledger.carried_on(known, table, comparison, period=period, day=DAY, names=names)


def blank() -> pd.DataFrame:
    return ledger.table([])


def again(table: pd.DataFrame) -> pd.DataFrame:
    """The ledger as it is read from the file that was written of it."""
    rows = [
        {name: "" if pd.isna(text) else str(text) for name, text in row.items()} for row in table.to_dict("records")
    ]
    return ledger.table(rows)


def test_states_go_from_period_to_period() -> None:
    first = carry(blank(), "2026Q3", ["hall-A-1", "hall-A-2"])
    assert first["state"].tolist() == ["new", "new"]
    assert first["unit_name"].tolist() == ["甲社区"] * 2
    assert first["districts"].tolist() == ["东片区;D2"] * 2
    then = compared(("hall-A-1", "lasting", 50), ("hall-A-3", "new", 50), ("hall-A-2", "closing", 0))
    second = carry(again(first), "2026Q4", ["hall-A-1", "hall-A-3"], then)
    assert second["gap_id"].tolist() == ["hall-A-1", "hall-A-2", "hall-A-3"]
    assert second["state"].tolist() == ["lasting", "closing", "new"]
    assert second["state_before"].tolist() == ["new", "new", ""]
    assert second["first_period"].tolist() == ["2026Q3", "2026Q3", "2026Q4"]
    assert second["people"].tolist() == [50, 0, 50]
    once_more = carry(again(second), "2026Q4", ["hall-A-1", "hall-A-3"], then)
    pd.testing.assert_frame_equal(
        once_more[["gap_id", "state", "state_before"]], second[["gap_id", "state", "state_before"]]
    )


def test_without_results_of_before_nothing_is_proposed_for_striking_off() -> None:
    first = again(carry(blank(), "2026Q3", ["hall-A-1", "hall-A-2"]))
    second = carry(first, "2026Q4", ["hall-A-1"])
    assert second["state"].tolist() == ["lasting", "new"]
    assert second["period"].tolist() == ["2026Q4", "2026Q3"]
    struck = first.assign(struck_off=[True, False])
    assert carry(struck, "2026Q4", ["hall-A-1"])["state"].tolist() == ["returned", "new"]


@pytest.mark.parametrize(
    ("deadline", "status", "struck", "late"),
    [
        ("2026-12-31", "", "", False),
        ("2026-12-30", "", "", True),
        ("2026.11.30", "", "2026-12-01", True),
        ("2026年12月", "", "", False),
        ("2026-06-30", "已销号", "", False),
        ("2026-06-30", "办理中", "2026/6/30", False),
        ("尽快", "", "", False),
    ],
)
def test_overdue_is_counted_to_the_last_day_of_the_period(
    deadline: str, status: str, struck: str, *, late: bool
) -> None:
    first = carry(blank(), "2026Q4", ["hall-A-1"]).assign(deadline=deadline, status=status, struck=struck)
    assert carry(again(first), "2026Q4", ["hall-A-1"])["overdue"].tolist() == [late]


def test_dates_that_are_none_are_told() -> None:
    rows = [
        {**dict.fromkeys(schema.LEDGER, ""), "gap_id": "a-A-1", "deadline": text}
        for text in ("尽快", "—", "2027-1-5", "")
    ]
    (message,) = ledger.doubts(rows)
    assert "尽快" in message.text("zh")
    assert "a-A-1" in message.text("en")


@pytest.mark.parametrize(
    ("status", "told"),
    [("己销号", True), ("已消号", True), ("销号完毕", True), ("已销号", False), ("拟销号", False), ("办理中", False)],
)
def test_a_state_that_may_mean_struck_off_is_told(status: str, told: bool) -> None:  # noqa: FBT001 - a table of cases
    rows = [{"gap_id": "hall-A-1", "deadline": "", "status": status, "struck": ""}]
    assert [message.key for message in ledger.doubts(rows)] == (["ledger.odd_status"] if told else [])
    assert not ledger.doubts([{**rows[0], "struck": "2027-01-05"}])  # the day says it


def test_a_month_or_a_day_that_is_none_strikes_nothing_off_and_is_told() -> None:
    empty = dict.fromkeys(schema.LEDGER, "")
    rows = [{**empty, "gap_id": "a-A-1", "struck": text} for text in ("2027年3月", "2027-02-30", "2027-03-31")]
    assert [message.text("zh").split("：")[1].split("；")[0] for message in ledger.doubts(rows)] == [
        "2027年3月",
        "2027-02-30",
    ]
    assert ledger.table(rows)["struck_off"].tolist() == [False, False, True]


def test_quotes_that_spoil_a_line_are_named(tmp_path: Path) -> None:
    file = write(tmp_path / "ledger.csv", f'{HEADER}\nhall-A-1,民政局,,,,\nhall-B-1,"a"b,,,,\n')
    assert [entry["owner"] for entry in file.entries] == ["民政局"]
    (fault,) = file.faults
    assert "引号" in fault.text("zh")
    assert "格" not in fault.text("zh")


def test_numbers_of_people_are_numbers() -> None:
    found = ledger.table([{**dict.fromkeys(schema.LEDGER, ""), "gap_id": " a-A-1 ", "people": "1,234.5", "lon": "x"}])
    assert found["people"].tolist() == [1234.5]
    assert np.isnan(found["lon"][0])
    assert found["gap_id"].tolist() == ["a-A-1"]

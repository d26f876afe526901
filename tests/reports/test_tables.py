from __future__ import annotations

import codecs
import csv
import io

import pytest
from hypothesis import given, strategies as st

from geo import schema
from geo.reports import cells

START = codecs.BOM_UTF8


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def one(path, **wanted):
    found = [row for row in rows_of(path) if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("name", "columns"), [("coverage.csv", schema.COVERAGE), ("gaps.csv", schema.GAPS)])
def test_columns_are_the_contract_behind_a_bom(written, name, columns):
    content = (written / name).read_bytes()
    assert content.startswith(START + ",".join(columns).encode() + b"\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")


def test_numbers_of_coverage_cell_by_cell(written):
    row = one(written / "coverage.csv", unit_id="C2", service="gig_station", limit_minutes="15")
    assert (row["people"], row["people_served"], row["people_not_attached"]) == ("500.5", "100.125", "0")
    assert row["share"] == f"{100.125 / 500.5:.6f}"
    assert one(written / "coverage.csv", unit_id="C1", limit_minutes="7.5")["share"] == "0.100000"


def test_what_is_not_judged_has_empty_cells(written):
    row = one(written / "coverage.csv", unit_id="C2", service="canteen_elder")
    assert (row["people_served"], row["share"], row["status"], row["note"]) == ("", "", "not_assessed", "未评估")
    nobody = one(written / "coverage.csv", unit_id="P1", demand="residents", limit_minutes="15")
    assert (nobody["people"], nobody["share"], nobody["status"]) == ("0", "", "no_demand")
    presence = one(written / "coverage.csv", mode="presence")
    assert (presence["limit_minutes"], presence["demand"], presence["share"]) == ("", "", "1.000000")


def test_unreachable_is_an_empty_cell(written):
    rows = rows_of(written / "gaps.csv")
    assert [row["minutes_to_nearest"] for row in rows] == ["22.123", ""]
    assert (rows[0]["people"], rows[0]["lon"], rows[0]["rank"]) == ("400.375", "118.123457", "1")


def test_communities_and_outside_sum_to_the_study(written):
    rows = [
        row
        for row in rows_of(written / "coverage.csv")
        if row["service"] == "gig_station" and row["limit_minutes"] == "15"
    ]
    people = {
        kind: sum(float(row["people"]) for row in rows if row["unit_kind"] == kind and row["demand"] == "residents")
        for kind in ("community", "outside", "study")
    }
    assert people["community"] + people["outside"] == people["study"] == 1000 + 500.5 + 100


def test_no_cell_of_data_is_a_formula(written):
    rows = rows_of(written / "coverage.csv")
    names = {row["unit_name"] for row in rows if row["unit_id"]}
    assert names == {'\'=HYPERLINK("http://x.example","x")', "</script><b>{{ 7*7 }} ${1}", "bell nul tab\t", "东片区"}
    assert {row["note"] for row in rows} == {"", "'-edge", "未评估"}
    assert rows_of(written / "gaps.csv")[0]["nearest_name"].startswith("'=")


@given(st.text())
def test_text_is_inert_and_otherwise_unchanged(text):
    shown = cells.inert(text)
    assert shown in {text, f"'{text}"}
    if shown[:1] in set("=+-@\t\r"):
        float(shown)


@given(st.floats())
def test_a_number_is_shown_to_its_decimals_or_not_at_all(number):
    shown = cells.rounded(number)
    if shown:
        assert abs(float(shown) - number) <= max(0.0005, abs(number) * 1e-12)
        assert not shown.endswith(".")
    else:
        assert cells.number_of(number) is None

"""A study file that is no TOML: which line, what is wrong with it, and what mends it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from geo import toml_faults
from geo.errors import InputFaultsError
from geo.study import read_study

if TYPE_CHECKING:
    from pathlib import Path


def keys(text: str) -> list[tuple[str, int]]:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    return [
        (said.values["what"].key.removeprefix("toml."), said.values["line"])
        for said in toml_faults.faults(text, caught.value)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[study]\nid = “a”\nname = ‘b’", [("quotes", 2), ("quotes", 3)]),
        ('id = "a”', [("quotes", 1)]),
        ('id ＝ "a"', [("equals", 1)]),
        ('a = ["x"，"y"]', [("comma", 1)]),
        ('［study］\nid = "a"', [("brackets", 1)]),
        ('id： "a"', [("colon", 1)]),
        ('path = "C:\\data\\点.csv"', [("backslash", 1)]),
        ('path = "C:\\users\\点.csv"', [("backslash", 1)]),
        ('name = "永春\nid = "a"', [("unclosed", 1)]),
        ('a = ["x"\nb = 1', [("unclosed_list", 2)]),
        ("name 永春", [("no_equals", 1)]),
        ("[study\nid = 1", [("table_name", 1)]),
        ("id = 1 2", [("rest_of_line", 1)]),
        ("name = 永春", [("value", 1)]),
        ("id = 1\nid = 2", [("twice", 2)]),
        ("[a]\n[a]", [("twice", 2)]),
        ("id = \x01", [("value", 1)]),
    ],
)
def test_the_line_and_the_cause(text: str, expected: list[tuple[str, int]]) -> None:
    assert keys(text) == expected


def test_wide_signs_within_texts_and_remarks_are_no_fault() -> None:
    text = 'name = "暖“新”驿站，＝"  # “说明”\nid = 1 2'
    assert keys(text) == [("rest_of_line", 2)]


def test_no_password_is_shown(tmp_path: Path) -> None:
    text = '[layers]\nparks = {postgis = “postgresql://me:secret@host/base”, table = "t"}\n'
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputFaultsError) as caught:
        read_study(tmp_path)
    said = caught.value.text("zh") + caught.value.text("en")
    assert "第 2 行" in said
    assert "secret" not in said


def test_a_path_whose_backslashes_were_eaten(tmp_path: Path) -> None:
    text = '[study]\nid = "a"\nname = "a"\nperiod = "2026"\n[layers]\nparks = "C:\\new\\table.csv"\n'
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputFaultsError) as caught:
        read_study(tmp_path)
    assert "layers.parks: in the path 'C:\\new\\table.csv' backslashes meant something else" in caught.value.text("en")


@given(st.text(alphabet="a=[]{}\"'“＝\\\n#,1. ", max_size=40))
def test_whatever_is_no_toml_has_a_line_and_a_cause(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = toml_faults.faults(text, error)
        assert said
        assert all(message.text("zh") and message.text("en") for message in said)

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from string import Formatter

import pytest

import geo
from geo import messages
from geo.errors import Fault, GeoError, GeoValueError, InputFaultsError
from geo.messages import Message

LANGS = ("zh", "en")
SOURCES = sorted(Path(str(resources.files(geo))).rglob("*.py"))
USED = re.compile(r"""\b(?:Message|text)\(\s*"([a-z_]+\.[a-z0-9_]+)["]""")


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def whole() -> dict[str, dict[str, str]]:
    split = {key: key.split(".", 1) for key in sorted(messages.keys())}
    return {key: messages._catalogue(subject)[name] for key, (subject, name) in split.items()}


def test_there_are_messages() -> None:
    assert len(messages.keys()) > 100


@pytest.mark.parametrize("key", messages.keys())
def test_every_message_says_the_same_in_both_languages(key: str) -> None:
    subject, name = key.split(".", 1)
    texts = {lang: messages.subject(subject, lang)[name] for lang in LANGS}
    assert all(text.strip() for text in texts.values())
    assert placeholders(texts["zh"]) - {"zh"} == placeholders(texts["en"]) - {"en"}  # a name given in both languages


def test_the_catalogue_holds_both_languages_and_nothing_else() -> None:
    odd = {key: sorted(texts) for key, texts in whole().items() if sorted(texts) != ["en", "zh"]}
    assert odd == {}


def test_placeholders_are_plain_names() -> None:
    names = {name for texts in whole().values() for text in texts.values() for name in placeholders(text)}
    assert [name for name in names if not name.isidentifier()] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_key_that_the_code_names_exists(source: Path) -> None:
    named = set(USED.findall(source.read_text(encoding="utf-8")))
    assert sorted(named - set(messages.keys())) == []


def test_values_are_data_and_never_templates() -> None:
    told = Message("study.bad_value", {"given": "{why} {0.__class__} %s", "why": "{given}"}).text("en")
    assert told == "the value {why} {0.__class__} %s cannot be used: {given}"


def test_a_message_inside_a_message_speaks_the_same_language() -> None:
    inner = Message("study.bad_period")
    outer = Message("study.bad_value", {"given": "'x'", "why": inner})
    assert inner.text("zh") in outer.text("zh")
    assert inner.text("en") in outer.text("en")
    assert str(outer) == outer.text()


def test_an_unknown_key_raises() -> None:
    with pytest.raises(KeyError):
        Message("study.there_is_none").text()


def test_long_lists_of_rows_are_cut_and_counted() -> None:
    assert messages.row_list(range(1, 9), "en") == "rows 1, 2, 3, 4, 5, 6, 7, 8"
    shown = messages.row_list(range(1, 101), "en")
    assert "8" in shown
    assert "9," not in shown
    assert "100" in shown


def test_all_faults_are_told_one_a_line() -> None:
    faults = [Fault("a.csv", Message("study.missing")), Fault("b.csv", Message("study.not_utf8"), rows=(3, 5))]
    error = InputFaultsError(iter(faults))
    assert error.faults == tuple(faults)
    assert str(error) == error.text("en")
    first, second = error.text("zh").split("\n")
    assert first.startswith("a.csv")
    assert second.startswith("b.csv")
    assert messages.row_list((3, 5), "zh") in second


def test_errors_are_what_a_caller_would_catch() -> None:
    assert issubclass(InputFaultsError, GeoValueError)
    assert issubclass(GeoValueError, ValueError)
    assert issubclass(GeoValueError, GeoError)

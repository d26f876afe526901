"""docs/modes.md says what the code does."""

from __future__ import annotations

import re

import pytest
from worlds import BIKE, CAR, FOOT, street, street_table

from geo import access, modes
from geo.modes import BUILTIN, CAR_KMH, Mode

MODES = {"foot": FOOT, "bicycle": BIKE, "car": CAR}


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> str:
    return (request.config.rootpath / "docs" / "modes.md").read_text(encoding="utf-8")


def cells(page: str, heading: str) -> list[list[str]]:
    """Return the body rows of the table below a heading."""
    part = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip().strip("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows[2:]]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def may_use(mode: Mode, **tags: str) -> bool:
    rules = access.rules(street_table([street((0, 0), (9, 0), **tags)]), mode)
    return bool(rules.forward[0] or rules.backward[0])


def test_the_page_states_speeds_and_slope_of_the_modes(page: str) -> None:
    shown = {code(row[0])[0]: row[1:] for row in cells(page, "The modes")}
    speeds = {name: f"{mode.speed_kmh:g}" if mode.speed_kmh else "by limit and class" for name, mode in BUILTIN.items()}
    assert {name: row[2] for name, row in shown.items()} == speeds
    assert {name: row[3] for name, row in shown.items()} == {
        name: "yes" if mode.slope else "no" for name, mode in BUILTIN.items()
    }
    assert {name: row[0] for name, row in shown.items()} == {
        "walk": "步行",
        "elder": "老年人步行",
        "ebike": "电动自行车",
        "drive": "驾车",
    }


def test_the_page_states_the_classes_and_speeds_of_the_code(page: str) -> None:
    stated = {"foot": {"foot": "yes"}, "bicycle": {"bicycle": "yes"}, "car": {"motor_vehicle": "yes"}}
    shown: dict[str, list[str]] = {}
    for names, *row in cells(page, "Which classes"):
        shown |= dict.fromkeys(code(names), row)
    assert set(shown) == set(modes.STREET_CLASSES) | {"bus_guideway"} | set(access._NEVER)
    for name, (*may, speed) in shown.items():
        found = []
        for column, mode in MODES.items():
            plain, tagged = may_use(mode, highway=name), may_use(mode, highway=name, **stated[column])
            found.append("yes" if plain else "if tagged" if tagged else "no")
        assert found == may, name
        assert speed == ("" if may[2] == "no" else f"{CAR_KMH.get(name, modes.CAR_KMH_OTHER):g}"), name


def test_the_page_states_the_words_of_the_code(page: str) -> None:
    shown = {row[0]: code(row[1]) for row in cells(page, "Which tags")}
    assert sorted(shown["closed"]) == sorted(access._CLOSED)
    assert sorted(shown["ends only"]) == sorted(access._ENDS)
    assert sorted(shown["let in"] + shown["ends only"]) == sorted(access._STATED)


def test_the_page_states_the_figures_of_the_code(page: str) -> None:
    shown = {row[0]: row[1] for row in cells(page, "How fast a car goes")}
    assert shown["share of the limit attained"] == f"{modes.CAR_ATTAINED:g}"
    assert shown["highest limit that counts, and what `none` means"] == f"{modes.CAR_LIMIT_KMH:g} km/h"
    yards = next(key for key in shown if key.startswith("at most on"))
    assert code(yards) == list(modes.CAR_YARDS)
    assert shown[yards] == f"{modes.CAR_KMH_YARD:g} km/h"
    zones = {code(key)[0]: value for key, value in shown.items() if key.startswith("limit in the zone")}
    assert zones == {name: f"{kmh:g} km/h" for name, kmh in access._KMH_OF_ZONE.items()}

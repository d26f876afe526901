from __future__ import annotations

import pytest

from geo import catalogue, modes, schema
from geo.catalogue import Ring, ServiceType, bands, fold, name_index, service_types, suggest

TYPES = service_types()


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES.keys())
def test_every_type_is_whole(kind: ServiceType) -> None:
    assert kind.label
    assert kind.label_en
    assert kind.test in {"minutes", "presence", "inventory"}
    assert kind.status in set("VSMD")
    assert set(kind.demand) <= set(schema.GROUPS)
    assert (kind.unit_kind in schema.UNIT_KINDS) == (kind.test == "presence")
    if kind.test == "minutes":
        assert kind.demand
        assert kind.limit in kind.minutes
        assert list(kind.minutes) == sorted(set(kind.minutes))
        assert {ring.mode for ring in kind.rings} <= set(modes.BUILTIN)
        assert len({ring.mode for ring in kind.rings}) == len(kind.rings)
    else:
        assert kind.rings == ()


def test_the_published_types_are_there() -> None:
    assert len(TYPES) == 24
    assert TYPES["gig_station"].demand == ("residents", "workers")
    assert TYPES["gig_station"].also == (Ring("ebike", 15.0),)
    assert TYPES["canteen_elder"].mode == "elder"


def test_the_limit_is_fifteen_minutes_throughout() -> None:
    assert {kind.limit for kind in TYPES.values() if kind.test == "minutes"} == {15.0}


@pytest.mark.parametrize(
    "name", ["暖新驿站", "暖“新”驿站", '暖"新"驿站', " 暖「新」驿站 ", "暖＂新＂驿站", "rest_station", "REST_station"]
)
def test_one_service_has_several_spellings(name: str) -> None:
    assert name_index(TYPES.values())[fold(name)] == "rest_station"


@pytest.mark.parametrize(
    ("name", "like"), [("共享职工食堂", "共享食堂"), ("中央食堂", "共享食堂"), ("零工市场", "零工驿站")]
)
def test_aliases_lead_to_the_type(name: str, like: str) -> None:
    index = name_index(TYPES.values())
    assert index[fold(name)] == index[fold(like)]


def test_a_label_wins_over_the_alias_of_another() -> None:
    one = ServiceType("one", "甲", "One", aliases=("乙",))
    two = ServiceType("two", "乙", "Two")
    assert name_index([one, two])[fold("乙")] == "two"


def test_no_alias_is_the_name_of_two_types() -> None:
    owner: dict[str, set[str]] = {}
    for kind in TYPES.values():
        for name in (kind.code, kind.label, *kind.aliases):
            owner.setdefault(fold(name), set()).add(kind.code)
    assert {name: sorted(codes) for name, codes in owner.items() if len(codes) > 1} == {}


def test_full_width_and_case_are_folded() -> None:
    assert fold("ＥＶ 充电　桩") == fold("ev充电桩")


@pytest.mark.parametrize(
    ("limit", "extra", "expected"),
    [(15, (), (5, 10, 15)), (10, (), (5, 10)), (12, (8,), (5, 8, 10, 12)), (20, (), (5, 10, 15, 20)), (3, (8,), (3,))],
)
def test_bands_end_at_the_limit(limit: float, extra: tuple[float, ...], expected: tuple[float, ...]) -> None:
    assert bands(limit, extra) == expected


def test_a_name_not_known_has_suggestions() -> None:
    assert suggest("零工驿战", TYPES.values())[0] == "零工驿站"
    assert suggest("xyzzy", TYPES.values()) == []
    assert len(suggest("站", TYPES.values(), most=2)) <= 2


def test_names_in_both_languages() -> None:
    kind = TYPES["gig_station"]
    assert (kind.name("zh"), kind.name("en")) == (kind.label, kind.label_en)
    assert kind.label == "零工驿站"


def test_the_catalogue_is_read_once() -> None:
    assert catalogue.service_types() is TYPES

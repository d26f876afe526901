"""Coordinates as surveyors, map services and people write them."""

from __future__ import annotations

from .case import CRS, Case
from .files import text

HEAD = "编号,名称,类型,经度,纬度"
UTF8 = (None, "told", "encoding")
CGCS = (None, "told", "cgcs_as_wgs")


def rows(count: int, *, lon: str = "118.2", lat: str = "25.3") -> list[str]:
    return [f"{n},站{n},零工驿站,{lon},{lat}" for n in range(1, count + 1)]


def swapped(*numbers: int) -> tuple[tuple[int, str, str], ...]:
    return tuple((number, "repaired", "swapped") for number in numbers)


CASES = [
    Case(
        "lon and lat swapped in one row",
        text([HEAD, *rows(19), "20,站20,零工驿站,25.3,118.2"]),
        options={"crs": CRS},
        read=20,
        kept=20,
        report=(UTF8, *swapped(21)),
    ),
    Case(
        "lon and lat swapped in all rows",
        text([HEAD, *rows(3, lon="25.3", lat="118.2")]),
        options={"crs": CRS},
        report=(UTF8,),
        faults=(("swapped_many", (2, 3, 4)),),
        says=('lon = "纬度", lat = "经度"',),
    ),
    Case("coordinates of AMap", text([HEAD, *rows(2)]), options={"crs": "gcj02"}, read=2, kept=2, report=(UTF8,)),
    Case("no CRS stated", text([HEAD, *rows(2)]), report=(UTF8,), faults=(("no_crs", ()),), says=("gcj02",)),
    Case(
        "survey table, X north and Y east",
        text(["编号,名称,类型,X坐标,Y坐标", "1,甲,零工驿站,2799827.6,620849.9", "2,乙,零工驿站,2799927.6,620949.9"]),
        options={"crs": "EPSG:4548"},
        read=2,
        kept=2,
        report=(UTF8, CGCS, (2, "repaired", "survey_order"), (3, "repaired", "survey_order")),
    ),
    Case(
        "coordinates that are missing or words in few rows",
        text([HEAD, *rows(30), "31,甲,零工驿站,,", "32,乙,零工驿站,待定,待定"]),
        options={"crs": CRS},
        read=32,
        kept=32,
        report=(UTF8, (32, "kept", "no_coordinates"), (33, "kept", "bad_coordinates")),
    ),
    Case(
        "metres where degrees are stated",
        text([HEAD, *rows(2, lon="620849.9", lat="2799827.6")]),
        options={"crs": CRS},
        report=(UTF8,),
        faults=(("out_of_range_many", (2, 3)),),
    ),
    Case(
        "one station in the ocean",
        text([HEAD, *rows(30), "31,甲,零工驿站,0,0"]),
        options={"crs": CRS},
        read=31,
        kept=31,
        report=(UTF8, (32, "doubtful", "far_away")),
    ),
]

"""Which rows of a layer are probably the same thing twice: of one type, within 30 m, under a similar name."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from geo.catalogue import fold
from geo.layers.findings import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from geo.layers.findings import Findings

KINDS = frozenset({"service", "venue", "factory", "community", "park"})
NEAR_M = 30.0
SAME_M = 1.0
ALIKE = 0.8
MOST_PAIRS = 200_000  # beyond, only equal names are compared
_CORES_ALIKE = 0.6
_STEP = 500
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】|〔[^〔〕]*〕")
# What tells two neighbours apart that share the rest of their name: numbers, letters, directions.
_TELLING = re.compile(r"[0-9]+|[a-z]+|[零一二三四五六七八九十百甲乙丙丁东西南北前后左右上下新旧老大小男女]")


class Part(NamedTuple):
    """One source of a layer: where it is noted, its source rows, its table in the study's CRS.

    `drop` says whether the study asks for its repeated rows to be left out; else they are doubtful and stay.
    """

    findings: Findings
    rows: NDArray[np.int64]
    table: gpd.GeoDataFrame
    drop: bool = False


def similar(one: str, other: str) -> bool:
    """Say whether two names are probably the same.

    Numbers, letters and directions in them must agree; a remark in brackets that only one of them has does not count.
    What remains of each without their common beginning and end must be alike too: two communities' stations share most
    of their names.

    Examples
    --------
    >>> similar("桃城零工驿站", "桃城镇零工驿站"), similar("1号充电桩", "2号充电桩"), similar("东门食堂", "西门食堂")
    (True, False, False)
    >>> similar("桃城零工驿站", "桃城零工驿站（旧）"), similar("桥头社区零工驿站", "文庙社区零工驿站")
    (True, False)
    """
    a, b = fold(one), fold(other)
    if bool(_BRACKETS.search(a)) != bool(_BRACKETS.search(b)):
        a, b = (_BRACKETS.sub("", name) or name for name in (a, b))
    if a == b:
        return True
    if _TELLING.findall(a) != _TELLING.findall(b):
        return False
    return _ratio(a, b) >= ALIKE and _cores_agree(a, b)


def _ratio(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def _shared(a: str, b: str) -> int:
    """Return with how many of the same signs two texts begin."""
    return next((at for at, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))


def _cores_agree(a: str, b: str) -> bool:
    """Say whether what tells two names apart may be a slip: something left out, one sign for another, or much alike."""
    start = _shared(a, b)
    end = _shared(a[start:][::-1], b[start:][::-1])
    first, second = (name[start : len(name) - end] for name in (a, b))
    slip = min(len(first), len(second)) == 0 or max(len(first), len(second)) == 1
    return slip or _ratio(first, second) >= _CORES_ALIKE


def pairs(table: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the pairs of rows that are probably one thing: positions `first` < `second`, and `metres` between them.

    Each row is paired with the first that it repeats. Rows without a name repeat each other only at the very same
    place (1 m); rows without a type or a place repeat nothing.

    Parameters
    ----------
    table
        Points in a metric CRS with `name` and, for service points, `type`; other geometries are passed over.
    """
    shapes = table.geometry.to_numpy()
    names = table["name"].astype("str").to_numpy(dtype=object) if "name" in table.columns else np.full(len(table), "")
    types = table["type"].astype("str").to_numpy(dtype=object) if "type" in table.columns else np.full(len(table), "-")
    usable = (shapely.get_type_id(shapes) == shapely.GeometryType.POINT) & ~shapely.is_empty(shapes) & (types != "")
    places = np.flatnonzero(usable)
    first, second, metres = _near(shapes[places], types[places])
    same = fold_all(names[places])
    good = (same[first] == same[second]) & ((same[first] != "") | (metres <= SAME_M))
    rest = np.flatnonzero(~good & (same[first] != "") & (same[second] != ""))
    if len(rest) <= MOST_PAIRS:
        good[rest] = [similar(one, other) for one, other in zip(same[first[rest]], same[second[rest]], strict=True)]
    found = pd.DataFrame({"first": places[first[good]], "second": places[second[good]], "metres": metres[good]})
    return found.sort_values(["second", "first"]).drop_duplicates("second").reset_index(drop=True)


def fold_all(names: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return names as they are compared."""
    known = {name: fold(name) for name in dict.fromkeys(names.tolist())}
    return np.array([known[name] for name in names.tolist()], dtype=object)


def _near(
    points: NDArray[np.object_], types: NDArray[np.object_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs of points of one type within 30 m, the earlier first, and the metres between them."""
    tree = shapely.STRtree(points)
    codes = pd.factorize(types)[0]
    found: list[NDArray[np.int64]] = [np.empty((2, 0), dtype=np.int64)]
    for start in range(0, len(points), _STEP):  # a step at a time: thousands of rows may lie in one place
        second, first = tree.query(points[start : start + _STEP], predicate="dwithin", distance=NEAR_M)
        second = second + start
        keep = (first < second) & (codes[first] == codes[second])
        found.append(np.stack([first[keep], second[keep]]))
    first, second = np.concatenate(found, axis=1)
    return first, second, np.asarray(shapely.distance(points[first], points[second]), dtype=np.float64)


def tell(parts: Sequence[Part], *, kind: str) -> list[NDArray[np.bool_]]:
    """Note the rows of a layer's sources that repeat an earlier one, and return which rows stay.

    Parameters
    ----------
    parts
        The sources of one layer, in order; a row may repeat one of another source.
    kind
        Kind of layer.
    """
    stay = [np.ones(len(part.rows), dtype=np.bool_) for part in parts]
    if kind not in KINDS or not parts:
        return stay
    ends = np.cumsum([len(part.rows) for part in parts])
    table = pd.concat([part.table for part in parts], ignore_index=True) if len(parts) > 1 else parts[0].table
    for first, second, metres in pairs(table).itertuples(index=False, name=None):
        (one, at), (other, place) = (_part_of(int(number), ends) for number in (second, first))
        values = {
            "given": shown(table["name"].iloc[second]) or "—",
            "near": shown(table["name"].iloc[first]) or "—",
            "found": parts[other].findings.source,
            "line": int(parts[other].rows[place]),
            "n": f"{metres:.0f}",
        }
        stay[one][at] = not parts[one].drop
        row = int(parts[one].rows[at])
        if parts[one].drop:
            parts[one].findings.row(row, "dropped", "duplicate_dropped", **values)
        else:
            parts[one].findings.row(row, "doubtful", "duplicate", **values)
    return stay


def _part_of(row: int, ends: NDArray[np.int64]) -> tuple[int, int]:
    """Return the source that a row of the whole layer belongs to, and its place in it."""
    number = int(np.searchsorted(ends, row, side="right"))
    return number, row - (int(ends[number - 1]) if number else 0)

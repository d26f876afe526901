"""What do the columns of a drawn street layer say? Class, one-way and level in the words that OpenStreetMap uses."""

from __future__ import annotations

import csv
import unicodedata
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from geo import modes, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

UNCLASSED = "unclassified"
_NO = frozenset({"", "0", "f", "n", "no", "false", "否", "无", "非", "不是"})
_ONE_WAY = {
    **dict.fromkeys(("1", "t", "y", "yes", "true", "是", "单行", "单向", "单行道", "forward", "ft", "正向"), "yes"),
    **dict.fromkeys(("-1", "reverse", "backward", "tf", "反向", "逆向"), "-1"),
    **dict.fromkeys((*_NO, "b", "both", "双向", "双行", "alternating", "reversible"), ""),
}
# Geofabrik's shapefiles write F (along the line), T (against it) and B (both ways).
_ONE_WAY_FTB = {"f": "yes", "t": "-1", "b": "", "": ""}
# Classes of OpenStreetMap that no mode has a speed for; most are open to nobody.
_KNOWN = frozenset(modes.STREET_CLASSES).union(
    ("construction", "proposed", "planned", "razed", "abandoned", "disused", "demolished", "dismantled", "no"),
    ("raceway", "escape", "emergency_bay", "rest_area", "services", "via_ferrata", "bus_guideway", "bridleway"),
    ("corridor", "elevator", "platform", "crossing", "road"),
)
_LEVELS = 9


class Said(NamedTuple):
    """What a layer's columns say.

    Attributes
    ----------
    tags
        `schema.STREET_TAGS`, each (lines,) texts.
    level
        (lines,) 0 on the ground, above it bridges, below it tunnels.
    unknown
        Class as written → how many lines bear it; they count as ordinary roads.
    """

    tags: dict[str, NDArray[np.object_]]
    level: NDArray[np.int64]
    unknown: dict[str, int]


@cache
def classes() -> Mapping[str, str]:
    """Return street classes as planners write them → OpenStreetMap's; reasons stand in the table.

    Examples
    --------
    >>> classes()["国道"], classes()["机耕路"]
    ('trunk', 'track')
    """
    text = resources.files("geo.data").joinpath("street_classes.csv").read_text(encoding="utf-8")
    return {row["name"]: row["highway"] for row in csv.DictReader(text.splitlines())}


def read(lines: pd.DataFrame) -> Said:
    """Return what the columns of a line layer say; a line without a class is an ordinary road.

    Parameters
    ----------
    lines
        Canonical columns of streets (`schema.STREET_TAGS`, `layer`), as far as there are any.

    Examples
    --------
    >>> said = read(pd.DataFrame({"highway": ["县道", "?"], "bridge": ["是", ""], "oneway": ["B", "F"]}))
    >>> said.tags["highway"].tolist(), said.level.tolist(), said.tags["oneway"].tolist(), said.unknown
    (['secondary', 'unclassified'], [1, 0], ['', 'yes'], {'?': 1})
    """
    words = {name: _words(lines, name) for name in (*schema.STREET_TAGS, "layer")}
    layer = words.pop("layer")
    unknown = _classed(words)
    words["oneway"] = _one_way(words["oneway"])
    for name in ("bridge", "tunnel"):
        words[name] = _mapped(words[name], lambda text: "" if text.casefold() in _NO else _yes(text))
    return Said(words, levels(words["bridge"], words["tunnel"], layer), unknown)


def levels(
    bridge: NDArray[np.object_], tunnel: NDArray[np.object_], layer: NDArray[np.object_] | None = None
) -> NDArray[np.int64]:
    """Return the level of lines: the stated one, else 1 for bridges and -1 for tunnels.

    Examples
    --------
    >>> text = lambda *words: np.array(words, dtype=object)
    >>> levels(text("yes", "", "yes"), text("", "yes", ""), text("", "", "2")).tolist()
    [1, -1, 2]
    """
    plain = np.where(~np.isin(bridge, ["", "no"]), 1, np.where(~np.isin(tunnel, ["", "no"]), -1, 0))
    if layer is None:
        return plain.astype(np.int64)
    stated = pd.to_numeric(pd.Series(layer), errors="coerce").to_numpy(dtype=np.float64)
    usable = np.isfinite(stated) & (np.abs(stated) <= _LEVELS) & (stated != 0)
    return np.where(usable, np.nan_to_num(stated), plain).astype(np.int64)


def _words(lines: pd.DataFrame, name: str) -> NDArray[np.object_]:
    if name not in lines.columns:
        return np.full(len(lines), "", dtype=object)
    column = lines[name].astype(object)
    return column.where(column.notna(), "").astype(str).str.strip().to_numpy(dtype=object)


def _mapped(words: NDArray[np.object_], meaning: Callable[[str], str]) -> NDArray[np.object_]:
    """Return the words through a function that looks at each different one once."""
    code, different = pd.factorize(words)
    means = np.array([meaning(text) for text in different], dtype=object)
    return means[code] if len(means) else words


def _yes(text: str) -> str:
    return "yes" if text.casefold() in {"1", "t", "y", "true", "是", "有", "桥", "桥梁", "隧道", "高架"} else text


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()


def _classed(words: dict[str, NDArray[np.object_]]) -> dict[str, int]:
    """Put OpenStreetMap's classes in place of the layer's own; return those not understood."""
    code, different = pd.factorize(words["highway"])
    known = classes()
    means, unknown = [], {}
    for number, text in enumerate(different):
        plain = _plain(text)
        found = known.get(plain, plain if plain in _KNOWN else "")
        if not found and plain:
            unknown[text] = int((code == number).sum())
        means.append(found or UNCLASSED)
    words["highway"] = np.array(means, dtype=object)[code] if means else words["highway"]
    return unknown


def _one_way(words: NDArray[np.object_]) -> NDArray[np.object_]:
    plain = {_plain(text) for text in pd.unique(words)}
    table = _ONE_WAY_FTB if "b" in plain and plain <= set(_ONE_WAY_FTB) else _ONE_WAY
    return _mapped(words, lambda text: table.get(_plain(text), text))

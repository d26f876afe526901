"""What do the columns of a drawn street layer say? Class, one-way and level in the words that OpenStreetMap uses."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from geo import modes, schema, street_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

UNCLASSED = "unclassified"
_NO = frozenset({"", "0", "f", "n", "no", "false", "否", "无", "非", "不是"})
# Geofabrik's shapefiles write F (along the line), T (against it) and B (both ways).
_ONE_WAY_FTB = {"f": "yes", "t": "-1", "b": "", "": ""}
# Those that say that a street is not there, or no more.
_SHUT = ("construction", "proposed", "planned", "razed", "abandoned", "disused", "demolished", "dismantled", "no")
# Classes of OpenStreetMap that no mode has a speed for; most are open to nobody.
_KNOWN = frozenset(modes.STREET_CLASSES).union(
    _SHUT,
    ("raceway", "escape", "emergency_bay", "rest_area", "services", "via_ferrata", "bus_guideway", "bridleway"),
    ("corridor", "elevator", "platform", "crossing", "road"),
)


class Said(NamedTuple):
    """What a layer's columns say.

    Attributes
    ----------
    tags
        `schema.STREET_TAGS`, each (lines,) texts.
    level
        (lines,) 0 on the ground, above it bridges, below it tunnels.
    unknown
        Column (highway, oneway, layer, status) → word as written → how many lines bear it. They count as ordinary
        roads, open both ways, on the ground, and built.
    shut
        Word that says that a street is planned, being built or given up → how many lines bear it; nobody uses them.
    """

    tags: dict[str, NDArray[np.object_]]
    level: NDArray[np.int64]
    unknown: dict[str, dict[str, int]]
    shut: dict[str, int]


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
        Canonical columns of streets (`schema.STREET_TAGS`, `layer`, `status`), as far as there are any.

    Examples
    --------
    >>> said = read(pd.DataFrame({"highway": ["县道", "?"], "layer": ["高架", ""], "oneway": ["逆向", "单向"]}))
    >>> said.tags["highway"].tolist(), said.level.tolist(), said.tags["oneway"].tolist(), said.unknown
    (['secondary', 'unclassified'], [1, 0], ['-1', 'yes'], {'highway': {'?': 1}})
    """
    words = {name: _words(lines, name) for name in (*schema.STREET_TAGS, "layer", "status")}
    layer, status = words.pop("layer"), words.pop("status")
    if not street_words.fits("level", layer):  # the layers of a drawing, say
        layer = np.full(len(lines), "", dtype=object)
    unknown: dict[str, dict[str, int]] = {}
    of_class = _levels_of(words["highway"])
    written = words["highway"]
    words["highway"], unknown["highway"] = _classed(written)
    words["oneway"], unknown["oneway"] = _one_way(words["oneway"])
    for name in ("bridge", "tunnel"):
        words[name] = _mapped(words[name], lambda text: "" if text.casefold() in _NO else _yes(text))
    layer, unknown["layer"] = _level_words(words, layer, of_class)
    built, unknown["status"] = _built(status)
    words["highway"] = np.where(built == "", words["highway"], built)
    shut = np.isin(words["highway"], _SHUT)
    said = np.where(built == "", written, status)
    level = levels(words["bridge"], words["tunnel"], layer)
    return Said(words, level, {name: found for name, found in unknown.items() if found}, _counted(said, shut))


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
    usable = np.isfinite(stated) & (np.abs(stated) <= street_words.MOST_LEVELS) & (stated != 0)
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


def _counted(words: NDArray[np.object_], which: NDArray[np.bool_]) -> dict[str, int]:
    """Return the words of some lines, each with how many bear it, in their order."""
    codes, different = pd.factorize(words[which])
    return dict(zip(map(str, different), np.bincount(codes, minlength=len(different)).tolist(), strict=True))


def _classed(written: NDArray[np.object_]) -> tuple[NDArray[np.object_], dict[str, int]]:
    """Return OpenStreetMap's classes in place of the layer's own, and those not understood."""
    known = classes()

    def found(text: str) -> str:
        plain = street_words.fold(text)
        return known.get(plain, plain if plain in _KNOWN else "")

    means = _mapped(written, found)
    return np.where(means == "", UNCLASSED, means), _counted(written, (means == "") & (written != ""))


def _one_way(words: NDArray[np.object_]) -> tuple[NDArray[np.object_], dict[str, int]]:
    """Return directions as OpenStreetMap writes them, and the words not understood, which count as both ways."""
    plain = {street_words.fold(text) for text in pd.unique(words)}
    known = street_words.meaning("oneway")
    table = _ONE_WAY_FTB if "b" in plain and plain <= set(_ONE_WAY_FTB) else known
    means = _mapped(words, lambda text: table.get(street_words.fold(text), "?"))
    return np.where(np.isin(means, ["?", "both"]), "", means), _counted(words, (means == "?") & (words != ""))


def _levels_of(words: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return bridge, tunnel, ground or "" for words that may say one of them."""
    known = street_words.meaning("level")
    return _mapped(words, lambda text: known.get(street_words.fold(text), ""))


def _level_words(
    words: dict[str, NDArray[np.object_]], layer: NDArray[np.object_], of_class: NDArray[np.object_]
) -> tuple[NDArray[np.object_], dict[str, int]]:
    """Return the numbers of a column of levels, and what in it is neither a number of levels nor a word for one.

    Words for a bridge or a tunnel there, and among the classes, go into the columns of bridges and tunnels.
    """
    numbers = pd.to_numeric(pd.Series(layer), errors="coerce").to_numpy(dtype=np.float64)
    means = _levels_of(layer)
    level = np.abs(numbers) <= street_words.MOST_LEVELS
    silent = (means == "") & ~(level & (numbers != 0))
    for name in ("bridge", "tunnel"):
        says = (words[name] == "") & ((means == name) | (silent & (of_class == name)))
        words[name] = np.where(says, "yes", words[name])
    unclear = ~level & (means == "") & (layer != "")
    return np.where(level, layer, ""), _counted(layer, unclear)


def _built(status: NDArray[np.object_]) -> tuple[NDArray[np.object_], dict[str, int]]:
    """Return the class of streets that are not built or given up, "" for all others; and the words not understood."""
    known = street_words.meaning("status")
    means = _mapped(status, lambda text: known.get(street_words.fold(text), "?"))
    return np.where(np.isin(means, _SHUT), means, ""), _counted(status, (means == "?") & (status != ""))

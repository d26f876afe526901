"""What may be used in real cities, and where osmnx differs."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import osmium
import pandas as pd
import pyproj
import pytest
from worlds import METRIC

from geo import access, modes, schema, streets
from geo.modes import BUILTIN

if TYPE_CHECKING:
    from pathlib import Path

    from geo.modes import Mode


PLACES = {
    "monaco": "monaco/monaco.osm.gz",
    "portoalegre": "portoalegre/poa_osm.pbf",
    "futian": "futian/futian_osmnx.graphml",
    "porto": "porto/porto.osm.pbf",
}


def pieces_of(shared: Path, place: str) -> pd.DataFrame:
    file = shared / "data" / PLACES[place]
    if not file.exists():
        pytest.skip(f"no {file.name}")
    read = streets.read_graphml if place == "futian" else streets.read_osm
    return read(file, crs=METRIC if place == "futian" else pyproj.CRS.from_epsg(3857))


def metres_used(pieces: pd.DataFrame, mode: Mode) -> tuple[float, float, float]:
    """Return of all street metres the share used; of that the shares used one way, and at the ends of journeys alone."""
    rules = access.rules(pieces, mode)
    metres = pieces["length_m"].to_numpy()
    used, one_way = rules.forward | rules.backward, rules.forward ^ rules.backward
    whole = metres[used].sum()
    return whole / metres.sum(), metres[one_way].sum() / whole, metres[rules.ends_only].sum() / whole


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_cities_are_walked_nearly_everywhere_and_driven_on_most_streets(shared: Path, place: str) -> None:
    pieces = pieces_of(shared, place)
    found = {name: metres_used(pieces, mode) for name, mode in BUILTIN.items()}
    assert found["walk"] == found["elder"]
    assert found["walk"][0] > 0.9
    assert found["walk"][1:] == (0, 0)
    for name in ("ebike", "drive"):
        share, one_way, ends = found[name]
        assert 0.7 < share < found["walk"][0] + 0.05  # Porto has motorways
        assert 0.1 < one_way < 0.7
        assert ends < 0.1
    assert found["ebike"][1] <= found["drive"][1] + 1e-9
    rules = access.rules(pieces, BUILTIN["drive"])
    used = rules.forward | rules.backward
    mean = np.average(rules.speed_kmh[used], weights=pieces["length_m"].to_numpy()[used])
    assert 20 < mean < 35
    assert rules.speed_kmh.max() <= modes.CAR_ATTAINED * modes.CAR_LIMIT_KMH


# Why a way is ours and not osmnx's, or osmnx's and not ours: every difference has one of these reasons.
OURS = {
    "walk": {"area=yes", "access=private", "highway=platform", "highway=cycleway"},
    "ebike": {"area=yes", "access=private", "highway=platform", "highway=footway"},
    "drive": {"area=yes", "access=private", "highway=track", "highway=pedestrian", "service=parking_aisle"},
}
THEIRS = {
    "walk": [("access", {"no"})],
    "ebike": [
        ("access", {"no", "agricultural"}),
        ("bicycle", {"use_sidepath"}),
        ("highway", {"pedestrian", "bridleway"}),
        ("vehicle", {"no"}),
    ],
    "drive": [("access", {"no", "agricultural"}), ("vehicle", {"no"}), ("highway", {"bus_stop"})],
}
NETWORKS = {"walk": "walk", "ebike": "bike", "drive": "drive_service"}


def ways_of(file: Path) -> pd.DataFrame:
    """Return the tags of all highways, by their keys and by our columns."""
    ways = osmium.FileProcessor(file, osmium.osm.WAY).with_filter(osmium.filter.KeyFilter("highway"))
    table = pd.DataFrame([{tag.k: tag.v for tag in way.tags} for way in ways]).fillna("")
    key = {name: schema.STREET_TAG_KEYS.get(name, name) for name in schema.STREET_TAGS}
    return table.assign(**{name: table.get(key[name], "") for name in key})


def excluded_by(table: pd.DataFrame, network: str) -> list[str]:
    """Return for each way the first tag for which osmnx's network type leaves it out; "" where it takes it."""
    from osmnx import _overpass  # noqa: PLC0415 - six seconds

    why = np.full(len(table), "", dtype=object)
    for key, pattern in re.findall(r'\["([^"]+)"!~"([^"]+)"\]', _overpass._get_network_filter(network)):
        if key in table:
            hit = table[key].str.contains(pattern).to_numpy() & (why == "")
            why[hit] = (f"{key}=" + table[key].to_numpy(dtype=object))[hit]
    return why.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("place", ["monaco", "portoalegre", "porto"])
def test_differences_from_osmnx_are_the_ones_that_are_meant(shared: Path, place: str) -> None:
    file = shared / "data" / PLACES[place]
    if not file.exists():
        pytest.skip(f"no {file.name}")
    table = ways_of(file)
    for name, network in NETWORKS.items():
        rules = access.rules(table, BUILTIN[name])
        ours, why = rules.forward | rules.backward, excluded_by(table, network)
        theirs = np.array([reason == "" for reason in why])
        assert (ours == theirs).mean() > 0.85
        assert {why[row] for row in np.flatnonzero(ours & ~theirs)} <= OURS[name]
        left = table[theirs & ~ours]
        told = np.logical_or.reduce([left[key].isin(words).to_numpy() for key, words in THEIRS[name]])
        assert Counter(left["highway"][~told]) == Counter()

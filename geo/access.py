"""Who may use which street piece, in which direction, how fast; which ends are shut, which turns are forbidden.

Tags are read as OpenStreetMap's routers read them; where these differ, `docs/modes.md` says what is done here. The
rules look at every combination of tags once, however many pieces bear it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from geo import modes, schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from geo.modes import Mode

    Words = dict[str, NDArray[np.object_]]
    Said = NDArray[np.bool_]

_NEVER = (
    *("construction", "proposed", "planned", "razed", "abandoned", "disused", "demolished", "dismantled", "no"),
    *("raceway", "escape", "emergency_bay", "rest_area", "services", "via_ferrata"),
)
_MOTORWAY = ("motorway", "motorway_link")
_BUS_ONLY = ("busway", "bus_guideway")
_CAR_IF_STATED = ("track", "pedestrian")
_CLOSED, _ENDS, _STATED = schema.ACCESS_CLOSED, schema.ACCESS_ENDS, schema.ACCESS_STATED
_FORWARD = ("yes", "1", "true", "forward")
_REVERSE = ("-1", "reverse", "backward")
_BOTH = ("no", "0", "false", "alternating")
_RINGS = ("roundabout", "circular")
_OPPOSITE = ("opposite", "opposite_lane", "opposite_track", "opposite_share_busway")
_SIDES = ("cycleway", "cycleway_left", "cycleway_right")
_SIDES_ONEWAY = ("cycleway_left_oneway", "cycleway_right_oneway")

_READS = {
    "foot": ("highway", "route", "motorroad", "foot", "access"),
    "bicycle": (
        *("highway", "route", "motorroad", "bicycle", "vehicle", "access"),
        *("oneway", "oneway_bicycle", "junction", *_SIDES, *_SIDES_ONEWAY),
    ),
    "car": (
        *("highway", "route", "motorcar", "motor_vehicle", "vehicle", "access"),
        *("oneway", "junction", "service", "maxspeed"),
    ),
}
_CODES_MAX = 2**62

_KMH_OF_ZONE = {"urban": 50.0, "rural": 70.0, "trunk": 100.0, "motorway": 120.0, "living_street": 10.0, "walk": 5.0}
_KMH_A_MILE = 1.609344
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|mp/h)?")
_ZONE = re.compile(r"(?:[a-z]{2}:)?(?:([a-z_]+)|zone:?(\d+)|(\d+))")


class Rules(NamedTuple):
    """What a mode may do on each street piece; four (pieces,) arrays.

    Attributes
    ----------
    forward, backward
        Whether it may go from the start to the end of the piece, and back.
    ends_only
        Whether it may use the piece only among the first or the last of a journey (private, destination).
    speed_kmh
        Speed on the flat; positive and finite also where the piece may not be used.
    """

    forward: NDArray[np.bool_]
    backward: NDArray[np.bool_]
    ends_only: NDArray[np.bool_]
    speed_kmh: NDArray[np.float64]


class Turns(NamedTuple):
    """Forbidden turns, one an entry; four (turns,) arrays.

    Attributes
    ----------
    from_piece
        Row of the piece that is left,
    from_end
        at its end node (True) or its start node (False).
    to_piece
        Row of the piece that may not be entered then,
    to_start
        at its start node (True) or its end node (False).
    """

    from_piece: NDArray[np.int64]
    from_end: NDArray[np.bool_]
    to_piece: NDArray[np.int64]
    to_start: NDArray[np.bool_]


def rules(pieces: pd.DataFrame, mode: Mode) -> Rules:
    """Say which pieces a mode may use, in which direction, and how fast.

    Parameters
    ----------
    pieces
        `schema.STREETS`; of its tags those that the mode's access reads. Missing values and "" are silence.
    mode
        Way of moving.

    Returns
    -------
    Four (pieces,) arrays, see :class:`Rules`.

    Examples
    --------
    >>> tags = dict.fromkeys(["route", "motorroad", "foot"], ["", ""])
    >>> table = pd.DataFrame({"highway": ["trunk", "motorway"], "access": ["private", ""], **tags})
    >>> rules(table, modes.BUILTIN["walk"]).forward.tolist()
    [True, False]
    """
    kind, words = _kinds(pieces, _READS[mode.access])
    by = {"foot": _on_foot, "bicycle": _by_bicycle, "car": _by_car}[mode.access](words, mode)
    usable = by.forward | by.backward
    return Rules(by.forward[kind], by.backward[kind], (by.ends_only & usable)[kind], by.speed_kmh[kind])


def _kinds(pieces: pd.DataFrame, names: Iterable[str]) -> tuple[NDArray[np.intp], Words]:
    """Return for each piece the number of its combination of tags, and the words of each combination."""
    kind = np.zeros(len(pieces), dtype=np.int64)
    count = 1
    for name in names:
        code, values = pd.factorize(pieces[name])
        if len(values) < 2 and (code >= 0).all():  # noqa: PLR2004 - all say the same
            continue
        if count * (len(values) + 1) > _CODES_MAX // (len(values) + 1):
            kind, seen = pd.factorize(kind)
            count = len(seen)
        kind = kind * (len(values) + 1) + (code + 1)
        count *= len(values) + 1
    numbered, seen = pd.factorize(kind)
    example = np.zeros(len(seen), dtype=np.int64)
    example[numbered[::-1]] = np.arange(len(pieces))[::-1]
    return numbered, {name: _words(pieces[name].iloc[example], name) for name in names}


def _words(values: pd.Series[str], name: str) -> NDArray[np.object_]:
    """Return tag values in small letters; of a list the first, apart from speeds."""
    text = values.astype(object).where(values.notna(), "").astype(str)
    if name != "maxspeed":
        text = text.str.split(";", n=1).str[0]
    return np.asarray(text.str.strip().str.lower().to_numpy(), dtype=object)


def _is(words: NDArray[np.object_], accepted: Iterable[str]) -> Said:
    return np.asarray(pd.Series(words, dtype=object).isin(list(accepted)).to_numpy(), dtype=bool)


def _first(*tags: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the first word that is said: the most specific tag rules."""
    said = tags[-1]
    for words in tags[-2::-1]:
        said = np.where(words != "", words, said)
    return np.asarray(said, dtype=object)


def _class_open(words: Words, mode: Mode, by_default: Said) -> Said:
    """Return whether the class is open: by the mode's own list where it has one. Ferries and ruins never are."""
    street = words["highway"]
    own = _is(street, mode.classes) if mode.classes else by_default
    return own & ~_is(street, _NEVER) & ~_is(words["route"], ("ferry",))


def _on_foot(words: Words, mode: Mode) -> Rules:
    street, foot = words["highway"], words["foot"]
    stated = _is(foot, _STATED) & (foot != "private")
    by_default = ~_is(street, _MOTORWAY) & (~_is(street, _BUS_ONLY) | stated)
    closed = _is(foot, ("no", "none", "private")) | (_is(words["access"], ("no", "none", "military")) & ~stated)
    usable = _class_open(words, mode, by_default) & ~closed & (words["motorroad"] != "yes")
    return Rules(usable, usable, np.zeros(len(street), dtype=bool), np.full(len(street), mode.speed_kmh))


def _by_bicycle(words: Words, mode: Mode) -> Rules:
    street, own = words["highway"], words["bicycle"]
    pushed = own == "dismount"
    stated = _is(own, _STATED) | pushed
    # A cycle way is made for bicycles, so that what is said of vehicles in general does not close it.
    vehicle = np.where(street == "cycleway", "", words["vehicle"])
    said = _first(own, vehicle, words["access"])
    foot_way = _is(street, (*modes.FOOT_CLASSES, *_BUS_ONLY))
    by_default = ~_is(street, (*_MOTORWAY, "steps")) & (~foot_way | stated)
    usable = _class_open(words, mode, by_default) & ~_is(said, _CLOSED) & (words["motorroad"] != "yes")
    along, against = _bicycle_directions(words)
    speed = np.full(len(street), mode.speed_kmh)
    speed[pushed] = np.minimum(speed[pushed], mode.access_kmh)
    return Rules(usable & (along | pushed), usable & (against | pushed), _is(said, _ENDS), speed)


def _by_car(words: Words, mode: Mode) -> Rules:
    street, own = words["highway"], _first(words["motorcar"], words["motor_vehicle"])
    said = _first(own, words["vehicle"], words["access"])
    by_default = _is(street, modes.CAR_KMH) | (_is(street, _CAR_IF_STATED) & _is(own, _STATED))
    closed = _is(said, _CLOSED) | (words["service"] == "emergency_access") | (words["oneway"] == "reversible")
    usable = _class_open(words, mode, by_default) & ~closed
    along, against = _directions(words)
    speed = np.full(len(street), mode.speed_kmh) if mode.speed_kmh is not None else _car_kmh(words)
    return Rules(usable & along, usable & against, _is(said, _ENDS), speed)


def _directions(words: Words) -> tuple[Said, Said]:
    """Return whether one-way rules let vehicles go along and against each piece."""
    said = words["oneway"]
    ring = _is(words["junction"], _RINGS) | _is(words["highway"], _MOTORWAY)
    reverse = _is(said, _REVERSE)
    along_only = _is(said, _FORWARD) | (ring & ~reverse & ~_is(said, _BOTH))
    return ~reverse, ~along_only


def _bicycle_directions(words: Words) -> tuple[Said, Said]:
    """Return the same for bicycles, which have exceptions of their own."""
    own = words["oneway_bicycle"]
    along, against = _directions(words)
    if_silent = np.logical_or.reduce(
        [_is(words[name], _OPPOSITE) for name in _SIDES] + [_is(words[name], ("no", "-1")) for name in _SIDES_ONEWAY]
    )
    free = _is(own, _BOTH) | (if_silent & (own == ""))
    bound = _is(own, (*_FORWARD, *_REVERSE))
    along = np.where(bound, ~_is(own, _REVERSE), along | free)
    against = np.where(bound, ~_is(own, _FORWARD), against | free)
    return along, against


def _car_kmh(words: Words) -> NDArray[np.float64]:
    """Return what a car attains: a share of the limit where one is said, else by class."""
    street = words["highway"]
    by_class = pd.Series(street, dtype=object).map(modes.CAR_KMH).fillna(modes.CAR_KMH_OTHER).to_numpy(dtype=np.float64)
    yard = _is(words["service"], modes.CAR_YARDS)
    by_class = np.where(yard, np.minimum(by_class, modes.CAR_KMH_YARD), by_class)
    limit = np.array([limit_kmh(text) for text in words["maxspeed"]], dtype=np.float64)
    attained = modes.CAR_ATTAINED * np.minimum(limit, modes.CAR_LIMIT_KMH)
    slow = yard | ~_is(street, modes.CAR_KMH) | _is(street, ("service", "living_street"))
    attained = np.where(slow, np.minimum(attained, by_class), attained)
    return np.asarray(np.where(np.isnan(limit), by_class, attained), dtype=np.float64)


def limit_kmh(text: str) -> float:
    """Return a speed limit in km/h; of several the lowest; NaN where none can be read.

    Parameters
    ----------
    text
        OpenStreetMap's `maxspeed`: km/h, miles (`30 mph`), several (`50;60`, `80|60`), a zone (`CN:urban`, `DE:zone:30`),
        `walk`, or `none`, which counts as :data:`geo.modes.CAR_LIMIT_KMH`.

    Examples
    --------
    >>> [limit_kmh(text) for text in ("50", "30 mph", "60;40", "CN:urban", "FR:zone30", "none", "signals", "0")]
    [50.0, 48.28032, 40.0, 50.0, 30.0, 120.0, nan, nan]
    """
    parts = [_one_limit_kmh(part.strip()) for part in re.split(r"[;|,]", text.lower())]
    known = [kmh for kmh in parts if kmh > 0]
    return min(known) if known else np.nan


def _one_limit_kmh(text: str) -> float:
    if text == "none":
        return modes.CAR_LIMIT_KMH
    if number := _NUMBER.fullmatch(text):
        return float(number[1]) * (_KMH_A_MILE if number[2] in ("mph", "mp/h") else 1.0)
    if zone := _ZONE.fullmatch(text):
        name, *numbers = zone.groups()
        return _KMH_OF_ZONE.get(name, np.nan) if name else float(numbers[0] or numbers[1])
    return np.nan


def shut(pieces: pd.DataFrame, mode: Mode) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which ends of pieces a mode cannot pass: nobody goes on from there, or comes from there.

    Parameters
    ----------
    pieces
        `schema.STREETS`; of it `schema.STREET_SHUT`. Missing values and "" are silence.
    mode
        Way of moving.

    Returns
    -------
    Two (pieces,) arrays: of start nodes, and of end nodes.

    Examples
    --------
    >>> table = pd.DataFrame({"shut_start": ["", "car"], "shut_end": ["bicycle;car", None]})
    >>> [array.tolist() for array in shut(table, modes.BUILTIN["ebike"])]
    [[False, False], [True, False]]
    """
    start, end = (_names(pieces[name], mode.access) for name in schema.STREET_SHUT)
    return start, end


def _names(texts: pd.Series[str], access: str) -> NDArray[np.bool_]:
    found = np.zeros(len(texts), dtype=bool)
    rows = np.flatnonzero((texts.notna() & (texts != "")).to_numpy())
    found[rows] = [access in {name.strip() for name in text.split(";")} for text in texts.iloc[rows].astype(str)]
    return found


def turns(pieces: pd.DataFrame, mode: Mode) -> Turns:
    """Return the turns that a mode may not make.

    Only cars are bound. A way that is named may have two pieces at the node (it passes through, or begins and ends
    there): entering either is forbidden. The piece's own way means the turn back into the piece itself.

    Parameters
    ----------
    pieces
        `schema.STREETS`: `way`, `start_node`, `end_node` and `schema.STREET_TURNS`.
    mode
        Way of moving.

    Returns
    -------
    Four (turns,) arrays, see :class:`Turns`, by `from_piece`; names of ways that do not meet the node are left out.

    Examples
    --------
    >>> crossing = {"way": [7, 8], "start_node": [0, 1], "end_node": [1, 2]}
    >>> table = pd.DataFrame({**crossing, "no_turn_start": ["", ""], "no_turn_end": ["8", ""]})
    >>> [array.tolist() for array in turns(table, modes.BUILTIN["drive"])]
    [[0], [True], [1], [True]]
    """
    if mode.access != "car":
        none = np.zeros(0, dtype=np.int64)
        return Turns(none, none.astype(bool), none, none.astype(bool))
    ways = pieces["way"].to_numpy()
    named = pd.concat([_named(pieces, end=False), _named(pieces, end=True)], ignore_index=True)
    named = _with_ways(named, ways)
    met = _meeting(pieces, named["way"].to_numpy())
    found = named.merge(met, on=["way", "node"]).sort_values(["from_piece", "from_end", "to_piece", "to_start"])
    # The own way is the turn back: into this piece, by the end at which it was left.
    back = found["way"].to_numpy() == ways[found["from_piece"].to_numpy()]
    same = (found["from_piece"] == found["to_piece"]) & (found["from_end"] != found["to_start"])
    found = found[~back | same.to_numpy()].drop_duplicates()
    return Turns(
        found["from_piece"].to_numpy(dtype=np.int64),
        found["from_end"].to_numpy(dtype=bool),
        found["to_piece"].to_numpy(dtype=np.int64),
        found["to_start"].to_numpy(dtype=bool),
    )


def _named(pieces: pd.DataFrame, *, end: bool) -> pd.DataFrame:
    """Return a row for each way that may not be entered on leaving a piece at one of its ends."""
    texts = pieces["no_turn_end" if end else "no_turn_start"]
    rows = np.flatnonzero((texts.notna() & (texts != "")).to_numpy())
    listed = texts.iloc[rows].astype(str).str.split(";").to_numpy()
    count = np.array([len(ways) for ways in listed], dtype=np.int64)
    node = pieces["end_node" if end else "start_node"].to_numpy()[rows]
    return pd.DataFrame(
        {
            "way": np.concatenate([*listed, np.zeros(0, dtype=object)]),
            "node": np.repeat(node, count),
            "from_piece": np.repeat(rows, count),
            "from_end": np.full(int(count.sum()), end),
        }
    )


def _with_ways(named: pd.DataFrame, ways: NDArray[np.generic]) -> pd.DataFrame:
    """Return the rows whose text is the number of a way, written as the pieces write theirs."""
    texts = named["way"].str.strip()
    if np.issubdtype(ways.dtype, np.integer):
        numbers = pd.to_numeric(texts, errors="coerce")
        return named.assign(way=numbers)[numbers.notna().to_numpy()].astype({"way": np.int64})
    return named.assign(way=texts)[(texts != "").to_numpy()]


def _meeting(pieces: pd.DataFrame, wanted: NDArray[np.generic]) -> pd.DataFrame:
    """Return where the pieces of the wanted ways can be entered."""
    rows = np.flatnonzero(pieces["way"].isin(pd.unique(wanted)).to_numpy())
    few = pieces[["way", "start_node", "end_node"]].iloc[rows]
    ends = [few["start_node"].to_numpy(), few["end_node"].to_numpy()]
    return pd.DataFrame(
        {
            "way": np.tile(few["way"].to_numpy(), 2),
            "node": np.concatenate(ends),
            "to_piece": np.tile(rows, 2),
            "to_start": np.repeat([True, False], len(rows)),
        }
    )

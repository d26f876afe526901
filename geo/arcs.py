"""Over which nodes and arcs a search runs, so that turns and private streets are honoured.

Most junctions are one search node. Where it matters which street one comes from, a junction has more:

- Streets that may only be the first or the last of a journey (private ways, destination traffic) touch a
  *before* and an *after* copy of their junctions: they join before to before and after to after, and zero
  arcs lead before → through → after, never back.
- Where a turn is forbidden, whoever arrives by the street concerned arrives at a node of its own, and the
  street that may not be entered is left from a node of its own; zero arcs join all pairs but the forbidden.

A journey that starts on a street begins where the street *arrives*; one that ends on it comes from where
the street is *left*. One that starts or ends at the junction itself has made no turn: it begins at a node from
which every street may be taken, and ends at one that every street reaches. On foot all of these are the
junctions themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.access import Turns

THROUGH, BEFORE, AFTER = 0, 1, 2
_NEXT = {(BEFORE, BEFORE), (BEFORE, THROUGH), (BEFORE, AFTER), (THROUGH, THROUGH), (THROUGH, AFTER), (AFTER, AFTER)}
_SHARED = -1


class Arcs(NamedTuple):
    """The graph of a search.

    Attributes
    ----------
    leave_start, leave_end
        (edges,) search node from which an edge is entered going forward, and going backward.
    arrive_start, arrive_end
        (edges,) search node reached going backward, and going forward.
    begin, finish
        (junctions,) search node of a journey that begins, and of one that ends, at the junction itself.
    tail, head, minutes
        (arcs,) from where, to where, how long.
    home
        (search nodes,) junction that each search node stands at; the first are the junctions themselves.
    """

    leave_start: NDArray[np.int64]
    leave_end: NDArray[np.int64]
    arrive_start: NDArray[np.int64]
    arrive_end: NDArray[np.int64]
    begin: NDArray[np.int64]
    finish: NDArray[np.int64]
    tail: NDArray[np.int64]
    head: NDArray[np.int64]
    minutes: NDArray[np.float64]
    home: NDArray[np.int64]


def lay(
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    forward: NDArray[np.float64],
    backward: NDArray[np.float64],
    *,
    node_count: int,
    ends_only: NDArray[np.bool_] | None = None,
    turns: Turns | None = None,
) -> Arcs:
    """Return the arcs of a network.

    Parameters
    ----------
    start, end
        (edges,) junctions.
    forward, backward
        (edges,) minutes; `inf` where that way is not allowed.
    node_count
        Number of junctions.
    ends_only
        (edges,) whether an edge may only be among the first or the last of a journey.
    turns
        Forbidden turns between edges (their `from_piece` and `to_piece` are edge numbers).
    """
    private = np.zeros(len(start), dtype=bool) if ends_only is None else ends_only
    special = private.any() or (turns is not None and len(turns.from_piece) > 0)
    if not special:
        tail, head = np.concatenate([start, end]), np.concatenate([end, start])
        both = np.concatenate([forward, backward])
        own = np.arange(node_count)
        return Arcs(start, end, start, end, own, own, tail, head, both, own)
    return _with_copies(_traversals(start, end, forward, backward, private), node_count, private, turns)


def _traversals(
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    forward: NDArray[np.float64],
    backward: NDArray[np.float64],
    private: NDArray[np.bool_],
) -> pd.DataFrame:
    """Return a row per edge, direction and layer: from which junction, to which, how long."""
    edge = np.arange(len(start))
    ways = [
        pd.DataFrame({"edge": edge, "ahead": True, "tail": start, "head": end, "minutes": forward}),
        pd.DataFrame({"edge": edge, "ahead": False, "tail": end, "head": start, "minutes": backward}),
    ]
    both = pd.concat(ways, ignore_index=True)
    mine = private[both["edge"].to_numpy()]
    layers = [both[~mine].assign(layer=THROUGH), both[mine].assign(layer=BEFORE), both[mine].assign(layer=AFTER)]
    return pd.DataFrame(pd.concat(layers, ignore_index=True))


def _with_copies(ways: pd.DataFrame, node_count: int, private: NDArray[np.bool_], turns: Turns | None) -> Arcs:
    """Give arrivals and departures their search nodes, and join them where one may go on."""
    ways["leaves_by"], ways["enters_by"] = _restricted(ways, turns)
    # A junction with a forbidden turn is told apart by street, on the side that the turn concerns.
    via = np.zeros(node_count, dtype=bool)
    via[ways.loc[ways["leaves_by"] != _SHARED, "head"]] = True
    layered = np.zeros(node_count, dtype=bool)
    layered[ways.loc[ways["layer"] != THROUGH, ["tail", "head"]].to_numpy().ravel()] = True
    place = np.arange(node_count)
    begin = pd.DataFrame({"node": place, "layer": np.where(layered, BEFORE, THROUGH), "by": _SHARED, "side": 0})
    finish = pd.DataFrame({"node": place, "layer": np.where(layered, AFTER, THROUGH), "by": _SHARED, "side": 1})
    slots = pd.concat(
        [_slots(ways, "head", "leaves_by", via, 0), begin, _slots(ways, "tail", "enters_by", via, 1), finish],
        ignore_index=True,
    )
    # Where no turn is forbidden, arriving and leaving are one node a layer.
    slots.loc[~via[slots["node"].to_numpy()], "side"] = 0
    slots["number"], home = _numbered(slots, node_count)
    cut = len(ways) + node_count
    arrive, leave = slots.iloc[:cut], slots.iloc[cut:]
    number = slots["number"].to_numpy()
    return _assembled(
        ways,
        private,
        tail=number[cut : cut + len(ways)],
        head=number[: len(ways)],
        begin=number[len(ways) : cut],
        finish=number[cut + len(ways) :],
        home=home,
        joints=_joints(arrive, leave, layered | via, turns),
    )


def _numbered(slots: pd.DataFrame, node_count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the search node of each slot, and the junction of each search node; the plain ones come first."""
    own = slots[["node", "layer", "by", "side"]]
    plain = ((own["layer"] == THROUGH) & (own["by"] == _SHARED) & (own["side"] == 0)).to_numpy()
    number = own["node"].to_numpy(dtype=np.int64).copy()
    copies = own[~plain]
    unique = copies.drop_duplicates().sort_values(list(own.columns)).reset_index(drop=True)
    merged = copies.merge(unique.assign(number=node_count + np.arange(len(unique))), how="left", on=list(own.columns))
    number[~plain] = merged["number"].to_numpy()
    return number, np.concatenate([np.arange(node_count), unique["node"].to_numpy(dtype=np.int64)])


def _restricted(ways: pd.DataFrame, turns: Turns | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, per traversal, its own number where a forbidden turn leaves it, and where one enters it; else -1."""
    leaves, enters = np.full(len(ways), _SHARED), np.full(len(ways), _SHARED)
    if turns is None or not len(turns.from_piece):
        return leaves, enters
    key = ways["edge"].to_numpy() * 2 + ways["ahead"].to_numpy()
    out = turns.from_piece * 2 + turns.from_end
    into = turns.to_piece * 2 + turns.to_start
    return np.where(np.isin(key, out), key, _SHARED), np.where(np.isin(key, into), key, _SHARED)


def _slots(ways: pd.DataFrame, end: str, by: str, via: NDArray[np.bool_], side: int) -> pd.DataFrame:
    node = ways[end].to_numpy()
    told = np.where(via[node], ways[by].to_numpy(), _SHARED)
    return pd.DataFrame({"node": node, "layer": ways["layer"].to_numpy(), "by": told, "side": side})


def _joints(arrive: pd.DataFrame, leave: pd.DataFrame, here: NDArray[np.bool_], turns: Turns | None) -> pd.DataFrame:
    """Return the zero arcs: whom an arrival may follow on with, at the same junction."""
    columns = ["node", "layer", "by", "number"]
    first = arrive.loc[here[arrive["node"].to_numpy()], columns].drop_duplicates()
    second = leave.loc[here[leave["node"].to_numpy()], columns].drop_duplicates()
    pairs = first.merge(second, on="node", suffixes=("", "_next"))
    pairs = pairs[pairs["number"] != pairs["number_next"]]
    pairs = pairs[pd.MultiIndex.from_arrays([pairs["layer"], pairs["layer_next"]]).isin(list(_NEXT))]
    if turns is not None and len(turns.from_piece):
        banned = list(zip(turns.from_piece * 2 + turns.from_end, turns.to_piece * 2 + turns.to_start, strict=True))
        pairs = pairs[~pd.MultiIndex.from_arrays([pairs["by"], pairs["by_next"]]).isin(banned)]
    return pd.DataFrame(pairs)


def _assembled(
    ways: pd.DataFrame,
    private: NDArray[np.bool_],
    *,
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    begin: NDArray[np.int64],
    finish: NDArray[np.int64],
    home: NDArray[np.int64],
    joints: pd.DataFrame,
) -> Arcs:
    """Return the arcs; a journey begins on the *before* and ends on the *after* side of a private street."""
    ends: dict[tuple[bool, str], NDArray[np.int64]] = {}
    edge, layer, ahead = (ways[name].to_numpy() for name in ("edge", "layer", "ahead"))
    for way in (True, False):
        for what, numbers, side in (("leave", tail, AFTER), ("arrive", head, BEFORE)):
            mine = (ahead == way) & ((layer == THROUGH) | (layer == side))
            ends[way, what] = np.empty(len(private), dtype=np.int64)
            ends[way, what][edge[mine]] = numbers[mine]
    joined = joints["number"].to_numpy(dtype=np.int64), joints["number_next"].to_numpy(dtype=np.int64)
    return Arcs(
        leave_start=ends[True, "leave"],
        leave_end=ends[False, "leave"],
        arrive_start=ends[False, "arrive"],
        arrive_end=ends[True, "arrive"],
        begin=begin,
        finish=finish,
        tail=np.concatenate([tail, joined[0]]),
        head=np.concatenate([head, joined[1]]),
        minutes=np.concatenate([ways["minutes"].to_numpy(dtype=np.float64), np.zeros(len(joints))]),
        home=home,
    )

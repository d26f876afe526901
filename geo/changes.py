"""What changed between two periods of the inputs and of the way of measuring, which must not be told as progress."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from geo.messages import Message, subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

# What of a service decides who is served; the rest (bands, further rings, the text behind it) goes with it and is
# named only where it changed alone.
_DECIDES = ("mode", "limit", "demand", "direction", "delay_minutes")
_NAMED = ("minutes", "also", "basis", "status")
_OF_MODE = ("speed_kmh", "access_kmh", "streets", "classes", "slope")
MOST_NAMES = 8  # of service points that are named where more came or went


class Changes(NamedTuple):
    """What changed, in words, and for which services nothing can be told as progress.

    Attributes
    ----------
    told
        Parameters first, then inputs.
    services
        Codes of the services that are measured otherwise than before, or in one period only.
    """

    told: tuple[Message, ...]
    services: frozenset[str]


def between(before: Mapping[str, Any], now: Mapping[str, Any]) -> Changes:
    """Return what changed between two summaries (content of `summary.json`, or what becomes it).

    Everything that decides who is served is compared: of each service its mode, limit, groups, direction
    and delay; of each mode its speeds and streets; the cap of access legs, when a unit is judged, the
    heights; and every input file by its sha256 and coordinate system.

    Examples
    --------
    >>> study = {"id": "a", "period": "2026Q3"}
    >>> rest = {"study": study, "inputs": [], "crs": "EPSG:4548"}
    >>> before = {**rest, "parameters": {"services": {"hall": {"mode": "walk", "limit": 15.0}}}}
    >>> now = {**rest, "parameters": {"services": {"hall": {"mode": "walk", "limit": 20.0}}}}
    >>> between(before, now).services
    frozenset({'hall'})
    """
    old, new = _plain(before), _plain(now)
    told: list[Message] = []
    told += _of_study(old, new)
    services, said = _of_services(old, new)
    told += said
    modes, said = _of_modes(old, new)
    told += said
    everywhere, said = _of_all(old, new)
    told += said
    heights, said = _of_inputs(old, new)
    told += said
    used = new["parameters"].get("services", {})
    slopes = {name for name, mode in new["parameters"].get("modes", {}).items() if mode.get("slope") and heights}
    touched = {code for code, found in used.items() if everywhere or found.get("mode") in modes | slopes}
    return Changes(tuple(told), frozenset(services | touched))


def of_points(before: pd.DataFrame, now: pd.DataFrame, *summaries: Mapping[str, Any]) -> tuple[Message, ...]:
    """Return, by service, which service points count now and did not before, and which no longer do.

    Parameters
    ----------
    before, now
        Service points with `id`, `name`, `type` and `counted`. Two of one type and name (of one id, where there is no
        name) are the same, wherever they stand in the table or on the ground.
    summaries
        Content of `summary.json`, the latest first, for the names of services.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"id": ["a", "b"], "name": ["East", ""], "type": "hall", "counted": True})
    >>> [message.text("en") for message in of_points(points, points.assign(counted=[False, True]))]
    ['hall: 1 (East) no longer count']
    """
    old, new = _counted(before), _counted(now)
    told = []
    for service in dict.fromkeys([*new, *old]):
        come, gone = (_listed(*pair) for pair in ((new, old, service), (old, new, service)))
        key = "changes.points" if come and gone else "changes.points_come" if come else "changes.points_gone"
        if come or gone:
            values = {
                "service": _name(service, *(_plain(summary) for summary in summaries)),
                "come": come,
                "gone": gone,
            }
            told.append(Message(key, values))
    return tuple(told)


def _counted(points: pd.DataFrame) -> dict[str, Counter[str]]:
    """Return type → how often each name counts."""
    mine = points[points["counted"].astype(bool)]
    names = mine["name"].fillna("").astype(str).str.strip()
    names = names.mask(names == "", mine["id"].astype(str))
    return {str(kind): Counter(part.tolist()) for kind, part in names.groupby(mine["type"], sort=False)}


def _listed(these: dict[str, Counter[str]], those: dict[str, Counter[str]], service: str) -> Message | None:
    """Return how many of a service are only here, and their first names in order."""
    only = sorted((these.get(service, Counter()) - those.get(service, Counter())).elements())
    if not only:
        return None
    names = ", ".join(only[:MOST_NAMES])
    key = "changes.names_more" if len(only) > MOST_NAMES else "changes.names"
    return Message(key, {"count": len(only), "names": names})


def _plain(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a summary is compared, in the types that JSON has."""
    wanted = {name: summary.get(name) for name in ("study", "inputs", "parameters", "crs", "versions", "services")}
    found: dict[str, Any] = json.loads(json.dumps(wanted, default=str))
    return found


def _shown(value: object) -> str:
    """Return a parameter as it is written for people."""
    if value is None or value == "":
        return "—"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, dict):
        return " ".join(_shown(item) for item in value.values())
    return str(value)


def _name(code: str, *summaries: dict[str, Any]) -> Message:
    """Return what a service is called in the latest summary that names it."""
    for summary in summaries:
        found = (summary.get("services") or {}).get(code)
        if found:
            return Message("run.service_name", {"zh": found["label"], "en": found["label_en"]})
    return Message("run.service_name", {"zh": code, "en": code})


def _what(name: str) -> Message | str:
    return Message(f"changes.what_{name}") if f"what_{name}" in subject("changes") else name


def _unequal(old: Mapping[str, Any], new: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Give name, value before and value now of each parameter that is not the same."""
    for name in names:
        if old.get(name) != new.get(name):
            yield name, _shown(old.get(name)), _shown(new.get(name))


def _of_study(old: dict[str, Any], new: dict[str, Any]) -> list[Message]:
    told = []
    first, second = old["study"], new["study"]
    if first.get("id") != second.get("id"):
        told.append(Message("changes.study", {"before": first.get("id"), "now": second.get("id")}))
    if first.get("period") == second.get("period"):
        told.append(Message("changes.same_period", {"period": second.get("period")}))
    return told


def _of_services(old: dict[str, Any], new: dict[str, Any]) -> tuple[set[str], list[Message]]:
    """Return services that are not measured as they were, and every parameter of a service that changed."""
    first, second = (summary["parameters"].get("services", {}) for summary in (old, new))
    touched, told = set(), []
    for code in dict.fromkeys([*second, *first]):
        name = _name(code, new, old)
        if code not in first or code not in second:
            touched.add(code)
            told.append(
                Message("changes.service_added" if code in second else "changes.service_left", {"service": name})
            )
            continue
        decided = [*_unequal(first[code], second[code], _DECIDES)]
        touched |= {code} if decided else set()
        told += [
            Message("changes.service", {"service": name, "what": _what(what), "before": before, "now": now})
            for what, before, now in decided or _unequal(first[code], second[code], _NAMED)
        ]
    return touched, told


def _of_modes(old: dict[str, Any], new: dict[str, Any]) -> tuple[set[str], list[Message]]:
    first, second = (summary["parameters"].get("modes", {}) for summary in (old, new))
    touched, told = set(), []
    for mode in [mode for mode in second if mode in first]:
        for what, before, now in _unequal(first[mode], second[mode], _OF_MODE):
            touched.add(mode)
            called = Message(f"word.{mode}") if mode in subject("word") else mode
            told.append(Message("changes.mode", {"mode": called, "what": _what(what), "before": before, "now": now}))
    return touched, told


def _of_all(old: dict[str, Any], new: dict[str, Any]) -> tuple[bool, list[Message]]:
    """Return whether something changed that touches every service, and what."""
    first, second = old["parameters"], new["parameters"]
    deciding = [*_unequal(first, second, ("cap_m",))]
    deciding += [*_unequal(first.get("adequacy") or {}, second.get("adequacy") or {}, _keys(first, second, "adequacy"))]
    named = [*_unequal(first, second, ("pass_line",)), *_unequal(old, new, ("crs",))]
    named += [*_unequal(old.get("versions") or {}, new.get("versions") or {}, ("geo",))]
    told = [
        Message("changes.parameter", {"what": _what(what), "before": before, "now": now})
        for what, before, now in (*deciding, *named)
    ]
    return bool(deciding), told


def _keys(first: dict[str, Any], second: dict[str, Any], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(first.get(name) or {}), *(second.get(name) or {})]))


def _of_inputs(old: dict[str, Any], new: dict[str, Any]) -> tuple[bool, list[Message]]:
    """Return whether the heights changed, and which input files did: by content, not by name."""
    told, heights = [], False
    first, second = (_by_layer(summary["inputs"]) for summary in (old, new))
    for layer in dict.fromkeys([*second, *first]):
        was, found = first.get(layer, []), second.get(layer, [])
        if sorted(map(_content, was)) == sorted(map(_content, found)):
            continue
        heights = heights or layer == "terrain"
        called = Message(f"cli.layer_{layer}") if f"layer_{layer}" in subject("cli") else layer
        key = "changes.input" if was and found else "changes.input_added" if found else "changes.input_left"
        values = {"layer": called, "before": _files(was), "now": _files(found)}
        told.append(Message(key, values))
    return heights, told


def _by_layer(inputs: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for item in inputs:
        found.setdefault(str(item.get("layer")), []).append(item)
    return found


def _content(item: dict[str, Any]) -> tuple[str, str]:
    return str(item.get("sha256")), str(item.get("crs"))


def _files(items: list[dict[str, Any]]) -> Message | str:
    rows = [item.get("rows_kept") for item in items]
    names = ", ".join(str(item.get("path")) for item in items)
    if not rows or any(count is None for count in rows):
        return names
    return Message("changes.rows", {"files": names, "count": sum(int(count) for count in rows if count is not None)})

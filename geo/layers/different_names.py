"""Columns that bear the same header, told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo.layers.findings import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geo.layers.findings import Findings


def different(given: Sequence[str], findings: Findings) -> list[str]:
    """Return headers that are all different: a later one gets a number behind, and that is told.

    Examples
    --------
    >>> from geo.layers.findings import Findings
    >>> different(["a", "b", "a", "a_2", "a"], Findings("venues", "x.csv"))
    ['a', 'b', 'a_3', 'a_2', 'a_4']
    """
    taken, seen = set(given), set[str]()
    count: dict[str, int] = {}
    names: list[str] = []
    for header in given:
        name = header
        while name in seen or (name != header and name in taken):
            count[header] = count.get(header, 1) + 1
            name = f"{header}_{count[header]}"
        if name != header:
            findings.tell("same_header", header=shown(header), renamed=shown(name))
        seen.add(name)
        names.append(name)
    return names

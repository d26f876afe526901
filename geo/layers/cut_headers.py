"""Headers that a DBF has cut at ten bytes (设施编码 → 设施编), made whole again where only one can be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from geo.layers import headers
from geo.layers.findings import shown

if TYPE_CHECKING:
    from geo.layers.findings import Findings
    from geo.layers.raw import Raw
    from geo.study_file import LayerSource

LONGEST = 10  # bytes of a field's name
# A character takes three bytes in UTF-8 and two in GB 18030, so a cut name is as long as it can be in one of them.
_CUT_FROM = {"utf-8": 8, "gb18030": 9}
_SHORTEST = 2
_PERSONAL = ("联系电话", "联系方式", "联系号码", "法定代表人", "家庭住址", "证件号码", "身份证号")
_FORMATS = (".shp", ".dbf")


def whole(raw: Raw, source: LayerSource, findings: Findings, *, suffix: str, kind: str) -> Raw:
    """Return a DBF's table with the headers that it has cut; each is told, and those that the study names stay.

    Parameters
    ----------
    suffix
        Of the file that was read; all but DBF and shapefiles come back as they are.
    """
    if suffix not in _FORMATS:
        return raw
    given = [str(header) for header in raw.columns.columns]
    own = {headers.plain(name) for name in (*source.columns.values(), *source.where)}
    names = list(given)
    for at, header in enumerate(given):
        found = meant(header, kind) if headers.plain(header) not in own else None
        if found is not None and found not in given:
            findings.tell("cut_header", header=shown(header), renamed=found)
            names[at] = found
    return raw._replace(columns=raw.columns.set_axis(pd.Index(names, dtype="object"), axis=1))


def meant(header: str, kind: str) -> str | None:
    """Return the only header known that begins like one that may be cut; None where it is whole, or several do.

    Several headers of one meaning are one: the surest is taken.

    Examples
    --------
    >>> meant("设施编", "service"), meant("开放时", "service"), meant("名称", "service"), meant("备注", "service")
    ('设施编码', '开放时间', None, None)
    """
    text = headers.plain(header)
    sizes = {encoding: len(header.encode(encoding, "replace")) for encoding in _CUT_FROM}
    may_be_cut = any(least <= sizes[encoding] <= LONGEST for encoding, least in _CUT_FROM.items())
    if not may_be_cut or len(text) < _SHORTEST or text in headers.known_headers(kind):
        return None
    known = {"": _PERSONAL, **headers.aliases(kind)}
    found = {name: alias for name, every in known.items() for alias in reversed(every) if alias.startswith(text)}
    return next(iter(found.values())) if len(found) == 1 else None

"""How the page's data become letters: JSON with its long lists of whole numbers beside it, in gzip, in base64.

A city's streets are millions of small whole numbers. As bytes they pack smaller than as digits, and the browser
reads them straight into an array without an object for each.
"""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PACKED = 7  # of gzip's 9, which takes twice as long for one per cent less
_LONG = 64  # shorter lists stay in the JSON
_BITS = 7  # of a byte that carry the number; the eighth says that more follow
_FIVE_BYTES = 5
_LEAST, _MOST = -(2**31), 2**31 - 1


def packed(content: object) -> str:
    """Return any content as letters that mean nothing to HTML or a template.

    Returns
    -------
    base64 of gzip of: the length of the JSON (4 bytes, the low one first), the JSON, the numbers. In place of a
    long list of whole numbers stands `{"ints": how many}`; the numbers follow in that order.

    Examples
    --------
    >>> packed({"of": [1, 2]}) == packed({"of": [1, 2]})
    True
    """
    long_lists: list[NDArray[np.int64]] = []
    plain = _without(content, long_lists)
    text = json.dumps(plain, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
    whole = np.concatenate(long_lists) if long_lists else np.empty(0, dtype=np.int64)
    data = len(text).to_bytes(4, "little") + text + varints(whole)
    return base64.b64encode(gzip.compress(data, compresslevel=_PACKED, mtime=0)).decode("ascii")


def varints(whole: NDArray[np.int64]) -> bytes:
    """Return whole numbers of 32 bits as bytes: small ones, of either sign, take one.

    Examples
    --------
    >>> list(varints(np.array([0, -1, 1, 63, 64, -65])))
    [0, 1, 2, 126, 128, 1, 129, 1]
    """
    signless = ((whole << 1) ^ (whole >> 63)).astype(np.uint64)
    length = np.ones(len(signless), dtype=np.int64)
    for more in range(1, _FIVE_BYTES):
        length += signless >= np.uint64(1 << (_BITS * more))
    first = np.cumsum(length) - length
    found = np.zeros(int(length.sum()), dtype=np.uint8)
    for place in range(_FIVE_BYTES):
        here = length > place
        part = (signless[here] >> np.uint64(_BITS * place)) & np.uint64(127)
        follows = (length[here] > place + 1).astype(np.uint64) << np.uint64(_BITS)
        found[first[here] + place] = (part | follows).astype(np.uint8)
    return found.tobytes()


def _without(content: Any, long_lists: list[NDArray[np.int64]]) -> Any:  # noqa: ANN401 - what JSON can say
    """Return the content with its long lists of whole numbers taken out, in the order in which they stood."""
    if isinstance(content, dict):
        return {key: _without(value, long_lists) for key, value in content.items()}
    if not isinstance(content, list):
        return content
    if len(content) < _LONG or set(map(type, content)) != {int}:
        return [_without(value, long_lists) for value in content]
    whole = np.array(content, dtype=np.int64)
    if int(whole.min()) < _LEAST or int(whole.max()) > _MOST:
        return content
    long_lists.append(whole)
    return {"ints": len(content)}

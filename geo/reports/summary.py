"""What `summary.json` says: the summary of an analysis as strict JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set as AbstractSet
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo.messages import Message
from geo.reports import cells

if TYPE_CHECKING:
    from pathlib import Path

    from geo.messages import Lang
    from geo.results import Results


def write_summary(results: Results, path: Path, *, lang: Lang) -> None:
    """Write `summary.json`: UTF-8, keys in the summary's order, `inf` and NaN as null."""
    text = json.dumps(as_json(results.summary, lang), ensure_ascii=False, indent=2, allow_nan=False)
    path.write_bytes(f"{text}\n".encode())


def as_json(value: object, lang: Lang) -> object:
    """Return a value in the types JSON has: what is not finite or missing is None, messages are text.

    Examples
    --------
    >>> as_json({"a": np.float64("inf"), "b": (np.int64(2), True)}, "en")
    {'a': None, 'b': [2, True]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return cells.number_of(value)
    if isinstance(value, Mapping):
        return {cells.text_of(key, lang): as_json(item, lang) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple, np.ndarray)):
        return [as_json(item, lang) for item in value]
    missing = not isinstance(value, (str, PurePath, Message)) and bool(pd.isna(value))  # type: ignore[call-overload]
    return None if missing else cells.text_of(value.as_posix() if isinstance(value, PurePath) else value, lang)

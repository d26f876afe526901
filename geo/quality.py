"""What was wrong with the input: how many rows of each source, and of each row its value, what was done, what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from geo import messages, schema
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# What weighs on every number, whichever room says it of a whole layer: doubtful, and a warning of the run.
DOUBTED = frozenset({"streets.open_ends_many"})
COUNTS = ("rows_read", "rows_kept", "rows_filtered", "rows_dropped", "rows_repaired", "rows_doubtful")


class Line(NamedTuple):
    """A line of the repair report.

    Attributes
    ----------
    layer, source, row, id, action
        As in `schema.REPAIRS`; `row` is None where the line is about a whole source.
    field, value
        Which canonical column it is about, and what the source says there; "" where it is about neither.
    message
        What was found and done.
    mend
        What would mend it at the source; None where nothing needs to be.
    """

    layer: str
    source: str
    row: int | None
    id: str
    action: str
    field: Message | str
    value: str
    message: Message | str
    mend: Message | None


def lines(repairs: pd.DataFrame) -> Iterator[Line]:
    """Yield every line of a repair report (`schema.REPAIRS`), in its order.

    Examples
    --------
    >>> told = ("service_points", "a.csv", 4, "p4", "doubtful", Message("layers.unknown_status", {"given": "待定"}))
    >>> (line,) = lines(pd.DataFrame([told], columns=list(schema.REPAIRS)))
    >>> line.row, line.value, line.mend.text("en")
    (4, '待定', 'Use open, planned, under construction, inactive or closed')
    """
    for layer, source, row, own_id, action, message in zip(
        *(repairs[name].tolist() for name in schema.REPAIRS), strict=True
    ):
        told = isinstance(message, Message)
        number = None if pd.isna(row) else int(row)
        values = message.values if told and number is not None else {}  # noqa: PD011 - no frame
        field, value = (values.get(name, "") for name in ("column", "given"))
        yield Line(
            layer, source, number, own_id, action, field, value, message, messages.cure(message) if told else None
        )


def counted(inputs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return how many rows of each source that is a table were read, kept, filtered, dropped, repaired, doubtful.

    Parameters
    ----------
    inputs
        Of the layers as read (:class:`geo.layers.LayerSet`).

    Examples
    --------
    >>> counted([{"layer": "water", "path": "w.gpkg", "rows_read": 3, "rows_kept": 3}, {"layer": "terrain"}])[0]["rows_kept"]
    3
    """
    return [
        {"layer": item.get("layer"), "source": item.get("path"), **{name: item.get(name) for name in COUNTS}}
        for item in inputs
        if item.get("rows_read") is not None
    ]

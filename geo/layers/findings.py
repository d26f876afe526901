"""What the reader found in a source: faults that stop the study, and the repair report's lines."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import geopandas as gpd
    import pyproj
    from numpy.typing import NDArray

Action = Literal["kept", "repaired", "dropped", "doubtful", "told"]
SHARE_OF_ROWS = 0.1
TEXT_SHOWN = 40
NAMES_SHOWN = 12
# Faults that the right reading would mend.
OF_CRS = frozenset(
    f"layers.{key}"
    for key in ("no_crs", "bad_crs", "swapped_many", "out_of_range_many", "looks_like_degrees_many", "zone_prefix_many")
)


def too_many(rows: int, of: int) -> bool:
    """Say whether the same thing wrong in so many rows is a fault of the layer, not of the rows.

    Examples
    --------
    >>> too_many(1, 10), too_many(2, 10)
    (False, True)
    """
    return rows > of * SHARE_OF_ROWS


def shown(value: object) -> str:
    r"""Return a text of the data as a message quotes it: one short line without control characters.

    Examples
    --------
    >>> shown("a\x07b\n" + "c" * 90)
    'ab cccccccccccccccccccccccccccccccccccc…'
    """
    flat = " ".join(str(value)[: TEXT_SHOWN * 4].split())
    plain = "".join(mark for mark in flat if unicodedata.category(mark) not in {"Cc", "Cf", "Cs"})
    return plain if len(plain) <= TEXT_SHOWN else plain[: TEXT_SHOWN - 1] + "…"


def listed(values: Iterable[object]) -> str:
    """Return texts of the data as a message lists them, the first few of them."""
    every = [shown(value) for value in values]
    more = [f"… ({len(every)})"] if len(every) > NAMES_SHOWN else []
    return ", ".join([*every[:NAMES_SHOWN], *more]) or "—"


def near_ones(values: Iterable[object]) -> Message | str:
    """Return what is like something that is not there, as a message says it; nothing where there is nothing like it.

    Examples
    --------
    >>> near_ones(["名称", "类型"]).text("en"), near_ones([])
    ('near ones: 名称, 类型; ', '')
    """
    every = list(values)
    return Message("layers.near_ones", {"near": listed(every)}) if every else ""


def naming(columns: Sequence[str]) -> Message:
    """Return how a study file names the headers of one or two columns, as TOML.

    Examples
    --------
    >>> naming(["lon", "lat"]).text("en")
    'lon = "its header", lat = "its header"'
    """
    one, two = (*columns, "")[:2]
    return Message("layers.naming_two" if two else "layers.naming_one", {"one": one, "two": two})


def called(column: str) -> Message:
    """Return a canonical column as a message names it.

    Examples
    --------
    >>> called("population").text("zh"), called("population").text("en")
    ('常住人口', 'population')
    """
    return Message(f"field.{column}")


@dataclass
class Findings:
    """Faults and repairs of one source, gathered while it is read.

    Attributes
    ----------
    layer, source
        The layer's name and the source as the user wrote it.
    faults, repairs
        What was found; a repair is (row or None, action, message).
    """

    layer: str
    source: str
    faults: list[Fault] = field(default_factory=list)
    repairs: list[tuple[int | None, Action, Message]] = field(default_factory=list)

    @property
    def where(self) -> str:
        """The source and its layer, as a fault names them."""
        return f"{self.source} ({self.layer})"

    def fault(self, key: str, *, rows: Iterable[int] = (), **values: Any) -> None:  # noqa: ANN401 - fills a message
        """Note something that makes the source unusable."""
        self.faults.append(Fault(self.where, Message(f"layers.{key}", values), tuple(int(row) for row in rows)))

    def tell(self, key: str, *, action: Action = "told", **values: Any) -> None:  # noqa: ANN401 - fills a message
        """Note something about the whole source."""
        self.repairs.append((None, action, Message(f"layers.{key}", values)))

    def row(self, row: int, action: Action, key: str, **values: Any) -> None:  # noqa: ANN401 - fills a message
        """Note something about one row."""
        self.repairs.append((int(row), action, Message(f"layers.{key}", values)))

    def rows(
        self,
        rows: Sequence[int] | np.ndarray[Any, Any],
        action: Action,
        key: str,
        *,
        given: Iterable[object] | None = None,
        of: int | None = None,
        **values: Any,  # noqa: ANN401 - fills a message
    ) -> bool:
        """Note the same thing about several rows; return True when so many are a fault of the layer.

        Parameters
        ----------
        rows
            Source rows.
        action, key
            Action and message of each row.
        given
            Each row's text as the data has it, for the placeholder `given`.
        of
            Rows of the source: where given, more than a tenth of them makes a fault with the message
            `<key>_many`, instead of one line a row.
        """
        numbers = [int(row) for row in np.asarray(rows).tolist()]
        texts = [""] * len(numbers) if given is None else [shown(text) for text in given]
        if of is not None and numbers and too_many(len(numbers), of):
            examples = listed(dict.fromkeys(texts))
            self.fault(f"{key}_many", rows=numbers, given=examples, n=len(numbers), of=of, **values)
            return True
        for number, text in zip(numbers, texts, strict=True):
            self.row(number, action, key, given=text, **values)
        return False


class Unplaced(NamedTuple):
    """The points of a source whose CRS is missing or does not fit: what its faults call it, and (n, 2) numbers as written."""

    where: str
    xy: NDArray[np.float64]


class UnplacedError(InputFaultsError):
    """Layers with faults, some of which are about the CRS of points.

    Attributes
    ----------
    unplaced
        The points.
    crs
        The study's metric CRS; None where nothing tells where the study lies.
    lines
        Its street line layers, in that CRS.
    """

    def __init__(
        self, faults: Iterable[Fault], unplaced: Sequence[Unplaced], crs: pyproj.CRS | None, lines: gpd.GeoDataFrame
    ) -> None:
        super().__init__(faults)
        self.unplaced = tuple(unplaced)
        self.crs = crs
        self.lines = lines

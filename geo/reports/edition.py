"""What is reported, and in which language: what every sheet, chapter and page asks first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from geo import messages
from geo.reports import cells, headline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from geo.messages import Lang
    from geo.results import Results


T = TypeVar("T")
_STOPS = (".", "!", "?", "。", "！", "？")


@dataclass(frozen=True)
class Edition:
    """Results and the language that they are told in.

    Attributes
    ----------
    results, lang
        What is reported, and in which language.
    kept
        What was worked out of both by name; editions of the same results and language may share it.
    """

    results: Results
    lang: Lang
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False, kw_only=True)

    def once(self, name: str, work: Callable[[], T]) -> T:
        """Return what a work gives, done by the first who asks; all ask for it by one name, and leave it as it is."""
        if name not in self.kept:
            self.kept[name] = work()
        found: T = self.kept[name]
        return found

    @property
    def districts(self) -> dict[str, object]:
        """Names of districts by their ids."""
        return self.once("districts", self._districts)

    @property
    def shares(self) -> headline.Shares:
        """Who is served in which unit: by service, mode, limit and group."""
        return self.once("shares", lambda: headline.shares(self.results.coverage))

    @property
    def shares_by_standards(self) -> headline.Shares:
        """The same by the standards' distances; empty where they were not computed."""
        table = self.results.standards
        return self.once("standards", lambda: {} if table is None else headline.shares(table))

    @property
    def unit_names(self) -> dict[headline.Unit, str]:
        """Unit → name, in the order of the coverage."""
        return self.once("unit_names", lambda: headline.unit_names(self.results))

    @property
    def groups(self) -> NDArray[np.object_]:
        """The group of every row of the demand."""
        return self.once("groups", lambda: np.asarray(self.results.demand["group"], dtype=object))

    @property
    def rows_of_gaps(self) -> dict[str, NDArray[np.int64]]:
        """Gap → the rows of the demand that it holds, in their order; empty where a gap does not say."""
        return self.once("rows_of_gaps", self._rows_of_gaps)

    def _districts(self) -> dict[str, object]:
        units = self.results.units
        mine = (units["unit_kind"] == "district").to_numpy()
        return dict(zip(units["unit_id"].to_numpy()[mine], units["unit_name"].to_numpy()[mine], strict=True))

    def _rows_of_gaps(self) -> dict[str, NDArray[np.int64]]:
        gaps, demand = self.results.gaps, self.results.demand
        ids = gaps["gap_id"].tolist()
        if "demand_ids" not in gaps.columns:
            return {}
        listed = [cells.text_of(joined, self.lang).split(cells.LIST_MARK) for joined in gaps["demand_ids"].tolist()]
        gap = np.repeat(np.arange(len(ids)), [len(each) for each in listed])
        wanted = pd.DataFrame({"id": [code for each in listed for code in each], "gap": gap})
        there = pd.DataFrame({"id": demand["id"].tolist(), "row": np.arange(len(demand))})
        found = wanted.merge(there, on="id").sort_values(["gap", "row"])
        cuts = np.searchsorted(found["gap"].to_numpy(), np.arange(1, len(ids)))
        return dict(zip(ids, np.split(found["row"].to_numpy(dtype=np.int64), cuts), strict=True)) if ids else {}

    def say(self, name: str, /, **values: object) -> str:
        """Return a text of this room in the language of the edition."""
        return messages.text(f"report.{name}", self.lang, **values)

    def word(self, name: str, /, **values: object) -> str:
        """Return a word that other rooms use too."""
        return messages.text(f"word.{name}", self.lang, **values)

    def tell(self, name: str, /, **values: object) -> str:
        """Return a text of the Word reports in the language of the edition."""
        return messages.text(f"document.{name}", self.lang, **values)

    def ended(self, text: object) -> str:
        """Return a text as a sentence: with a stop where it has none."""
        said = cells.text_of(text, self.lang).rstrip()
        return said if said.endswith(_STOPS) else f"{said}{self.word('stop')}"

    def listed(self, parts: Iterable[object]) -> str:
        """Return some texts as one, without those that say nothing."""
        texts = (cells.text_of(part, self.lang) for part in parts)
        return self.word("comma").join(text for text in texts if text)

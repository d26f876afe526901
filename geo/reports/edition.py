"""What is reported, and in which language: what every sheet, chapter and page asks first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from geo import messages
from geo.reports import cells

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geo.messages import Lang
    from geo.results import Results


@dataclass(frozen=True)
class Edition:
    """Results and the language that they are told in."""

    results: Results
    lang: Lang

    @cached_property
    def districts(self) -> dict[str, object]:
        """Names of districts by their ids."""
        units = self.results.units
        mine = (units["unit_kind"] == "district").to_numpy()
        return dict(zip(units["unit_id"].to_numpy()[mine], units["unit_name"].to_numpy()[mine], strict=True))

    def say(self, name: str, /, **values: object) -> str:
        """Return a text of this room in the language of the edition."""
        return messages.text(f"report.{name}", self.lang, **values)

    def word(self, name: str, /, **values: object) -> str:
        """Return a word that other rooms use too."""
        return messages.text(f"word.{name}", self.lang, **values)

    def tell(self, name: str, /, **values: object) -> str:
        """Return a text of the Word reports in the language of the edition."""
        return messages.text(f"document.{name}", self.lang, **values)

    def listed(self, parts: Iterable[object]) -> str:
        """Return some texts as one, without those that say nothing."""
        texts = (cells.text_of(part, self.lang) for part in parts)
        return self.word("comma").join(text for text in texts if text)

"""What can go wrong with an input, said once: every error that `geo` raises on purpose.

All of them are a :class:`GeoError`, and each leaf is also the builtin that a caller would expect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from geo.messages import DEFAULT_LANG, row_list, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geo.messages import Lang, Message


class GeoError(Exception):
    """Base of every error that `geo` raises on purpose.

    Examples
    --------
    >>> try:
    ...     geo.read_study("no/such/folder")
    ... except geo.GeoError as error:
    ...     print(type(error).__name__)
    InputFaultsError
    """


class GeoValueError(ValueError, GeoError):
    """A value that cannot be used: the message names it, what is accepted and what to do.

    Examples
    --------
    >>> analysis.plot("pie")
    Traceback (most recent call last):
    geo.errors.GeoValueError: kind is 'pie'; accepted are maps, matrix, curve, gaps
    """


class GeoCrsError(GeoValueError):
    """A missing coordinate system, or two tables joined that do not share one.

    Examples
    --------
    >>> import geopandas as gpd
    >>> streets = geo.read_streets(county / "streets.osm")
    >>> geo.isochrones(streets, gpd.GeoSeries(gpd.points_from_xy([118.2], [25.3])))
    Traceback (most recent call last):
    geo.errors.GeoCrsError: facilities states no coordinate system; ...
    """


@dataclass(frozen=True)
class Fault:
    """One thing that makes an input unusable.

    Attributes
    ----------
    where
        The file, layer or key of the study file, as the user wrote it.
    message
        What is wrong and what would mend it.
    rows
        Source rows concerned, counted as the user's program counts them; empty for the whole file.
    """

    where: str
    message: Message
    rows: tuple[int, ...] = field(default=())

    def text(self, lang: Lang = DEFAULT_LANG) -> str:
        """Return the fault in one line of the given language."""
        what = self.message.text(lang)
        if not self.rows:
            return text("fault.line", lang, where=self.where, what=what)
        return text("fault.line_rows", lang, where=self.where, rows=row_list(self.rows, lang), what=what)


class InputFaultsError(GeoValueError):
    """An input that cannot be used, with every fault that was found in it.

    Attributes
    ----------
    faults
        All faults of the input, in the order in which they were met.

    Examples
    --------
    >>> try:
    ...     geo.read_study("no/such/folder")
    ... except geo.InputFaultsError as error:
    ...     [fault.where for fault in error.faults]
    ['no/such/folder']
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(fault.text("en") for fault in self.faults))

    def text(self, lang: Lang = DEFAULT_LANG) -> str:
        """Return all faults, one a line, in the given language.

        Examples
        --------
        >>> try:
        ...     geo.read_study("no/such/folder")
        ... except geo.InputFaultsError as error:
        ...     print(error.text("zh"))
        no/such/folder：没有这个文件夹或文件。请给出含 study.toml 的文件夹，或用 geo new 新建一个
        """
        return "\n".join(fault.text(lang) for fault in self.faults)

"""What an analysis can do with its results: show them, plot them, write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo import ledger_file
from geo.messages import DEFAULT_LANG
from geo.results import Results

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import folium
    from matplotlib.figure import Figure

    from geo.linked import Linked
    from geo.maps.background import Tiles
    from geo.messages import Lang


@dataclass(frozen=True, kw_only=True)
class Analysis(Results):
    """Results of a study that can show and write themselves; see :class:`geo.results.Results`.

    Attributes
    ----------
    linked
        How people and services are linked to the streets; what further questions start from
        (:func:`geo.suggest_sites`, :func:`geo.what_if`, :func:`geo.panel`).

    Examples
    --------
    >>> analysis
    <Analysis small 2026Q4: 2 services, 3 units, 5 gaps>
    >>> analysis.gaps[["gap_id", "people", "nearest_name"]]
                        gap_id  people nearest_name
    0    gig_station-outside-1   250.0           北站
    1       gig_station-east-1    60.0           北站
    2     canteen_elder-east-1    36.0          食堂4
    3     canteen_elder-west-1    32.0          食堂1
    4  canteen_elder-west-rest     3.0          食堂1
    """

    linked: Linked

    def map(self, *, lang: Lang = DEFAULT_LANG) -> folium.Map:
        """Return the offline map; the last line of a notebook cell shows it.

        Examples
        --------
        >>> analysis.map(lang="en").save(str(folder / "map.html"))
        """
        from geo import maps  # noqa: PLC0415 - folium takes seconds to import

        return maps.folium_map(self, lang=lang)

    def write(self, folder: str | Path, *, lang: Lang = DEFAULT_LANG, tiles: Tiles | None = None) -> list[Path]:
        """Write every output into a folder, whole or not at all, and return the files.

        `tiles` (:func:`geo.maps.tiles`) lie under the map; without them it asks for nothing outside itself.

        Raises
        ------
        InputFaultsError
            When the folder cannot be written; nothing is left half-written.

        Examples
        --------
        >>> files = analysis.write(folder / "2026Q4")
        >>> sorted(file.name for file in files if file.suffix == ".csv")
        ['coverage.csv', 'coverage_standards.csv', 'gaps.csv']
        """
        from pathlib import Path  # noqa: PLC0415

        from geo import maps, reports  # noqa: PLC0415 - heavy libraries

        page = maps.map_page(self, lang=lang, tiles=tiles)
        return reports.write_results(self, Path(folder), lang=lang, map_html=page)

    def keep_ledger(self, *, lang: Lang = DEFAULT_LANG) -> Path | None:
        """Carry `ledger.csv` in the study's folder on, and return it; None where it cannot be carried on.

        Entries of people stay as they are; what was there becomes `ledger.csv.bak`. Where nothing new is said,
        nothing is written.

        Raises
        ------
        InputFaultsError
            When the ledger cannot be written; it is left as it is.

        Examples
        --------
        >>> analysis.keep_ledger().name
        'ledger.csv'
        """
        from geo import reports  # noqa: PLC0415 - heavy libraries

        if self.ledger is None:
            return None
        path = self.study.folder / ledger_file.NAME
        reports.keep_ledger(self, path, lang=lang)
        return path

    def plot(self, kind: str = "maps", *, services: Sequence[str] | None = None, lang: Lang = DEFAULT_LANG) -> Figure:
        """Return a matplotlib figure for a slide, captioned with its basis.

        Parameters
        ----------
        kind
            `maps` (a small map a service), `matrix` (community × service), `curve` (share of people against
            minutes) or `gaps` (the largest).
        services
            Codes of types measured in minutes; by default all.
        lang
            zh or en.

        Raises
        ------
        GeoValueError
            When the kind or a service is not known.

        Examples
        --------
        >>> analysis.plot("matrix", lang="en").savefig(folder / "matrix.png")
        """
        from geo import plots  # noqa: PLC0415 - matplotlib takes long to import

        return plots.plot(self, kind, services=services, lang=lang)

    def _repr_html_(self) -> str:
        from geo import outline  # noqa: PLC0415

        return outline.html_of(self)

    def __repr__(self) -> str:
        counts = f"{len(self.services)} services, {len(self.units)} units, {len(self.gaps)} gaps"
        return f"<Analysis {self.study.head.id} {self.study.head.period}: {counts}>"

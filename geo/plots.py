"""What results look like on a slide: coverage matrix, curve over minutes, ranked gaps, small maps by service."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from geo import gaps as gaps_room
from geo.errors import GeoValueError
from geo.messages import DEFAULT_LANG, subject, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import geopandas as gpd
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.messages import Lang
    from geo.results import Results

CJK = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "WenQuanYi Micro Hei",
)
KINDS = ("maps", "matrix", "curve", "gaps")
RINGS = ("#08519c", "#6baed6", "#c6dbef")
GAP, INK, PALE, SITE = "#d95f0e", "#222222", "#8a8a8a", "#c51b8a"
UNKNOWN: dict[str, Any] = {"facecolor": "#d9d9d9", "edgecolor": PALE, "hatch": "...", "alpha": 0.75}
MOST_ROWS, MOST_GAPS, ACROSS = 30, 15, 4
MARGIN_M = 300.0
_WIDTH, _NARROW, _DARK, _DPI = 13.3, 8.4, 0.62, 80
# Inches: a title of two lines; the lower edge, the caption above it, the legend above both.
_TITLE_IN, _EDGE_IN, _CAPTION_IN, _LEGEND_IN = 0.7, 0.06, 0.3, 0.65


class Slide(Figure):
    """A figure that a notebook shows by itself, whether or not pyplot was imported."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=_DPI)
        return file.getvalue()


def plot(
    results: Results, kind: str = "maps", *, services: Sequence[str] | None = None, lang: Lang = DEFAULT_LANG
) -> Figure:
    """Return one picture of results; see :meth:`geo.Analysis.plot`.

    Raises
    ------
    GeoValueError
        When the kind or a service is not known.
    """
    if kind not in KINDS:
        msg = f"kind is {kind!r}; accepted are {', '.join(KINDS)}"
        raise GeoValueError(msg)
    timed = {code: service for code, service in results.services.items() if service.test == "minutes"}
    wanted = list(timed) if services is None else list(services)
    if unknown := [code for code in wanted if code not in timed]:
        msg = f"services {', '.join(map(repr, unknown))} are not among those measured in minutes: {', '.join(timed)}"
        raise GeoValueError(msg)
    if not wanted:
        msg = "no service is measured in minutes: there is nothing to draw"
        raise GeoValueError(msg)
    draw = {"maps": _maps, "matrix": _matrix, "curve": _curve, "gaps": _gaps}[kind]
    with mpl.rc_context(_style(lang)):  # type: ignore[arg-type]  # names of fonts and sizes
        figure: Figure = draw(results, [timed[code] for code in wanted], lang)
        _captioned(figure, results, lang)
        # Text finds its fonts while it is laid out, not later: outside the context they would be others.
        figure.canvas.draw()
    return figure


def _style(lang: Lang) -> dict[str, Any]:
    """Return fonts that can write what is said; a missing CJK font is told once, not a warning a letter."""
    there = {font.name for font in font_manager.fontManager.ttflist}
    cjk = [name for name in CJK if name in there]
    if lang == "zh" and not cjk:
        warnings.warn(text("plot.no_font", lang, names=", ".join(CJK)), UserWarning, stacklevel=4)
    return {
        "font.family": ["DejaVu Sans", *cjk[:1]],
        "font.size": 12,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }


def _captioned(figure: Figure, results: Results, lang: Lang) -> None:
    """Write under a picture what its numbers rest on."""
    head = results.study.head
    mark = text("cli.synthetic", lang) if head.synthetic else ""
    words = text("plot.caption", lang, name=_plain(head.name), mark=mark, date=results.study.last_day.isoformat())
    figure.text(0.01, _EDGE_IN / figure.get_figheight(), words, fontsize=9, color=PALE, ha="left", va="bottom")
    if not figure.legends:
        _leave_below(figure, _CAPTION_IN)


def _leave_below(figure: Figure, inches: float) -> None:
    """Keep the lower end of a picture free of axes."""
    free = inches / figure.get_figheight()
    figure.set_layout_engine("constrained", rect=(0.0, free, 1.0, 1.0 - free - _EDGE_IN / figure.get_figheight()))


def _plain(words: object) -> str:
    r"""Return text of data as it is: no dollar sign begins a formula.

    Examples
    --------
    >>> _plain("$x$")
    '\\$x\\$'
    """
    return str(words).replace("$", r"\$")


def _ring(service: ServiceType, lang: Lang) -> str:
    names = subject("word", lang)
    return text("cli.ring", lang, mode=names.get(service.mode, service.mode), limit=f"{service.limit:g}")


def _title(service: ServiceType, lang: Lang) -> str:
    group = subject("word", lang).get(service.demand[0], service.demand[0])
    return f"{_plain(service.name(lang))}\n{_ring(service, lang)} · {group}"


def _rows(results: Results, service: ServiceType) -> pd.DataFrame:
    """Return the coverage rows of the deciding ring, limit and headline group."""
    table = results.coverage
    keep = (table["service"] == service.code) & (table["mode"] == service.mode)
    keep &= (table["limit_minutes"] == service.limit) & (table["demand"] == service.demand[0])
    found: pd.DataFrame = table[keep]
    return found


def _maps(results: Results, services: list[ServiceType], lang: Lang) -> Figure:
    across = min(ACROSS, len(services))
    down = -(-len(services) // across)
    high = _WIDTH / across * _slope_of(results) + _TITLE_IN
    figure = Slide(figsize=(_WIDTH, 0.5 + _LEGEND_IN + high * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    for place in axes.flat:
        place.set_axis_off()
    shades = shades_of(minutes for service in services for minutes in service.minutes)
    for place, service in zip(axes.flat, services, strict=False):
        rings = results.drawing[results.drawing["service"] == service.code]
        rings = rings[rings["mode"] == service.mode]
        lost = results.gaps[results.gaps["service"] == service.code]
        _drawn(place, results, service, rings, lost, _rows(results, service), shades, lang)
    unknown = any(len(_not_assessed(results, _rows(results, service))) for service in services)
    _legend(figure, shades, lang, unknown=unknown)
    figure.suptitle(text("plot.maps", lang), fontsize=16)
    return figure


def _frame(results: Results) -> NDArray[np.float64]:
    """Return west, south, east and north of what is drawn, metres."""
    shown = results.units if len(results.units.dropna(subset=["geometry"])) else results.demand
    box: NDArray[np.float64] = shown.total_bounds + np.array([-1.0, -1.0, 1.0, 1.0]) * MARGIN_M
    return box


def _slope_of(results: Results) -> float:
    """Return how high a map is for its width, within what a slide can bear."""
    west, south, east, north = _frame(results)
    return float(np.clip((north - south) / (east - west), 0.4, 1.2))


def shades_of(minutes: Iterable[float]) -> dict[float, str]:
    """Return the colour of each band, dark to light; the same for every map of a picture.

    Examples
    --------
    >>> shades_of([15, 5, 10, 5])
    {5: '#08519c', 10: '#6baed6', 15: '#c6dbef'}
    """
    bands = sorted(set(minutes))
    hues = LinearSegmentedColormap.from_list("rings", RINGS)
    at = np.linspace(0.0, 1.0, len(bands)) if len(bands) > 1 else [0.5]
    return {band: to_hex(hues(float(share))) for band, share in zip(bands, at, strict=True)}


def _not_assessed(results: Results, rows: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the communities with an outline whose coverage by a service is not known."""
    mine = rows[(rows["unit_kind"] == "community") & (rows["status"] == "not_assessed")]
    units = results.units
    keep = (
        ~units.geometry.isna()
        & (units["unit_kind"] == "community")
        & units["own_outline"]
        & units["unit_id"].isin(mine["unit_id"])
    )
    return units[keep]


def _legend(
    figure: Figure, shades: Mapping[float, str], lang: Lang, *, sites: bool = False, unknown: bool = False
) -> None:
    """Say under the maps what colours and signs mean."""
    signs: list[Artist] = [
        Patch(color=shade, label=text("plot.band", lang, minutes=f"{band:g}")) for band, shade in shades.items()
    ]
    signs.append(Patch(facecolor="none", edgecolor=GAP, hatch="////", label=text("plot.gap", lang)))
    if unknown:
        signs.append(Patch(**UNKNOWN, label=text("word.not_assessed", lang)))
    dots = [("o", INK, 5, "facility")] + ([("*", SITE, 13, "site")] if sites else [])
    for marker, colour, size, word in dots:
        label = text(f"plot.{word}", lang)
        signs.append(Line2D([], [], marker=marker, color=colour, markersize=size, linestyle="", label=label))
    above = (0.5, (_CAPTION_IN - _EDGE_IN) / figure.get_figheight())
    figure.legend(handles=signs, loc="lower center", bbox_to_anchor=above, ncols=len(signs), frameon=False, fontsize=10)
    _leave_below(figure, _LEGEND_IN)


def service_map(
    results: Results,
    service: ServiceType,
    *,
    rings: gpd.GeoDataFrame,
    gaps: gpd.GeoDataFrame,
    coverage: pd.DataFrame,
    sites: gpd.GeoDataFrame | None = None,
    lang: Lang = DEFAULT_LANG,
) -> Figure:
    """Return the map of one service, which may have been computed anew.

    Parameters
    ----------
    results
        Streets, units and facilities.
    service
        With the mode and limit that the tables rest on.
    rings, gaps, coverage
        `schema.ISOCHRONES` (dissolved), `schema.GAPS` and `schema.COVERAGE` of the service.
    sites
        Further sites, drawn as stars.
    lang
        zh or en.
    """
    with mpl.rc_context(_style(lang)):  # type: ignore[arg-type]  # names of fonts and sizes
        high = _NARROW * _slope_of(results) + _TITLE_IN + _LEGEND_IN
        figure = Slide(figsize=(_NARROW, high), layout="constrained")
        place = figure.subplots()
        place.set_axis_off()
        keep = (coverage["limit_minutes"] == service.limit) & (coverage["demand"] == service.demand[0])
        shades = shades_of(service.minutes)
        _drawn(place, results, service, rings, gaps, coverage[keep], shades, lang)
        new = sites is not None and len(sites) > 0
        unknown = len(_not_assessed(results, coverage[keep])) > 0
        _legend(figure, shades, lang, sites=new, unknown=unknown)
        if sites is not None and new:
            sites.plot(ax=place, color=SITE, marker="*", markersize=160, edgecolor="white", zorder=6)
        _captioned(figure, results, lang)
        figure.canvas.draw()
    return figure


def _drawn(
    place: Axes,
    results: Results,
    service: ServiceType,
    rings: gpd.GeoDataFrame,
    lost: gpd.GeoDataFrame,
    rows: pd.DataFrame,
    shades: Mapping[float, str],
    lang: Lang,
) -> None:
    """Draw one service: rings, streets, communities, gaps, facilities, and its share in the title."""
    place.set_aspect("equal")
    rings = rings[~rings.geometry.is_empty].sort_values("limit_minutes", ascending=False)
    if len(rings):
        rings.plot(ax=place, color=[shades[float(band)] for band in rings["limit_minutes"]])
    results.streets.plot(ax=place, color="#777777", linewidth=0.4, alpha=0.35)
    communities = results.units[results.units["own_outline"] & (results.units["unit_kind"] == "community")]
    if len(communities):
        communities.boundary.plot(ax=place, color="#aaaaaa", linewidth=0.5)
    unknown = _not_assessed(results, rows)
    if len(unknown):
        unknown.plot(ax=place, **UNKNOWN, linewidth=0.5)
    lost = lost[~lost.geometry.isna()]
    if len(lost):
        lost.plot(ax=place, facecolor="none", edgecolor=GAP, hatch="////", linewidth=0.6)
    points = results.service_points
    points = points[(points["type"] == service.code) & points["counted"]]
    if len(points):
        points.plot(ax=place, color=INK, markersize=9, zorder=5)
    west, south, east, north = _frame(results)
    place.set_xlim(west, east)
    place.set_ylim(south, north)
    share = rows.loc[rows["unit_kind"] == "study", "share"]
    told = text("word.not_assessed", lang) if share.isna().all() else f"{share.iloc[0]:.1%}"
    place.set_title(f"{_title(service, lang)}  {told}", fontsize=12)


def _matrix(results: Results, services: list[ServiceType], lang: Lang) -> Figure:
    parts = {service.code: _rows(results, service) for service in services}
    units = parts[services[0].code]
    units = units[units["unit_kind"] == "community"].nlargest(MOST_ROWS, "people", keep="all").head(MOST_ROWS)
    keys = list(units["unit_id"])
    values = np.full((len(keys), len(services)), np.nan)
    unknown = np.zeros(values.shape, dtype=bool)
    for column, service in enumerate(services):
        mine = parts[service.code]
        share = mine[mine["unit_kind"] == "community"].drop_duplicates("unit_id").set_index("unit_id")["share"]
        values[:, column] = share.reindex(keys).to_numpy(dtype=np.float64)
        unknown[:, column] = np.isin(keys, mine.loc[mine["status"] == "not_assessed", "unit_id"].to_numpy(dtype=object))
    figure = Slide(figsize=(_WIDTH, 2.4 + 0.33 * len(keys)), layout="constrained")
    axes = figure.subplots()
    colours = mpl.colormaps["Blues"].with_extremes(bad="#f2f2f2")
    axes.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(
        range(len(services)), [_title(service, lang).replace(" · ", "\n") for service in services], fontsize=9
    )
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(keys)), [_plain(name) for name in units["unit_name"]], fontsize=10)
    axes.tick_params(length=0)
    for (row, column), value in np.ndenumerate(values):
        nothing = text("word.not_assessed", lang) if unknown[row, column] else "—"
        words = nothing if np.isnan(value) else f"{value:.0%}"
        axes.text(column, row, words, ha="center", va="center", fontsize=9, color="white" if value > _DARK else INK)
    axes.spines[:].set_visible(False)
    figure.suptitle(text("plot.matrix", lang), fontsize=16)
    return figure


def _curve(results: Results, services: list[ServiceType], lang: Lang) -> Figure:
    figure = Slide(figsize=(_WIDTH, 7.5), layout="constrained")
    axes = figure.subplots()
    most = max(2 * service.limit for service in services)
    colours = mpl.colormaps["tab10" if len(services) <= len(mpl.colormaps["tab10"].colors) else "tab20"]  # type: ignore[attr-defined]
    for number, service in enumerate(services):
        minutes, share = reached_share(results.demand, service)
        axes.step(minutes, share, where="post", color=colours(number), label=_title(service, lang).replace("\n", " · "))
    for limit in sorted({service.limit for service in services}):
        axes.axvline(limit, color=PALE, linestyle=":", linewidth=1)
    axes.set_xlim(0, most)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1.0))
    axes.set_xlabel(text("plot.minutes", lang))
    axes.set_ylabel(text("plot.share", lang))
    axes.legend(frameon=False, fontsize=10, loc="lower right")
    axes.grid(color="#eeeeee")
    figure.suptitle(text("plot.curve", lang), fontsize=16)
    return figure


def reached_share(demand: pd.DataFrame, service: ServiceType) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rising minutes, and the share of all people of the headline group who need no more than them."""
    mine = demand[demand["group"] == service.demand[0]]
    minutes, people = mine[f"minutes_{service.code}"].to_numpy(dtype=float), mine["people"].to_numpy(dtype=float)
    there = np.flatnonzero(np.isfinite(minutes))
    order = there[np.argsort(minutes[there], kind="stable")]
    share = np.cumsum(people[order]) / people.sum() if people.sum() else np.zeros(len(order))
    return np.concatenate([[0.0], minutes[order]]), np.concatenate([[0.0], share])


def _gaps(results: Results, services: list[ServiceType], lang: Lang) -> Figure:
    table = results.gaps[results.gaps["service"].isin([service.code for service in services])]
    table = table.sort_values(["people", "gap_id"], ascending=[False, True]).head(MOST_GAPS)[::-1]
    names = results.units[results.units["unit_kind"] == "community"].set_index("unit_id")["unit_name"]
    labels = {service.code: service for service in services}
    figure = Slide(figsize=(_WIDTH, 1.6 + 0.42 * max(len(table), 1)), layout="constrained")
    axes = figure.subplots()
    spots = [_plain(names.get(unit, text("word.outside", lang))) for unit in table["unit_id"]]
    kinds = [labels[code] for code in table["service"]]
    ticks = [f"{_plain(kind.name(lang))} · {spot}" for kind, spot in zip(kinds, spots, strict=True)]
    axes.barh(range(len(table)), table["people"], color=GAP)
    axes.set_yticks(range(len(table)), ticks)
    for row, (people, minutes) in enumerate(zip(table["people"], table["minutes_to_nearest"], strict=True)):
        told = text("plot.nearest", lang, minutes=f"{minutes:.0f}") if np.isfinite(minutes) else text("plot.none", lang)
        axes.text(people, row, f" {people:,.0f} · {told}", va="center", fontsize=10)
    axes.set_xlim(0, float(table["people"].max()) * 1.25 if len(table) else 1.0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    groups = {group for kind in kinds for group in gaps_room.counted_groups(kind)}
    words = subject("word", lang)
    axes.set_xlabel(text("plot.unserved", lang, groups="、".join(sorted(words[group] for group in groups))))
    figure.suptitle(text("plot.gaps", lang), fontsize=16)
    return figure

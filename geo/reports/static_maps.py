"""What does a printed map show? Streets, units, rings, gaps and facilities, with scale, north, legend and basis."""

from __future__ import annotations

import io
import math
import unicodedata
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.path import Path as Outline

from geo.reports import fonts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Box = tuple[float, float, float, float]
    LineStyle = Literal["solid", "dotted", "dashdot"]

RINGS = ("#08519c", "#4292c6", "#9ecae1")  # 5, 10, 15 minutes: dark to light of one hue
FURTHER = "#deebf7"
GAP = "#d94801"
WATER = "#d6e6f0"
STREET, MAIN_STREET = "#b8b8b8", "#8a8a8a"
UNIT, FOCUS = "#525252", "#111111"
POINT, PLANNED = "#2c2c2c", "#ffffff"
_MAIN = ("motorway", "trunk", "primary", "secondary", "tertiary")
_BAR_SHARE = 0.22
_LATIN_EM = 0.68  # bold ones; others are narrower
_NICE = (1.0, 2.0, 5.0)
_PAD = 0.04
_LEGEND_ROW_IN = 0.18
_LEGEND_PT, _TITLE_PT = 7.5, 11.0
_PLAIN, _MOST_COLUMNS = 0.9, 7  # letters that are not bold are so much narrower
_SIGN_IN = 0.42  # of the legend's sign and the space around it
_FOOT_IN = 0.42
_PACKING = {"compress_level": 4}  # a third of the time of 6, 5 % larger
_HEAD_IN, _NAME_IN = 0.34, 0.2


@dataclass(frozen=True)
class Words:
    """All texts of a map; from data or the catalogue, and never read as anything else."""

    title: str
    foot: str
    north: str
    metre: str
    kilometre: str


@dataclass
class Legend:
    """Signs and what they mean, in the order in which they were drawn; each once."""

    entries: dict[str, Any] = field(default_factory=dict)

    def add(self, label: str, sign: object) -> None:
        """Take in a sign unless its meaning is in the legend already."""
        self.entries.setdefault(label, sign)


@dataclass(frozen=True)
class Streets:
    """Lines of all streets as coordinates with their boxes, so that a part of the study is cut out quickly."""

    lines: list[NDArray[np.float64]]
    boxes: NDArray[np.float64]
    main: NDArray[np.bool_]

    @classmethod
    def of(cls, shapes: NDArray[np.object_], classes: Sequence[str]) -> Streets:
        """Return the streets of a study."""
        xy, line = shapely.get_coordinates(shapes, return_index=True)
        cuts = np.searchsorted(line, np.arange(1, len(shapes)))
        main = np.array([name.removesuffix("_link") in _MAIN for name in classes], dtype=bool)
        return cls(np.split(xy, cuts) if len(shapes) else [], shapely.bounds(shapes), main)

    def within(self, box: Box, *, main: bool) -> Outline | None:
        """Return the lines that may touch a box and as much again around it, main streets or others, as one path."""
        west, south, east, north = box
        aside = max(east - west, north - south) / 2.0
        west, south, east, north = west - aside, south - aside, east + aside, north + aside
        near = (self.boxes[:, 0] <= east) & (self.boxes[:, 2] >= west)
        near &= (self.boxes[:, 1] <= north) & (self.boxes[:, 3] >= south) & (self.main == main)
        if not near.any():
            return None
        lines = [self.lines[at] for at in np.flatnonzero(near)]
        codes = np.full(sum(map(len, lines)), Outline.LINETO, dtype=np.uint8)
        codes[np.concatenate([[0], np.cumsum([len(line) for line in lines[:-1]])]).astype(np.intp)] = Outline.MOVETO
        return Outline(np.concatenate(lines), codes)


class Sheet:
    """A sheet of one or several maps that share legend and foot; draw, then ask for the PNG."""

    def __init__(
        self, words: Words, *, width_in: float, height_in: float, dpi: int, rows: int = 1, columns: int = 1
    ) -> None:
        self.words, self.dpi = words, dpi
        self.figure = Figure(figsize=(width_in, height_in), dpi=dpi, facecolor="white")
        FigureCanvasAgg(self.figure)
        self.legend = Legend()
        self.head_in = _HEAD_IN
        self.axes: list[Axes] = [self.figure.add_subplot(rows, columns, number + 1) for number in range(rows * columns)]
        for axes in self.axes:
            axes.set_axis_off()

    def frame(self, number: int, box: Box, *, name: str = "") -> Axes:
        """Open one map over a part of the plane, padded to the shape of its place."""
        axes = self.axes[number]
        axes.set_axis_on()
        axes.set_xlim(box[0], box[2])
        axes.set_ylim(box[1], box[3])
        axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
        for side in axes.spines.values():
            side.set_linewidth(0.6)
        if name:
            self.head_in = _HEAD_IN + _NAME_IN
            axes.set_title(plain(name), fontproperties=font(8), pad=3, parse_math=False)
        return axes

    def png(self) -> bytes:
        """Return the sheet as PNG: the same bytes every time, without date and version."""
        width, height = self.figure.get_size_inches()
        entries = self.legend.entries
        columns = legend_columns(list(entries), width_in=float(width))
        rows = math.ceil(len(entries) / columns) if entries else 0
        below = (rows * _LEGEND_ROW_IN + _FOOT_IN) / height
        self.figure.subplots_adjust(
            left=0.01, right=0.99, top=1.0 - self.head_in / height, bottom=below + 0.02, wspace=0.04, hspace=0.14
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a sign that no font has is a box, not an end
            _write(
                self.figure,
                0.5,
                1.0 - 0.05 / height,
                self.words.title,
                size=min(_TITLE_PT, 72.0 * width / ems(self.words.title)),
                va="top",
                ha="center",
                bold=True,
            )
            if entries:
                self.figure.legend(
                    entries.values(),
                    [plain(label) for label in entries],
                    loc="lower center",
                    bbox_to_anchor=(0.5, _FOOT_IN / height),
                    ncols=columns,
                    prop=font(_LEGEND_PT),
                    frameon=False,
                    handlelength=1.8,
                    columnspacing=1.2,
                    borderpad=0.1,
                )
                for text in self.figure.legends[0].get_texts():
                    text.set_parse_math(False)
            _write(self.figure, 0.5, 0.04 / height, self.words.foot, size=6.5, va="bottom", ha="center", wrap=True)
            for axes in self.axes:
                if axes.axison:
                    _fill(axes, width, height)
                    _scale_and_north(axes, self.words)
            target = io.BytesIO()
            self.figure.savefig(target, format="png", dpi=self.dpi, metadata={"Software": None}, pil_kwargs=_PACKING)
        self.figure.clear()
        self.figure.canvas.__dict__.pop("renderer", None)  # ten megabytes of ink, else kept until circles are swept
        return target.getvalue()


def _fill(axes: Axes, width_in: float, height_in: float) -> None:
    """Widen what a map shows to the shape of its place, one metre as long across as up."""
    place = axes.get_position()
    shape = place.width * width_in / (place.height * height_in)
    west, east = axes.get_xlim()
    south, north = axes.get_ylim()
    width, height = max(east - west, (north - south) * shape), max(north - south, (east - west) / shape)
    middle_x, middle_y = (west + east) / 2.0, (south + north) / 2.0
    axes.set_xlim(middle_x - width / 2.0, middle_x + width / 2.0)
    axes.set_ylim(middle_y - height / 2.0, middle_y + height / 2.0)


def font(size: float, *, bold: bool = False) -> FontProperties:
    """Return a font that has Chinese where this machine has one."""
    return FontProperties(family=fonts.families(), size=size, weight="bold" if bold else "normal")


def ems(text: str) -> float:
    """Return about how wide a text is, in the height of its letters: a Chinese sign is one, a Latin letter 0.68.

    Examples
    --------
    >>> ems("园区"), round(ems("park"), 2)
    (2.0, 2.72)
    """
    return sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else _LATIN_EM for sign in text) or _LATIN_EM


def legend_columns(labels: Sequence[str], *, width_in: float) -> int:
    """Return how many columns of signs and labels fit beside each other; a column is as wide as its widest label.

    Examples
    --------
    >>> legend_columns(["社区", "园区", "道路"], width_in=6.0), legend_columns(["Neighbourhood centre"] * 9, width_in=6.0)
    (3, 3)
    """
    inches = [ems(label) * _PLAIN * _LEGEND_PT / 72.0 + _SIGN_IN for label in labels]
    for columns in range(min(len(labels), _MOST_COLUMNS), 1, -1):
        parts = np.array_split(np.array(inches), columns)
        if sum(part.max() for part in parts) <= width_in:
            return columns
    return 1


def plain(text: str) -> str:
    """Return a text of one line; a label that begins with "_" would be left out of a legend."""
    return " ".join(text.split()).lstrip("_") or " "


def _write(figure: Figure, x: float, y: float, text: str, *, size: float, bold: bool = False, **options: Any) -> None:  # noqa: ANN401 - matplotlib's own
    figure.text(x, y, text, fontproperties=font(size, bold=bold), parse_math=False, **options)


def padded(box: Box, *, least_m: float = 800.0) -> Box:
    """Return a box with a margin, at least so many metres wide and high.

    Examples
    --------
    >>> padded((0.0, 0.0, 1000.0, 2000.0), least_m=1500.0)
    (-250.0, -80.0, 1250.0, 2080.0)
    """
    west, south, east, north = box
    middle_x, middle_y = (west + east) / 2.0, (south + north) / 2.0
    half_x = max((east - west) * (0.5 + _PAD), least_m / 2.0)
    half_y = max((north - south) * (0.5 + _PAD), least_m / 2.0)
    return (middle_x - half_x, middle_y - half_y, middle_x + half_x, middle_y + half_y)


def draw_streets(axes: Axes, streets: Streets, box: Box, *, width: float = 0.5) -> None:
    """Draw the streets of a part of the plane, main ones stronger."""
    for main, colour, factor in ((False, STREET, 1.0), (True, MAIN_STREET, 2.2)):
        outline = streets.within(box, main=main)
        if outline is not None:
            lines = PathCollection([outline], facecolors="none", edgecolors=colour, linewidths=width * factor, zorder=2)
            axes.add_collection(lines, autolim=False)


def draw_areas(
    axes: Axes,
    shapes: Iterable[shapely.Geometry | None],
    *,
    face: str | None,
    edge: str | None = None,
    width: float = 0.6,
    hatch: str | None = None,
    style: LineStyle = "solid",
    alpha: float | None = None,
    order: float = 1,
) -> None:
    """Draw polygons with their holes; what is no polygon is left out."""
    outlines = [outline for shape in shapes if (outline := _outline(shape)) is not None]
    if outlines:
        axes.add_collection(
            PathCollection(
                outlines,
                facecolors=face or "none",
                edgecolors=edge or "none",
                linewidths=width,
                linestyles=style,
                hatch=hatch,
                alpha=alpha,
                zorder=order,
            ),
            autolim=False,
        )


def _outline(shape: shapely.Geometry | None) -> Outline | None:
    """Return polygons as one path; rings wind so that holes stay open."""
    if shape is None or shape.is_empty:
        return None
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    rings = [
        ring
        for part in parts
        for ring in (shapely.orient_polygons(part).exterior, *shapely.orient_polygons(part).interiors)
    ]
    if not rings:
        return None
    xy = [shapely.get_coordinates(ring) for ring in rings]
    codes = [np.full(len(each), Outline.LINETO, dtype=np.uint8) for each in xy]
    for each in codes:
        each[0], each[-1] = Outline.MOVETO, Outline.CLOSEPOLY
    return Outline(np.concatenate(xy), np.concatenate(codes))


def draw_points(
    axes: Axes,
    shapes: NDArray[np.object_],
    *,
    marker: str,
    face: str,
    edge: str = "white",
    size: float = 14.0,
    order: float = 6,
) -> None:
    """Draw points; rows without a place are left out."""
    placed = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if len(placed):
        xy = shapely.get_coordinates(shapely.centroid(placed))
        axes.scatter(xy[:, 0], xy[:, 1], s=size, marker=marker, c=face, edgecolors=edge, linewidths=0.5, zorder=order)


def draw_name(axes: Axes, shape: shapely.Geometry | None, text: str, *, size: float = 6.5, bold: bool = False) -> None:
    """Write a name inside a shape."""
    if shape is None or shape.is_empty:
        return
    place = shapely.point_on_surface(shape)
    axes.text(
        place.x,
        place.y,
        plain(text),
        fontproperties=font(size, bold=bold),
        ha="center",
        va="center",
        zorder=8,
        clip_on=True,
        parse_math=False,
        bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "alpha": 0.72, "edgecolor": "none"},
    )


def area_sign(
    face: str | None, edge: str | None = None, *, hatch: str | None = None, style: LineStyle = "solid"
) -> Patch:
    """Return the legend's sign of an area."""
    return Patch(facecolor=face or "none", edgecolor=edge or "none", hatch=hatch, linewidth=0.8, linestyle=style)


def point_sign(marker: str, face: str, edge: str = "white") -> Line2D:
    """Return the legend's sign of a point."""
    return Line2D([], [], linestyle="none", marker=marker, markerfacecolor=face, markeredgecolor=edge, markersize=5.5)


def line_sign(colour: str, width: float, *, style: LineStyle = "solid") -> Line2D:
    """Return the legend's sign of a line."""
    return Line2D([], [], color=colour, linewidth=width, linestyle=style)


def _scale_and_north(axes: Axes, words: Words) -> None:
    """Draw a scale bar of a round length and an arrow that points north."""
    west, east = axes.get_xlim()
    south, north = axes.get_ylim()
    length = round_length((east - west) * _BAR_SHARE)
    x, y = west + (east - west) * 0.03, south + (north - south) * 0.035
    high = (north - south) * 0.012
    for part, colour in ((0, "black"), (1, "white")):
        start = x + part * length / 2.0
        box = [(start, y), (start + length / 2.0, y), (start + length / 2.0, y + high), (start, y + high), (start, y)]
        codes = [Outline.MOVETO, *[Outline.LINETO] * 3, Outline.CLOSEPOLY]
        axes.add_collection(
            PathCollection([Outline(box, codes)], facecolors=colour, edgecolors="black", linewidths=0.6, zorder=9),
            autolim=False,
        )
    shown = f"{length / 1000.0:g} {words.kilometre}" if length >= 1000.0 else f"{length:g} {words.metre}"  # noqa: PLR2004
    box_ = {"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.8, "edgecolor": "none"}
    axes.text(x, y + high * 2.0, shown, fontproperties=font(7), ha="left", va="bottom", zorder=9, bbox=box_)
    arrow = {"arrowstyle": "-|>", "color": "black", "linewidth": 1.0}
    axes.annotate("", xy=(0.965, 0.92), xytext=(0.965, 0.82), xycoords="axes fraction", arrowprops=arrow, zorder=9)
    axes.text(
        0.965, 0.925, words.north, transform=axes.transAxes, ha="center", va="bottom", fontproperties=font(8, bold=True)
    )


def round_length(most: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not more.

    Examples
    --------
    >>> round_length(740.0), round_length(2000.0), round_length(99.0)
    (500.0, 2000.0, 50.0)
    """
    power = 10.0 ** math.floor(math.log10(most))
    return power * max(nice for nice in _NICE if nice * power <= most * (1 + 1e-9))

"""What does a printed map show? Streets, units, rings, gaps and facilities, with scale, north, legend and basis."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D, Bbox

from geo.reports import canvas as canvas_room
from geo.reports.canvas import Canvas, rectangle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from geo.reports.canvas import LineStyle

    Box = tuple[float, float, float, float]
    Stroke = Callable[[Canvas, Affine2D, Bbox], None]

RINGS = ("#08519c", "#4292c6", "#9ecae1")  # 5, 10, 15 minutes: dark to light of one hue
GAP = "#d94801"
WATER = "#d6e6f0"
STREET, MAIN_STREET = "#b8b8b8", "#8a8a8a"
UNIT, FOCUS = "#525252", "#111111"
POINT = "#2c2c2c"
_MAIN = ("motorway", "trunk", "primary", "secondary", "tertiary")
_BAR_SHARE = 0.22
_NICE = (1.0, 2.0, 5.0)
_PAD = 0.04
_SIDE = 0.01  # of the width, white beside the maps
_GAP_IN = 0.08  # between maps
_TITLE_PT, _NAME_PT, _LEGEND_PT, _FOOT_PT = 11.0, 8.0, 7.5, 6.5
_HEAD_IN, _NAME_IN = 0.34, 0.22
_LEGEND_ROW_IN, _FOOT_ROW_IN, _FOOT_PAD_IN = 0.18, 0.115, 0.05
_SIGN_IN, _SIGN_GAP_IN, _COLUMN_GAP_IN = 0.19, 0.08, 0.14
_LEAST_COLUMNS, _MOST_COLUMNS = 3, 7


class Words(NamedTuple):
    """All texts of a map; from data or the catalogue, and never read as anything else."""

    title: str
    foot: str
    north: str
    metre: str
    kilometre: str


@dataclass(frozen=True)
class Sign:
    """What stands for something in the legend: a marker, an area (filled, hatched or framed), or else a line."""

    face: str | None = None
    edge: str | None = None
    width: float = 0.8
    style: LineStyle = "solid"
    marker: str = ""
    hatch: str | None = None
    area: bool = False


@dataclass
class Legend:
    """Signs and what they mean, in the order in which they were drawn; each once."""

    entries: dict[str, Sign] = field(default_factory=dict)

    def add(self, label: str, sign: Sign) -> None:
        """Take in a sign unless its meaning is in the legend already."""
        self.entries.setdefault(plain(label), sign)


@dataclass(frozen=True)
class Streets:
    """Lines of all streets as one array of places with their boxes, so that a part of the study is cut out quickly."""

    xy: NDArray[np.float64]
    codes: NDArray[np.uint8]
    line: NDArray[np.int64]
    boxes: NDArray[np.float64]
    main: NDArray[np.bool_]

    @classmethod
    def of(cls, shapes: NDArray[np.object_], classes: Sequence[str]) -> Streets:
        """Return the streets of a study."""
        xy, line = shapely.get_coordinates(shapes, return_index=True)
        codes = np.where(np.diff(line, prepend=-1) > 0, Outline.MOVETO, Outline.LINETO).astype(np.uint8)
        main = np.array([name.removesuffix("_link") in _MAIN for name in classes], dtype=bool)
        return cls(xy, codes, line, shapely.bounds(shapes), main)

    def within(self, box: Box, *, main: bool) -> Outline | None:
        """Return the lines that may touch a box, main streets or others, as one path."""
        west, south, east, north = box
        near = (self.boxes[:, 0] <= east) & (self.boxes[:, 2] >= west)
        near &= (self.boxes[:, 1] <= north) & (self.boxes[:, 3] >= south) & (self.main == main)
        if not near.any():
            return None
        kept = near[self.line]
        return Outline(self.xy[kept], self.codes[kept])


@dataclass
class Frame:
    """One map: the part of the plane that it shows, its name, and what is drawn on it, lowest first."""

    box: Box
    name: str = ""
    strokes: list[tuple[float, Stroke]] = field(default_factory=list)

    def add(self, order: float, stroke: Stroke) -> None:
        """Draw something at its height above the ground."""
        self.strokes.append((order, stroke))

    def shown(self, width: float, height: float) -> Box:
        """Return what is shown in a place of some shape: one metre as long across as up."""
        west, south, east, north = self.box
        shape = width / height
        across, up = max(east - west, (north - south) * shape), max(north - south, (east - west) / shape)
        middle_x, middle_y = (west + east) / 2.0, (south + north) / 2.0
        return (middle_x - across / 2.0, middle_y - up / 2.0, middle_x + across / 2.0, middle_y + up / 2.0)


class Sheet:
    """A sheet of one or several maps that share legend and foot; draw, then ask for the PNG."""

    def __init__(
        self, words: Words, *, width_in: float, height_in: float, dpi: int, rows: int = 1, columns: int = 1
    ) -> None:
        self.words, self.rows, self.columns = words, rows, columns
        self.size_in, self.dpi = (width_in, height_in), dpi
        self.legend = Legend()
        self.frames: list[Frame] = []

    def frame(self, box: Box, *, name: str = "") -> Frame:
        """Open the next map over a part of the plane, padded to the shape of its place."""
        self.frames.append(Frame(box, plain(name) if name else ""))
        return self.frames[-1]

    def png(self) -> bytes:
        """Return the sheet as PNG: the same bytes every time, without date and version."""
        with canvas_room.lacking_signs():
            canvas = Canvas(*self.size_in, self.dpi)
            self._title(canvas)
            below = self._legend(canvas, self._foot(canvas))
            for frame, place in zip(self.frames, self._places(canvas, below), strict=False):
                _draw(canvas, frame, place, self.words)
        return canvas.png()

    def _title(self, canvas: Canvas) -> None:
        fits = canvas.width * 0.98 / canvas_room.width_of(self.words.title, size=_TITLE_PT, bold=True, dpi=self.dpi)
        size = min(_TITLE_PT, math.floor(_TITLE_PT * fits * 4.0) / 4.0)
        height = canvas.height - _HEAD_IN * self.dpi / 2.0
        canvas.text(canvas.width / 2.0, height, self.words.title, size=size, bold=True, align="center")

    def _foot(self, canvas: Canvas) -> float:
        """Write the lines of the foot; return how high they stand."""
        lines = [
            part
            for line in self.words.foot.split("\n")
            for part in wrapped(line, width=canvas.width * 0.98, size=_FOOT_PT, dpi=self.dpi)
        ]
        row = _FOOT_ROW_IN * self.dpi
        for number, line in enumerate(reversed(lines)):
            height = _FOOT_PAD_IN * self.dpi + (number + 0.5) * row
            canvas.text(canvas.width / 2.0, height, line, size=_FOOT_PT, align="center")
        return len(lines) * row + 2.0 * _FOOT_PAD_IN * self.dpi

    def _legend(self, canvas: Canvas, floor: float) -> float:
        """Draw signs and their meanings in columns; return how high they stand."""
        inch = self.dpi
        longest = (canvas.width * 0.98 - _LEAST_COLUMNS * _COLUMN_GAP_IN * inch) / _LEAST_COLUMNS
        longest -= (_SIGN_IN + _SIGN_GAP_IN) * inch
        labels = [shortened(label, width=longest, size=_LEGEND_PT, dpi=inch) for label in self.legend.entries]
        if not labels:
            return floor
        widths = [canvas.width_of(label, size=_LEGEND_PT) + (_SIGN_IN + _SIGN_GAP_IN) * inch for label in labels]
        columns = column_widths(widths, most=canvas.width * 0.98, gap=_COLUMN_GAP_IN * inch)
        rows = -(-len(labels) // len(columns))
        row = _LEGEND_ROW_IN * inch
        left = (canvas.width - sum(columns) - _COLUMN_GAP_IN * inch * (len(columns) - 1)) / 2.0
        for number, (label, sign) in enumerate(zip(labels, self.legend.entries.values(), strict=True)):
            column, line = divmod(number, rows)
            x = left + sum(columns[:column]) + column * _COLUMN_GAP_IN * inch
            y = floor + (rows - line - 0.5) * row
            _draw_sign(canvas, sign, x, y)
            canvas.text(x + (_SIGN_IN + _SIGN_GAP_IN) * inch, y, label, size=_LEGEND_PT)
        return floor + rows * row

    def _places(self, canvas: Canvas, below: float) -> list[Bbox]:
        """Return where the maps stand, row by row from the top."""
        inch = self.dpi
        named = _NAME_IN * inch if any(frame.name for frame in self.frames) else 0.0
        gap, side = _GAP_IN * inch, round(_SIDE * canvas.width)
        wide = (canvas.width - 2 * side - (self.columns - 1) * gap) / self.columns
        top, floor = canvas.height - _HEAD_IN * inch, below + gap / 2.0
        high = (top - floor) / self.rows - named - (gap if self.rows > 1 else 0.0)
        places = []
        for row in range(self.rows):
            north = top - row * (top - floor) / self.rows - named
            for column in range(self.columns):
                west = side + column * (wide + gap)
                corners = np.floor([west, north - high, west + wide, north]) + 0.5  # a frame's line fills whole pixels
                places.append(Bbox.from_extents(*corners))
        return places


def _draw(canvas: Canvas, frame: Frame, place: Bbox, words: Words) -> None:
    """Draw one map into its place, with frame, name, scale and north."""
    west, south, east, north = frame.shown(place.width, place.height)
    at = Affine2D().translate(-west, -south).scale(place.width / (east - west), place.height / (north - south))
    at = at.translate(place.x0, place.y0)
    for _, stroke in sorted(frame.strokes, key=lambda drawn: drawn[0]):
        stroke(canvas, at, place)
    _scale(canvas, place, metres=east - west, words=words)
    _north(canvas, place, words.north)
    canvas.outline(rectangle(place.x0, place.y0, place.x1, place.y1), edge="black")
    if frame.name:
        height = place.y1 + _NAME_IN * canvas.dpi / 2.0
        name = shortened(frame.name, width=place.width, size=_NAME_PT, dpi=canvas.dpi)
        canvas.text((place.x0 + place.x1) / 2.0, height, name, size=_NAME_PT, align="center")


def _draw_sign(canvas: Canvas, sign: Sign, x: float, y: float) -> None:
    """Draw a sign of the legend from its left edge on."""
    wide, half = _SIGN_IN * canvas.dpi, 0.045 * canvas.dpi
    if sign.marker:
        size = 5.0
        canvas.signs(
            np.array([[x + wide / 2.0, y]]),
            marker=sign.marker,
            face=sign.face or "none",
            edge=sign.edge or "none",
            size=size,
        )
    elif sign.area:
        place = rectangle(round(x) + 0.5, round(y - half) + 0.5, round(x + wide) + 0.5, round(y + half) + 0.5)
        canvas.outline(place, face=sign.face, edge=sign.edge, width=sign.width, style=sign.style, hatch=sign.hatch)
    else:
        canvas.outline(Outline([(x, y), (x + wide, y)]), edge=sign.edge, width=sign.width, style=sign.style)


def wrapped(text: str, *, width: float, size: float, dpi: int) -> list[str]:
    """Return a text as lines that are not wider than so many pixels; it breaks at spaces, Chinese anywhere.

    Examples
    --------
    >>> wrapped("ab cd ef", width=45.0, size=10.0, dpi=72)
    ['ab cd ef']
    >>> wrapped("ab cd ef", width=30.0, size=10.0, dpi=72)
    ['ab cd', 'ef']
    """
    if canvas_room.width_of(text, size=size, dpi=dpi) <= width:
        return [text]
    parts: list[str] = [""]
    for before, sign in pairwise(f" {text}"):
        if sign == " " or unicodedata.east_asian_width(before) in "WF":
            parts.append("")
        parts[-1] += sign
    lines = [""]
    for part in parts:
        if lines[-1] and canvas_room.width_of((lines[-1] + part).rstrip(), size=size, dpi=dpi) > width:
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip()
    return [line.rstrip() for line in lines]


def shortened(text: str, *, width: float, size: float, dpi: int) -> str:
    """Return a text that is not wider than so many pixels, cut with "…" where it would be.

    Examples
    --------
    >>> shortened("ab", width=45.0, size=10.0, dpi=72), shortened("a" * 99, width=45.0, size=10.0, dpi=72)[-1]
    ('ab', '…')
    """
    if canvas_room.width_of(text, size=size, dpi=dpi) <= width:
        return text
    fits = (n for n in range(len(text) - 1, 0, -1) if canvas_room.width_of(f"{text[:n]}…", size=size, dpi=dpi) <= width)
    return f"{text[: next(fits, 1)]}…"


def column_widths(widths: Sequence[float], *, most: float, gap: float) -> list[float]:
    """Return the widths of the columns of a legend that is filled column by column: as many as fit beside each other.

    Examples
    --------
    >>> column_widths([10.0, 20.0, 10.0], most=60.0, gap=5.0), column_widths([10.0, 20.0, 10.0], most=35.0, gap=5.0)
    ([10.0, 20.0, 10.0], [20.0, 10.0])
    """
    for columns in range(min(len(widths), _MOST_COLUMNS), 1, -1):
        rows = -(-len(widths) // columns)
        found = [max(widths[begin : begin + rows]) for begin in range(0, len(widths), rows)]
        if sum(found) + gap * (len(found) - 1) <= most:
            return found
    return [max(widths)]


def plain(text: str) -> str:
    """Return a text of one line, never empty."""
    return " ".join(text.split()) or " "


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


def draw_streets(frame: Frame, streets: Streets, *, width: float = 0.5) -> None:
    """Draw the streets of a part of the plane, main ones stronger."""

    def stroke(canvas: Canvas, at: Affine2D, place: Bbox) -> None:
        west, south, east, north = frame.shown(place.width, place.height)
        for main, colour, factor in ((False, STREET, 1.0), (True, MAIN_STREET, 2.2)):
            outline = streets.within((west, south, east, north), main=main)
            if outline is not None:
                canvas.outline(outline, at, edge=colour, width=width * factor, clip=place)

    frame.add(2, stroke)


def draw_areas(
    frame: Frame,
    shapes: Iterable[shapely.Geometry | None],
    sign: Sign,
    *,
    alpha: float = 1.0,
    order: float = 1,
) -> None:
    """Draw polygons with their holes as a sign of the legend shows them; what is no polygon is left out."""
    outline = outline_of(shapes)
    if outline is not None:
        frame.add(
            order,
            lambda canvas, at, place: canvas.outline(
                outline,
                at,
                face=sign.face,
                edge=sign.edge,
                width=sign.width,
                style=sign.style,
                hatch=sign.hatch,
                alpha=alpha,
                clip=place,
            ),
        )


def outline_of(shapes: Iterable[shapely.Geometry | None]) -> Outline | None:
    """Return polygons as one path; rings wind so that holes stay open."""
    parts = shapely.get_parts(np.array([shape for shape in shapes if shape is not None], dtype=object))
    parts = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)]
    if not len(parts):
        return None
    rings = shapely.get_rings(shapely.orient_polygons(parts))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(xy), Outline.LINETO, dtype=np.uint8)
    begins = np.flatnonzero(np.diff(ring, prepend=-1))
    codes[begins] = Outline.MOVETO
    codes[np.append(begins[1:], len(xy)) - 1] = Outline.CLOSEPOLY
    return Outline(xy, codes)


def draw_points(frame: Frame, shapes: NDArray[np.object_], sign: Sign, *, size: float = 3.7, order: float = 6) -> None:
    """Draw points, so many points of the press wide; rows without a place are left out."""
    placed = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if len(placed):
        xy = shapely.get_coordinates(shapely.centroid(placed))
        face, edge = sign.face or "none", sign.edge or "none"
        frame.add(
            order,
            lambda canvas, at, place: canvas.signs(
                xy, at, marker=sign.marker, face=face, edge=edge, size=size, clip=place
            ),
        )


def draw_name(
    frame: Frame, shape: shapely.Geometry | None, text: str, *, size: float = 6.5, bold: bool = False
) -> None:
    """Write a name inside a shape."""
    if shape is None or shape.is_empty:
        return
    where = shapely.point_on_surface(shape)

    def stroke(canvas: Canvas, at: Affine2D, place: Bbox) -> None:
        x, y = at.transform((where.x, where.y))
        canvas.text(x, y, plain(text), size=size, bold=bold, align="center", halo=0.72, clip=place)

    frame.add(8, stroke)


def area_sign(
    face: str | None,
    edge: str | None = None,
    *,
    width: float = 0.8,
    hatch: str | None = None,
    style: LineStyle = "solid",
) -> Sign:
    """Return the sign of an area."""
    return Sign(face, edge, width, style, hatch=hatch, area=True)


def point_sign(marker: str, face: str, edge: str = "white") -> Sign:
    """Return the sign of a point."""
    return Sign(face, edge, marker=marker)


def line_sign(colour: str, width: float, *, style: LineStyle = "solid") -> Sign:
    """Return the sign of a line, or of the outline of an area."""
    return Sign(None, colour, width, style)


def _scale(canvas: Canvas, place: Bbox, *, metres: float, words: Words) -> None:
    """Draw a scale bar of a round length."""
    length = round_length(metres * _BAR_SHARE)
    wide = length / metres * place.width
    x, y, high = place.x0 + 0.03 * place.width, place.y0 + 0.035 * place.height, 0.022 * canvas.dpi
    shown = f"{length / 1000.0:g} {words.kilometre}" if length >= 1000.0 else f"{length:g} {words.metre}"  # noqa: PLR2004
    for part, colour in ((0, "black"), (1, "white")):
        start = x + part * wide / 2.0
        canvas.outline(rectangle(start, y, start + wide / 2.0, y + high), face=colour, edge="black")
    canvas.text(x, y + high + 0.075 * canvas.dpi, shown, size=7.0, halo=0.8)


def _north(canvas: Canvas, place: Bbox, word: str) -> None:
    """Draw an arrow that points north."""
    inch = canvas.dpi
    x, top = place.x1 - max(0.035 * place.width, 0.12 * inch), place.y1 - 0.2 * inch
    head, foot, half = 0.08 * inch, 0.24 * inch, 0.035 * inch
    canvas.outline(Outline([(x, top - head), (x, top - foot)]), edge="black", width=1.0)
    tip = [(x, top), (x + half, top - head), (x - half, top - head), (x, top)]
    canvas.outline(Outline(tip, [Outline.MOVETO, *[Outline.LINETO] * 2, Outline.CLOSEPOLY]), face="black", edge="black")
    canvas.text(x, top + 0.08 * inch, word, size=8.0, bold=True, align="center")


def round_length(most: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not more.

    Examples
    --------
    >>> round_length(740.0), round_length(2000.0), round_length(99.0)
    (500.0, 2000.0, 50.0)
    """
    power = 10.0 ** math.floor(math.log10(most))
    return power * max(nice for nice in _NICE if nice * power <= most * (1 + 1e-9))

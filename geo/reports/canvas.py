"""How do lines, areas, signs and texts become a picture? Straight onto a raster, without figures that lay themselves out."""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib import colors
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D, Bbox

from geo.reports import fonts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.backend_bases import GraphicsContextBase
    from numpy.typing import NDArray

LineStyle = Literal["solid", "dotted", "dashdot"]
POINTS_PER_IN = 72.0
INCH_M = 0.0254
_DASHES: dict[LineStyle, tuple[float, ...] | None] = {  # in widths of the line
    "solid": None,
    "dotted": (1.0, 1.65),
    "dashdot": (6.4, 1.6, 1.0, 1.6),
}
# Flat colours pack best as they are: unfiltered at this level takes a third of the time of filters and is smaller.
_PACKING = 3
_UNFILTERED = 0
_PARTS = 2
_ZLIB_HEAD = b"\x78\x5e"  # deflate with a window of 32 KiB, packed fast
_TEXTS_KEPT, _INK_KEPT = 4096, 512  # names of services and the foot come again on map after map
_AROUND = 2  # pixels around a text, for letters that lean out
# Where the line of letters runs, as a share of their height, so that labels beside each other stand level.
_BASE = 0.36


class Canvas:
    """A white picture of so many inches; places are pixels from its lower left corner, sizes points."""

    def __init__(self, width_in: float, height_in: float, dpi: int) -> None:
        self.dpi, self.width, self.height = dpi, round(width_in * dpi), round(height_in * dpi)
        self._renderer = _raster(self.width, self.height, dpi)
        self.outline(rectangle(0.0, 0.0, self.width, self.height), face="white")

    def pixels(self, points: float) -> float:
        """Return points as pixels."""
        return points * self.dpi / POINTS_PER_IN

    def outline(
        self,
        path: Outline,
        at: Affine2D | None = None,
        *,
        face: str | None = None,
        edge: str | None = None,
        width: float = 0.6,
        style: LineStyle = "solid",
        hatch: str | None = None,
        alpha: float = 1.0,
        clip: Bbox | None = None,
    ) -> None:
        """Draw the lines of a path, and fill it where a face is given."""
        pen = self._pen(edge, width=width, style=style, alpha=alpha, clip=clip)
        if hatch is not None:
            pen.set_hatch(hatch)
            pen.set_hatch_color(_colour(edge, alpha) or "none")
        self._renderer.draw_path(pen, path, at or Affine2D(), _colour(face, alpha))

    def signs(
        self,
        xy: NDArray[np.float64],
        at: Affine2D | None = None,
        *,
        marker: str,
        face: str,
        edge: str = "white",
        size: float = 4.0,
        clip: Bbox | None = None,
    ) -> None:
        """Draw a sign at every place, so many points wide."""
        shape, turned = _marker(marker)
        pen = self._pen(edge, width=0.5, clip=clip)
        grown = turned.frozen().scale(self.pixels(size))
        self._renderer.draw_markers(pen, shape, grown, Outline(xy), at or Affine2D(), colors.to_rgba(face))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float,
        bold: bool = False,
        align: Literal["left", "center"] = "left",
        halo: float = 0.0,
        clip: Bbox | None = None,
    ) -> None:
        """Write a line of text whose middle stands at a height, on white that covers so much (0 to 1) if wished."""
        if clip is not None and not (clip.x0 <= x <= clip.x1 and clip.y0 <= y <= clip.y1):
            return
        letters = self.pixels(size)
        ink, wide, base = _written(text, size=size, bold=bold, dpi=self.dpi, families=tuple(fonts.families()))
        if align == "center":
            x -= wide / 2.0
        if halo:
            aside = 0.15 * letters
            behind = rectangle(x - aside, y - 0.65 * letters, x + wide + aside, y + 0.65 * letters)
            self.outline(behind, face="white", alpha=halo, clip=clip)
        pen = self._pen("black", width=0.0, clip=clip)
        self._renderer.draw_image(pen, round(x) - _AROUND, round(y - _BASE * letters) - base, ink)

    def width_of(self, text: str, *, size: float, bold: bool = False) -> float:
        """Return how many pixels wide a line of text is."""
        return width_of(text, size=size, bold=bold, dpi=self.dpi)

    def png(self) -> bytes:
        """Return the picture as PNG: the same bytes every time, without date and version."""
        ink = np.asarray(self._renderer.buffer_rgba())
        lines = np.full((self.height, 1 + 3 * self.width), _UNFILTERED, dtype=np.uint8)
        dots = lines[:, 1:].reshape(self.height, self.width, 3)
        for colour in range(3):  # one at a time: copied six times as quickly as three beside each other
            dots[..., colour] = ink[..., colour]
        per_m = round(self.dpi / INCH_M)
        return b"".join(
            [
                b"\x89PNG\r\n\x1a\n",
                _chunk(b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)),
                _chunk(b"pHYs", struct.pack(">IIB", per_m, per_m, 1)),
                _chunk(b"IDAT", _packed(lines)),
                _chunk(b"IEND", b""),
            ]
        )

    def _pen(
        self,
        colour: str | None,
        *,
        width: float,
        style: LineStyle = "solid",
        alpha: float = 1.0,
        clip: Bbox | None = None,
    ) -> GraphicsContextBase:
        pen: GraphicsContextBase = self._renderer.new_gc()
        pen.set_linewidth(0.0 if colour is None else width)
        pen.set_foreground(_colour(colour, alpha) or (0.0, 0.0, 0.0, 0.0), isRGBA=True)
        dashes = _DASHES[style]
        if dashes is not None:
            pen.set_dashes(0.0, [width * part for part in dashes])
        pen.set_clip_rectangle(clip)
        return pen


def width_of(text: str, *, size: float, bold: bool = False, dpi: int) -> float:
    """Return how many pixels wide a line of text is in a picture so fine.

    Examples
    --------
    >>> width_of("mm", size=8.0, dpi=150) > width_of("m", size=8.0, dpi=150) > 0.0
    True
    """
    return _measured(text, size=size, bold=bold, dpi=dpi, families=tuple(fonts.families()))[0]


@lru_cache(maxsize=_TEXTS_KEPT)
def _measured(text: str, *, size: float, bold: bool, dpi: int, families: tuple[str, ...]) -> tuple[float, float, float]:
    """Return width, height and what hangs below the line, in pixels."""
    font = _font(families, size, bold=bold)
    wide, high, below = _ruler(dpi).get_text_width_height_descent(text, font, ismath=False)
    return float(wide), float(high), float(below)


@lru_cache(maxsize=_INK_KEPT)
def _written(
    text: str, *, size: float, bold: bool, dpi: int, families: tuple[str, ...]
) -> tuple[NDArray[np.uint8], float, int]:
    """Return a line of text as ink, how wide it is, and how high above the lower edge its letters stand."""
    wide, high, below = _measured(text, size=size, bold=bold, dpi=dpi, families=families)
    base = math.ceil(below) + _AROUND
    renderer = _raster(math.ceil(wide) + 2 * _AROUND, math.ceil(high - below) + base + _AROUND, dpi)
    font = _font(families, size, bold=bold)
    renderer.draw_text(renderer.new_gc(), _AROUND, renderer.height - base, text, font, 0.0, ismath=False)
    return np.array(renderer.buffer_rgba())[::-1], wide, base  # pictures are taken from the lowest row on


def _raster(width: float, height: float, dpi: int) -> Any:  # noqa: ANN401 - matplotlib's own, without types
    return RendererAgg(width, height, dpi)  # type: ignore[no-untyped-call]


@cache
def _ruler(dpi: int) -> Any:  # noqa: ANN401
    return _raster(1, 1, dpi)


@contextmanager
def lacking_signs() -> Iterator[None]:
    """Draw a sign that no font has as a box, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@cache
def _font(families: tuple[str, ...], size: float, *, bold: bool) -> FontProperties:
    return FontProperties(family=list(families), size=size, weight="bold" if bold else "normal")


@cache
def _marker(name: str) -> tuple[Outline, Any]:
    marker = MarkerStyle(name)
    return marker.get_path(), marker.get_transform()


@cache
def _colour(name: str | None, alpha: float) -> tuple[float, float, float, float] | None:
    return None if name is None else colors.to_rgba(name, alpha)


def rectangle(west: float, south: float, east: float, north: float) -> Outline:
    """Return the outline of a rectangle."""
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return Outline(corners, [Outline.MOVETO, *[Outline.LINETO] * 3, Outline.CLOSEPOLY])


def _packed(lines: NDArray[np.uint8]) -> bytes:
    """Return lines of a picture as one zlib stream, packed in parts beside each other, always the same ones.

    Parts of a stream may be packed apart when each but the last ends on a whole byte (RFC 1951, 3.2.4; as pigz does).
    """
    parts = np.array_split(lines, _PARTS)
    last = [False] * (_PARTS - 1) + [True]
    with ThreadPoolExecutor(_PARTS) as pool:  # the library works without Python's lock
        packed = pool.map(_packed_part, parts, last)
        check = zlib.adler32(lines.data)
    return b"".join([_ZLIB_HEAD, *packed, struct.pack(">I", check)])


def _packed_part(lines: NDArray[np.uint8], last: bool) -> bytes:  # noqa: FBT001
    packer = zlib.compressobj(_PACKING, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(lines.data) + packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

"""A printed map shows things where they are: read back from its pixels."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
import shapely
from PIL import Image

from geo.reports import static_maps
from geo.reports.canvas import Canvas, _packed
from geo.reports.static_maps import Sheet, Streets, Words

WORDS = Words("图名", "口径\n审图", "北", "米", "千米")
BOX = (0.0, 0.0, 1000.0, 1000.0)


def drawn(*, draw, labels=(), box=BOX):
    """Return the pixels of a sheet of one map, and what turns a place into column and row."""
    sheet = Sheet(WORDS, width_in=4.0, height_in=4.0, dpi=100)
    frame = sheet.frame(box)
    found = {}
    frame.add(0, lambda _canvas, at, place: found.update(at=at, place=place))
    draw(frame)
    for label in labels:
        sheet.legend.add(label, static_maps.point_sign("o", "#ff0000"))
    with Image.open(io.BytesIO(sheet.png())) as opened:
        pixels = np.asarray(opened.convert("RGB"))

    def colour(x, y):
        across, up = found["at"].transform((x, y))
        return tuple(int(part) for part in pixels[pixels.shape[0] - 1 - int(up), int(across)])

    return pixels, colour, found["place"]


def test_areas_keep_their_holes_and_lie_where_they_are():
    ring = shapely.box(200, 200, 800, 800).difference(shapely.box(400, 400, 600, 600))
    sign = static_maps.area_sign("#00ff00")
    _, colour, _ = drawn(draw=lambda frame: static_maps.draw_areas(frame, [None, shapely.Polygon(), ring], sign))
    for place, expected in {(300, 300): (0, 255, 0), (500, 500): (255, 255, 255), (100, 500): (255, 255, 255)}.items():
        assert colour(*place) == expected


def test_what_is_higher_covers_what_is_lower_whatever_came_first():
    def draw(frame):
        static_maps.draw_areas(frame, [shapely.box(300, 300, 700, 700)], static_maps.area_sign("#ff0000"), order=4)
        static_maps.draw_areas(frame, [shapely.box(100, 100, 900, 900)], static_maps.area_sign("#0000ff"), order=1)

    _, colour, _ = drawn(draw=draw)
    assert (colour(500, 500), colour(200, 500)) == ((255, 0, 0), (0, 0, 255))


def test_streets_and_points_are_drawn_and_stay_inside_the_frame():
    lines = np.array([shapely.LineString([(-5000, 500), (5000, 500)]), shapely.LineString([(0, 9e3), (1, 9e3)])])
    streets = Streets.of(lines, ["primary_link", "footway"])
    assert (streets.main.tolist(), len(streets.within(BOX, main=True).vertices)) == ([True, False], 2)
    assert streets.within(BOX, main=False) is None

    def draw(frame):
        static_maps.draw_streets(frame, streets, width=4.0)
        places = np.array([shapely.Point(500, 800), None, shapely.Point()], dtype=object)
        static_maps.draw_points(frame, places, static_maps.point_sign("s", "#ff0000"), size=9.0)

    pixels, colour, place = drawn(draw=draw)
    assert colour(500, 500) == tuple(int(static_maps.MAIN_STREET[at : at + 2], 16) for at in (1, 3, 5))
    assert colour(500, 800) == (255, 0, 0)
    beside = np.delete(pixels, np.s_[int(place.x0) - 1 : int(place.x1) + 2], axis=1)
    assert (beside == 255).all()  # left and right of the frame nothing is drawn


@pytest.mark.parametrize("labels", [["社区"], ["一个名字很长的服务类型" * 3] * 1 + [f"服务{n}" for n in range(17)]])
def test_no_sign_and_no_word_of_the_legend_is_cut(labels):
    pixels, _, place = drawn(draw=lambda _frame: None, labels=labels)
    below = pixels[pixels.shape[0] - int(place.y0) + 1 :]
    assert (below != 255).any()
    assert (below[:, [0, 1, -2, -1]] == 255).all()
    assert place.height > 100


def test_a_map_shows_one_metre_as_long_across_as_up():
    for box in ((0.0, 0.0, 1000.0, 10.0), (0.0, 0.0, 10.0, 1000.0)):
        west, south, east, north = static_maps.Frame(box).shown(300.0, 200.0)
        assert (east - west) / (north - south) == pytest.approx(1.5)
        assert (west, south) <= box[:2]
        assert (east, north) >= box[2:]


def test_a_picture_is_read_back_as_it_was_drawn():
    canvas = Canvas(1.0, 0.5, 100)
    canvas.outline(static_maps.rectangle(0, 0, 50, 50), face="#123456")
    with Image.open(io.BytesIO(canvas.png())) as opened:
        opened.verify()
    with Image.open(io.BytesIO(canvas.png())) as opened:
        assert (opened.size, opened.mode) == ((100, 50), "RGB")
        assert (opened.getpixel((25, 25)), opened.getpixel((75, 25))) == ((0x12, 0x34, 0x56), (255, 255, 255))


def test_text_stands_upright_at_its_height():
    canvas = Canvas(1.0, 1.0, 100)
    canvas.text(50.0, 70.0, "L", size=36.0, align="center")
    with Image.open(io.BytesIO(canvas.png())) as opened:
        dark = np.asarray(opened.convert("L")) < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    middle = (rows[0] + rows[-1]) // 2
    assert dark[middle + 1 : rows[-1] + 1].sum() > 1.2 * dark[rows[0] : middle + 1].sum()  # the foot of the letter
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(100 - 70, abs=3)
    assert (columns[0] + columns[-1]) / 2 == pytest.approx(50, abs=4)


@pytest.mark.parametrize("rows", [1, 3, 4, 50, 1001])
def test_a_picture_packed_in_parts_is_one_stream(rows):
    lines = np.random.default_rng(rows).integers(0, 3, (rows, 700), dtype=np.uint8)
    packed = _packed(lines)
    assert zlib.decompress(packed) == lines.tobytes()
    assert packed == _packed(lines)

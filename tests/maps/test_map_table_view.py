"""The table of all units in a browser: nothing hides behind it, and what happens on the map leaves it."""

import dataclasses

import pandas as pd
import pytest
from browsing import assert_quiet, click, open_page, wait

from geo.maps import map_page

ON_MAP = "document.getElementById('matrix').hidden && geoMap.page.view !== 'matrix'"
COVERED = """
  return [...document.querySelectorAll("#views button")].filter((button) => {
    const box = button.getBoundingClientRect();
    return document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2) !== button;
  }).length
"""


def sized(browser, width, height):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.fixture
def page(browser, tmp_path, results):
    sized(browser, 1280, 720)
    open_page(browser, tmp_path, map_page(results))
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def pressed(browser, key, selector="body"):
    browser.execute_script(
        "document.querySelector(arguments[1]).dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], bubbles: true}))",
        key,
        selector,
    )


def searched(browser, name, key):
    browser.execute_script(
        "const f = document.getElementById('find'); f.dispatchEvent(new Event('focus'));"
        "f.value = arguments[0]; f.dispatchEvent(new Event('input'))",
        name,
    )
    pressed(browser, key, "#find")


def test_the_views_stay_within_reach(page):
    for width, height in ((1280, 720), (1920, 1080)):
        sized(page, width, height)
        click(page, "[data-view=matrix]")
        wait(page, "!document.getElementById('matrix').hidden")
        assert page.execute_script(COVERED) == 0
        under = (
            "const b = [...document.querySelectorAll('#views button')].map((e) => e.getBoundingClientRect().bottom);"
        )
        head = "return document.querySelector('.matrix-head').getBoundingClientRect().top - Math.max(...b)"
        assert page.execute_script(under + head) >= 0, "the buttons cover nothing of the table"


@pytest.mark.slow
def test_what_happens_on_the_map_leaves_the_table(page, place):
    def jump():
        page.execute_script(
            "const j = document.getElementById('jump'); j.selectedIndex = 1; j.dispatchEvent(new Event('change'))"
        )

    acts = {
        "escape": lambda: pressed(page, "Escape"),
        "gap": lambda: click(page, "button.gap"),
        "search": lambda: searched(page, "西安社区", "Enter"),
        "street": lambda: searched(page, "街1", "Enter"),
        "jump": jump,
        "unit": lambda: click(page, "#matrix tbody .link"),
        "measure": lambda: click(page, "[data-tool=measure]"),
    }
    for view in ("rings", "shares"):
        for name, act in (
            acts.items() if view == "rings" else (("escape", acts["escape"]), ("measure", acts["measure"]))
        ):
            click(page, "button[data-tab=gaps]")
            click(page, f"[data-view={view}]")
            click(page, "[data-view=matrix]")
            assert not page.execute_script(f"return {ON_MAP}"), name
            act()
            assert page.execute_script(f"return {ON_MAP}"), name
            assert page.execute_script("return geoMap.page.view") == view, "the map as it was"
    assert page.execute_script("return geoMap.page.measure.on")
    click(page, "[data-view=matrix]")
    assert not page.execute_script("return geoMap.page.measure.on"), "nothing is measured on a table"
    click(page, "button.gap")
    wait(page, "document.querySelector('.leaflet-popup .card')")
    lat, lon = place(2150, 1700)
    assert page.execute_script("return geoMap.page.map.getBounds().contains([arguments[0], arguments[1]])", lat, lon)
    assert_quiet(page)


def test_escape_closes_what_was_found_before_the_table(page):
    click(page, "[data-view=matrix]")
    searched(page, "社区", "Escape")
    assert page.execute_script("return document.getElementById('found').hidden")
    assert not page.execute_script(f"return {ON_MAP}")
    pressed(page, "Escape", "#find")
    assert page.execute_script(f"return {ON_MAP}")


CONTRAST = """
  const lightness = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(document.querySelector("[data-tool=dark]"));
  const [high, low] = [lightness(style.color), lightness(style.backgroundColor)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05)
"""


def test_a_tool_can_be_read_while_the_pointer_rests_on_it(page):
    box = "const b = document.querySelector('[data-tool=dark]').getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]"
    for dress in ("light", "dark"):
        page.execute_script("geoMap.page.dressIn(arguments[0])", dress)
        x, y = page.execute_script(box)
        page.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})
        wait(page, "document.querySelector('[data-tool=dark]').matches(':hover')")
        assert page.execute_script(CONTRAST) > 4.5, dress


SCROLLBAR_PX = 17  # the tests' browser hides it
WIDTHS = """
  const sheet = document.querySelector(".matrix-sheet"), table = sheet.querySelector("table");
  const wide = table.offsetWidth;
  table.style.width = "1px";
  const least = table.offsetWidth;
  table.style.width = "";
  return [wide, least, sheet.clientWidth]
"""
BROKEN = """
  const broken = [];
  const canvas = document.createElement("canvas").getContext("2d");
  document.querySelectorAll("#matrix .sort .data").forEach((label) => {
    canvas.font = getComputedStyle(label).font;
    label.textContent.split(/[\\s-]+/).forEach((word) => {
      if (canvas.measureText(word).width > label.getBoundingClientRect().width + 1) broken.push(word);
    });
  });
  return broken
"""


@pytest.fixture(scope="module")
def full(make_results):
    """The county with ten services of the catalogue, each of which reaches all people of a community."""
    results = make_results()
    counted = [code for code, kind in results.study.services.items() if kind.rings][:10]
    services = {code: dataclasses.replace(results.study.services[code], demand=("residents",)) for code in counted}
    whole = results.coverage[
        (results.coverage["unit_id"] == "c1")
        & (results.coverage["mode"] == "walk")
        & (results.coverage["limit_minutes"] == 15)
    ]
    rows = [
        whole.assign(service=code, mode=kind.rings[0].mode, limit_minutes=kind.rings[0].limit, share=1.0)
        for code, kind in services.items()
    ]
    return make_results(services=services, coverage=pd.concat(rows, ignore_index=True))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_table_fits_and_breaks_no_word(browser, tmp_path, full, lang):
    sized(browser, 1280, 720)
    open_page(browser, tmp_path, map_page(full, lang=lang))
    click(browser, "[data-view=matrix]")
    wait(browser, "!document.getElementById('matrix').hidden")
    table, least, room = browser.execute_script(WIDTHS)
    assert browser.execute_script("return document.querySelectorAll('#matrix thead th').length") > 8
    assert table <= room
    assert least <= room - SCROLLBAR_PX
    assert browser.execute_script(BROKEN) == []
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

"""The pages of real studies: every number is that of coverage.csv, every way that of layers.gpkg, nothing is asked for."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import tomllib
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyogrio
import pytest
from browsing import assert_quiet, wait
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import geo
from geo.reports.word_table import shown

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
STUDIES = ("yongchun", "quangang", "nanan", "portoalegre")
SAMPLES = STUDIES[:3]
KEY = ["unit_kind", "unit_id", "service", "mode", "limit_minutes", "demand"]
NEAREST = "const page = geoMap.page; return page.data.gaps.id.map((id, gap) => [id, page.nearestText(gap)])"
ROWS = """
const page = geoMap.page, { data } = page, found = [], bars = [];
page.panel.tab = "units";
data.services.forEach((service, place) => {
  if (service.test !== "minutes") return;
  page.chooseService(place);
  service.rings.forEach((ring, i) => {
    page.chooseRing(i);
    service.demand.forEach((group) => {
      page.chooseGroup(group);
      document.querySelectorAll("#sheet tr[data-unit]").forEach((row) => {
        const [unit, of] = [Number(row.dataset.unit), Number(row.dataset.group)];
        const share = row.querySelector(".share b"), numbers = row.querySelector(".numbers");
        found.push([data.units.kind[unit], data.units.id[unit], service.code, data.modes[ring.mode].label, ring.limit,
          data.groups[of], share && share.textContent, numbers && numbers.textContent]);
      });
      const limits = page.coverageLimits();
      document.querySelectorAll("#headline .bar").forEach((bar, at) =>
        bars.push(["study", "", service.code, data.modes[ring.mode].label, limits[at], data.groups[group], bar.querySelector("b").textContent, null]));
    });
  });
});
page.chooseService(0);
page.panel.open("gaps");
return found.concat(bars);
"""
CELLS = """
const page = geoMap.page, { data } = page, found = [];
page.chooseView("matrix");
page.matrix.kinds().forEach((kind) => {
  page.matrix.kind = kind;
  page.matrix.draw();
  document.querySelectorAll("#matrix td").forEach((cell) => {
    const [unit, service] = [Number(cell.dataset.unit), Number(cell.dataset.service)];
    const { row } = page.matrix.cell(unit, service);
    if (!row) return;
    const ring = data.services[service].rings[0];
    found.push([data.units.kind[unit], data.units.id[unit], data.services[service].code, data.modes[ring.mode].label,
      ring.limit, data.groups[row.group], cell.querySelector("span").textContent, cell.title.split(" ").slice(0, 3).join(" ")]);
  });
});
page.chooseView("rings");
return found;
"""
WAYS = """
const page = geoMap.page, found = [];
page.data.units.kind.forEach((kind, unit) => {
  if (kind !== "community") return;
  page.asking.ask({ unit });
  page.asking.answers.forEach((answer) => {
    if (!answer.found || !answer.found.start.id) return;
    if (answer.minutes === Infinity) return found.push([unit, page.data.services[answer.service].code, answer.found.start.id, null, 0]);
    page.asking.shown = answer.service;
    page.asking.draw();
    found.push([unit, page.data.services[answer.service].code, answer.found.start.id, answer.minutes, page.asking.line.length]);
  });
});
page.asking.clear();
return found;
"""


class Written(NamedTuple):
    """A study that was run: its name, its results and the folder they were written to."""

    name: str
    analysis: geo.Analysis
    folder: Path


@pytest.fixture(scope="module")
def written(tmp_path_factory, sample_layers, shared):
    """All studies, run once."""
    folder = tmp_path_factory.mktemp("studies")
    found = {}
    for name in STUDIES:
        if name == "portoalegre":
            study = geo.read_study(HERE.parent / "studies" / name, data=(shared / "data" / name,))
        else:
            study = geo.read_study(sample_layers / name)
        analysis = geo.analyse(study)
        analysis.write(folder / name)
        found[name] = Written(name, analysis, folder / name)
    return found


def opened(browser, one, *, width=1280, height=720):
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get("about:blank")
    browser.get((one.folder / "map.html").as_uri())
    wait(browser, "document.documentElement.dataset.ready === 'yes'")
    return browser


def printed(share):
    """Return a share as the page prints it: one decimal, never rounded up to all or down to none."""
    percent = Decimal(share * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    if share < 1:
        percent = min(percent, Decimal("99.9"))
    return f"{max(percent, Decimal('0.1')) if share > 0 else percent}%"


def whole(people):
    return f"{Decimal(people).quantize(Decimal(1), ROUND_HALF_UP):,}"


@pytest.mark.parametrize("name", STUDIES)
def test_every_number_on_the_page_is_that_of_the_table(browser, written, name):
    one = written[name]
    table = pd.read_csv(
        one.folder / "coverage.csv", encoding="utf-8-sig", dtype={"unit_id": str}, keep_default_na=False
    )
    words = geo.messages.subject("word", "zh")
    table["mode"] = [words.get(mode, mode) for mode in table["mode"]]
    table = table[(table["share"] != "") & (table["limit_minutes"] != "")]
    table["limit_minutes"] = table["limit_minutes"].astype(float)
    by_key = table.set_index(KEY)[["people", "people_served", "share"]].astype(float)
    assert by_key.index.is_unique
    expected = {
        key: (printed(share), f"{whole(served)} / {whole(people)}")
        for key, people, served, share in zip(by_key.index, *by_key.to_numpy().T, strict=True)
    }
    page = opened(browser, one)
    seen = set()
    for *key, share, numbers in page.execute_script(ROWS) + page.execute_script(CELLS):
        if share is None:
            continue
        seen.add(tuple(key))
        assert (share, numbers or expected[tuple(key)][1]) == expected[tuple(key)], key
    # what is not printed: shorter limits of single units, and residents of parks and factories
    deciding = {
        (s.code, words.get(r.mode, r.mode), float(r.limit)) for s in one.analysis.services.values() for r in s.rings
    }
    wanted = {
        key
        for key, people in zip(by_key.index, by_key["people"], strict=True)
        if (key[2], key[3], key[4]) in deciding and key[0] in {"study", "community", "district", "outside"} and people > 0
        and key[5] in {"residents", "workers", "elders"} and key[5] in one.analysis.services[key[2]].demand
    }  # fmt: skip
    assert wanted <= seen, sorted(wanted - seen)[:5]
    assert len(seen) > 100
    assert_quiet(page)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_minutes_of_every_gap_are_those_of_the_reports(browser, written, name):
    one = written[name]
    page = opened(browser, one)
    texts = dict(page.execute_script(NEAREST))
    gaps = one.analysis.gaps
    assert set(texts) == set(gaps["gap_id"])
    for gap_id, service, minutes in zip(gaps["gap_id"], gaps["service"], gaps["minutes_to_nearest"], strict=True):
        if not math.isfinite(minutes):
            continue
        limit = one.analysis.services[service].limit
        digits = shown(minutes, "minutes", "zh")[0]
        if float(digits) > limit:  # what lies beyond the limit is not shown as the limit
            assert texts[gap_id].endswith(f"，{digits.removesuffix('.0')}分钟"), (gap_id, minutes)
        else:
            assert texts[gap_id].endswith(f"，{limit + 0.1:.1f}分钟"), (gap_id, minutes)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_way_of_every_community_takes_the_minutes_of_the_layers(browser, written, name):
    one = written[name]
    people = pyogrio.read_dataframe(one.folder / "layers.gpkg", layer="demand")
    x, y = people.geometry.x.to_numpy(), people.geometry.y.to_numpy()
    where = {start: row for row, start in enumerate(people["id"].astype(str))}
    page = opened(browser, one)
    found = page.execute_script(WAYS)
    compared, communities = 0, set()
    for unit, service, start, minutes, vertices in found:
        row = where[start]
        here = (x == x[row]) & (y == y[row])
        communities.add(unit)
        own = people.loc[here, f"minutes_{service}"].dropna()
        if minutes is None:
            limit = one.analysis.services[service].limit
            assert (own > max(60, 4 * limit)).all(), "out of reach of the page, and of the analysis"
            continue
        if not len(own):
            continue  # nobody there whom this service is for
        assert minutes == pytest.approx(own.iloc[0], abs=0.05), (service, start)
        assert vertices >= 2
        compared += 1
    assert len(communities) == (one.analysis.units["unit_kind"] == "community").sum()
    assert compared > len(communities)
    assert_quiet(page)


def test_nothing_is_asked_for_where_there_is_no_network(written):
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("no network namespaces for this user")
    pages = [str(one.folder / "map.html") for one in written.values()]
    command = ["unshare", "-rn", sys.executable, str(HERE / "cut_off.py"), *pages]
    where = {**os.environ, "PYTHONPATH": str(HERE.parent)}  # of `browsing`
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, env=where)
    found = json.loads(done.stdout)
    assert found["interfaces"] == ["lo"]
    assert len(found["pages"]) == len(STUDIES)
    for page, told in found["pages"].items():
        assert told == {"asked": [Path(page).as_uri()], "said": []}


def vendored(path):
    manifest = tomllib.loads((HERE / "vendored" / "manifest.toml").read_text(encoding="utf-8"))
    content = (HERE / "vendored" / path).read_bytes()
    assert hashlib.sha256(content).hexdigest() == manifest["axe-core"]["sha256"][path]
    return content.decode("utf-8")


STATES = {
    "rings": "page.chooseView('rings')",
    "units": "page.panel.open('units')",
    "points": "page.panel.open('points')",
    "notes": "page.panel.open('notes')",
    "answer": "page.askPlace(page.map.getCenter())",
    "card": "page._popup(page.map.getCenter(), page._unitCard(0))",
    "shares": "page.chooseView('shares')",
    "layers": "document.querySelector('#layers details').open = true",
    "matrix": "page.chooseView('matrix')",
    "search": "const find = document.getElementById('find'); find.value = '示例'; find.dispatchEvent(new Event('input'))",
}


@pytest.mark.parametrize("dress", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_no_state_has_a_serious_fault_of_accessibility(browser, written, dress, width, height):
    vendored("axe-core/LICENSE")
    page = opened(browser, written["yongchun"], width=width, height=height)
    page.execute_cdp_cmd("Runtime.evaluate", {"expression": vendored("axe-core/axe.min.js")})
    faults = []
    for state, script in STATES.items():
        page.execute_script(f"const page = geoMap.page; page.dressIn('{dress}'); {script}")
        wait(
            page, "[...document.querySelectorAll('.leaflet-popup')].every((it) => getComputedStyle(it).opacity === '1')"
        )
        found = page.execute_async_script(
            "const done = arguments[0]; axe.run(document).then((told) => done(told.violations.map((fault) =>"
            " [fault.impact, fault.id, fault.nodes.slice(0, 3).map((node) => node.target.join(' ') + (node.any[0] || {message: ''}).message)])))"
        )
        faults += [(state, *fault) for fault in found if fault[0] in {"serious", "critical"}]
    assert faults == []


def pressed(browser, *keys):
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def tabbed_to(browser, selector, most=120):
    """Press Tab until what a selector names has the focus."""
    for _ in range(most):
        if browser.execute_script("return document.activeElement.matches(arguments[0])", selector):
            return
        pressed(browser, Keys.TAB)
    pytest.fail(f"never reached by Tab: {selector}")


def test_the_page_works_with_the_keyboard_alone(browser, written):
    page = opened(browser, written["yongchun"])
    tabbed_to(page, "#service")
    before = page.execute_script("return geoMap.page.service")
    pressed(page, Keys.ARROW_DOWN)
    wait(page, f"geoMap.page.service !== {before}")
    pressed(page, Keys.ARROW_UP)
    wait(page, f"geoMap.page.service === {before}")
    tabbed_to(page, "#sheet button.gap")
    pressed(page, Keys.ENTER)
    wait(page, "document.querySelector('.leaflet-popup .card')")
    pressed(page, Keys.ESCAPE)
    wait(page, "!document.querySelector('.leaflet-popup .card')")
    page.execute_script("document.activeElement.blur(); document.body.focus()")
    tabbed_to(page, '#views button[data-view="matrix"]')
    pressed(page, Keys.ENTER)
    wait(page, "!document.getElementById('matrix').hidden")
    tabbed_to(page, "#matrix .sort")
    pressed(page, Keys.TAB, Keys.ENTER)
    wait(page, "document.activeElement.closest('th').getAttribute('aria-sort') === 'ascending'")
    pressed(page, Keys.ENTER)
    wait(page, "document.activeElement.closest('th').getAttribute('aria-sort') === 'descending'")
    page.execute_script("geoMap.page.chooseView('rings'); document.activeElement.blur()")
    tabbed_to(page, ".leaflet-container")
    pressed(page, Keys.ENTER)
    wait(page, "document.querySelectorAll('#sheet .answer').length > 3")
    assert_quiet(page)

"""Each hostile string in fields of its own: shown as text, executed nowhere, harmless in a table for Excel."""

import csv
import io
import itertools
import json
import re

import pytest
from browsing import assert_quiet, click, open_page

from geo.maps import folium_map, map_page

FORMULA = re.compile(r"\s*[=+\-@\t\r|%]")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def replaced(text):
    """Return text as a file in UTF-8 holds it: surrogates without a partner are replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@pytest.fixture(scope="module")
def spoiled(make_results, hostile_strings):
    """Results whose fields take the strings by turns."""
    turn = itertools.cycle(hostile_strings)
    return make_results(lambda _: next(turn))


def test_there_are_enough(hostile_strings):
    assert len(set(hostile_strings)) >= 40


def test_every_table_of_the_page_goes_to_a_file_as_text(browser, tmp_path, spoiled, hostile_strings):
    open_page(browser, tmp_path, map_page(spoiled))
    written = browser.execute_script(f"return geoMap.csv({json.dumps(hostile_strings)}.map((text) => [text]))")
    assert written.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(written[1:], newline="")))
    assert len(rows) == len(hostile_strings)
    for (cell,), text in zip(rows, hostile_strings, strict=True):
        kept = CONTROLS.sub("", replaced(text))
        assert cell in {kept, "'" + kept}
        assert not FORMULA.match(cell), cell
    for tab in ("gaps", "units", "points", "ask"):
        browser.execute_script("geoMap.page.panel.open(arguments[0])", tab)
        if tab == "ask":
            browser.execute_script("geoMap.page.asking.ask({unit: 0})")
        text = browser.execute_script("return geoMap.csv(geoMap.page.panel.table())")
        for row in csv.reader(io.StringIO(text[1:], newline="")):
            assert not any(FORMULA.match(cell) for cell in row if not re.fullmatch(r"-?\d+(\.\d+)?%?", cell))
    assert_quiet(browser)


def test_all_states_of_the_page_execute_nothing(browser, tmp_path, spoiled):
    open_page(browser, tmp_path, map_page(spoiled))
    before = browser.execute_script("return document.querySelectorAll('script, style, meta, title').length")
    browser.execute_script(
        """
        const page = geoMap.page;
        ["gaps", "units", "points", "notes"].forEach((tab) => page.panel.open(tab));
        page.data.services.forEach((_, service) => page.chooseService(service));
        page.chooseService(0);
        page.data.units.kind.forEach((_, unit) => page.asking.ask({ unit }));
        page.panel.open("ask");
        ["matrix", "shares", "rings"].forEach((view) => page.chooseView(view));
        page.points.filter((item) => item.at).forEach((item) => page._popup(item.at, page._pointCard(item)));
        page.data.units.kind.forEach((_, unit) => document.body.append(page._unitCard(unit)));
        page.data.gaps.id.forEach((_, gap) => document.body.append(page._gapCard(gap)));
        const find = document.getElementById("find");
        ["<", "{", "=", "a", "'"].forEach((text) => {
          find.value = text;
          find.dispatchEvent(new Event("input"));
        });
        window.dispatchEvent(new Event("beforeprint"));
        window.dispatchEvent(new Event("afterprint"));
        """
    )
    click(browser, "button[data-tab=gaps]")
    assert browser.execute_script(
        "return [window.hit, document.querySelectorAll('img,iframe,object,embed,link,form,base').length]"
    ) == [None, 0]
    assert browser.execute_script("return document.querySelectorAll('script, style, meta, title').length") == before
    assert_quiet(browser)


def test_the_fragment_is_read_as_numbers_and_known_names(browser, tmp_path, results):
    open_page(browser, tmp_path, map_page(results))
    for hash_ in (
        "#at=x,y&unit=1e9&tab=__proto__&view=constructor&turned=__proto__,toString",
        "#at=%00&place=<b>,1",
        "#%",
    ):
        browser.execute_script("geoMap.readFragment(geoMap.page, arguments[0]); geoMap.page.draw()", hash_)
    assert browser.execute_script("return [geoMap.page.view, geoMap.page.panel.tab]") == ["rings", "gaps"]
    assert_quiet(browser)


def test_the_still_of_a_notebook_is_text(spoiled):
    shown = folium_map(spoiled)._repr_html_()
    still = re.sub("<iframe.*?</iframe>", "", shown, flags=re.DOTALL)
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z!]+)", still))
    assert tags <= {"div", "h", "p", "img", "table", "thead", "tbody", "tr", "th", "td"}
    shown.encode("utf-8")

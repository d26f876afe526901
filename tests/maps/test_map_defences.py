"""Each defence against hostile text is needed: with any one of them taken out, a test of hostile text fails."""

from __future__ import annotations

import base64
import json

import pytest
import test_map_hostile as hostile_tests
import test_map_page as page_tests
from browsing import assert_quiet, open_page
from selenium.common.exceptions import WebDriverException
from test_map_hostile import spoiled  # noqa: F401 - a fixture

from geo.maps import assets, map_page, notebook, packing, page as page_room, payload, still

pytestmark = pytest.mark.slow
AS_HTML = (
    "words.js",
    "element.append(part instanceof Node ? part : String(part))",
    'part instanceof Node ? element.append(part) : element.insertAdjacentHTML("beforeend", part)',
)
CONTROLS = '.replace(/[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f]/g, "")'
FORMULA = '"\'" + flat : flat'
SCRIPTS = {  # what is taken out: file, text, what stands there instead, and the test that must fail
    "text is set as text": (AS_HTML, "states"),
    "formulas in a table are quoted": (("keep.js", FORMULA, "flat : flat"), "file"),
    "control characters stay out of a table": (("keep.js", CONTROLS, ""), "file"),
    "quotes in a table are doubled": (("keep.js", '.replace(/"/g, \'""\')', ""), "file"),
    "half a letter stays out of a table": (("keep.js", ".toWellFormed()", ""), "file"),
    "views are known by name": (("fragment.js", 'Object.prototype.hasOwnProperty.call(geo.views, given.get("view"))', 'given.get("view") in geo.views'), "fragment"),
    "tabs are known by name": (("fragment.js", 'geo.tabs.includes(given.get("tab"))', 'given.get("tab")'), "fragment"),
}  # fmt: skip


@pytest.fixture
def without(monkeypatch):
    """Take a text out of a script of the page, which must hold it."""
    own = assets._own

    def take_out(file, text, instead):
        assert text in own(file), f"{file} has no such defence"
        monkeypatch.setattr(
            assets, "_own", lambda name: own(name).replace(text, instead) if name == file else own(name)
        )
        assets.scripts.cache_clear()

    yield take_out
    monkeypatch.undo()
    assets.scripts.cache_clear()


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_page_needs_each_of_its_defences(browser, tmp_path, spoiled, results, hostile_strings, without, name):  # noqa: F811
    taken, which = SCRIPTS[name]
    without(*taken)
    open_page(browser, tmp_path, map_page(results))
    assert_quiet(browser)  # with harmless text it is a page like any other
    checks = {
        "states": lambda: hostile_tests.test_all_states_of_the_page_execute_nothing(browser, tmp_path, spoiled),
        "file": lambda: hostile_tests.test_every_table_of_the_page_goes_to_a_file_as_text(
            browser, tmp_path, spoiled, hostile_strings
        ),
        "fragment": lambda: hostile_tests.test_the_fragment_is_read_as_numbers_and_known_names(
            browser, tmp_path, results
        ),
    }
    with pytest.raises((AssertionError, UnicodeEncodeError, WebDriverException)):
        checks[which]()


def test_the_policy_holds_where_text_becomes_html_and_only_the_policy(
    browser, tmp_path, make_results, without, monkeypatch
):
    without(*AS_HTML)
    bad = make_results(lambda _: "<img src=x onerror='window.hit=1'>")
    show = "geoMap.page.panel.open('units'); document.body.append(geoMap.page._unitCard(0))"
    open_page(browser, tmp_path, map_page(bad))
    browser.execute_script(show)
    browser.execute_async_script("setTimeout(arguments[0], 300)")
    assert browser.execute_script("return document.querySelectorAll('img').length") > 0
    assert browser.execute_script("return window.hit") is None
    monkeypatch.setattr(page_room, "_policy", lambda *_: "img-src data: 'self'")
    open_page(browser, tmp_path, map_page(bad))
    browser.execute_script(show)
    browser.execute_async_script("setTimeout(arguments[0], 300)")
    assert browser.execute_script("return window.hit") == 1, "without either, it runs"


def test_a_looser_policy_is_noticed(results, monkeypatch):
    policy = page_room._policy
    monkeypatch.setattr(
        page_room, "_policy", lambda *given: policy(*given).replace("script-src ", "script-src 'unsafe-inline' ")
    )
    with pytest.raises(AssertionError):
        page_tests.test_the_policy_names_exactly_the_scripts_of_the_page(map_page(results))


def test_data_outside_the_packed_block_are_noticed(make_results, hostile, monkeypatch):
    plain = map_page(make_results())
    monkeypatch.setattr(packing, "packed", lambda content: base64.b64encode(b"{}").decode() + json.dumps(content))
    with pytest.raises(AssertionError):
        page_tests.test_text_of_the_data_is_only_in_the_inert_block(make_results, plain, hostile)


def test_a_still_without_escapes_is_noticed(spoiled, monkeypatch):  # noqa: F811
    monkeypatch.setattr(still, "escape", lambda text: text)
    with pytest.raises((AssertionError, UnicodeEncodeError)):
        hostile_tests.test_the_still_of_a_notebook_is_text(spoiled)


def test_a_page_that_is_compiled_is_noticed(make_results, tmp_path, monkeypatch):
    """What folium does with a page's text: the defence is that ours is never given to a template."""
    from jinja2 import Template  # noqa: PLC0415

    bad = make_results(lambda _: "{{ 7 * 7 }}")
    monkeypatch.setattr(payload, "blocks", lambda _: dict.fromkeys(("data", *payload.LATER), "{{ 7 * 7 }}"))
    page = map_page(bad)
    page_tests.test_the_folium_map_is_the_same_page(bad, page, tmp_path)
    figure = type(notebook.CountyMap(page, centre=(0.0, 0.0), still="").get_root())
    monkeypatch.setattr(figure, "render", lambda _, **__: Template(page).render())
    with pytest.raises(AssertionError):
        page_tests.test_the_folium_map_is_the_same_page(bad, page, tmp_path)


def test_a_script_that_ends_its_tag_is_refused(without):
    without("words.js", "const locale", "const end = '</script>'; const locale")
    with pytest.raises(Exception, match="closing script tag"):
        assets.scripts()

"""The printed sheet: whole rows, and how many are left out."""

import geopandas as gpd
import pandas as pd
import pytest
from browsing import assert_quiet, click, open_page, wait

from geo.maps import map_page

PRINTED = """
  const sheet = document.getElementById("sheet");
  const end = sheet.getBoundingClientRect().bottom;
  const rows = [...sheet.querySelectorAll(arguments[0])].filter((row) => row.checkVisibility());
  const said = sheet.querySelector(".rest");
  return {
    rows: rows.length,
    cut: [...rows, said].filter((row) => row.getBoundingClientRect().bottom > end + 0.5).length,
    said: said.textContent,
    spare: end - said.getBoundingClientRect().bottom,
    tall: rows[0].getBoundingClientRect().height,
  };
"""


def many_gaps(make_results, count):
    results = make_results()
    gaps = results.gaps.iloc[[0] * count].reset_index(drop=True)
    gaps["gap_id"] = [f"gig_station-c2-{number}" for number in range(1, count + 1)]
    gaps["rank"] = range(1, count + 1)
    return make_results(gaps=gpd.GeoDataFrame(gaps, crs=results.gaps.crs))


def printed(browser, selector):
    """Return the sheet as it lies on paper; the browser is as before when it is told."""
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        return browser.execute_script(PRINTED, selector)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        browser.execute_script("window.dispatchEvent(new Event('afterprint'))")


@pytest.mark.parametrize("width", [1280, 800])
def test_a_printed_list_of_gaps_has_whole_rows_and_says_how_many_are_left_out(browser, tmp_path, make_results, width):
    size = {"width": width, "height": 720, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    open_page(browser, tmp_path, map_page(many_gaps(make_results, 75)))
    paper = printed(browser, ".gap")
    assert 5 < paper["rows"] < 60
    assert paper["cut"] == 0
    assert paper["said"] == f"其余 {75 - paper['rows']} 处见报表"
    assert paper["spare"] < 3 * paper["tall"], "what fits is printed"
    wait(browser, "document.querySelectorAll('#sheet .gap').length === 60 && !document.querySelector('.rest')")
    assert browser.execute_script(
        "return [...document.querySelectorAll('#sheet .gap')].every((r) => r.checkVisibility())"
    )
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert_quiet(browser)


def test_what_fits_is_printed_without_a_word(browser, tmp_path, make_results, results):
    open_page(browser, tmp_path, map_page(results))
    paper = printed(browser, ".gap")
    assert (paper["rows"], paper["said"], paper["cut"]) == (3, "", 0)
    park = results.coverage[(results.coverage["unit_kind"] == "community") & (results.coverage["unit_id"] == "c1")]
    added = [park.assign(unit_id=f"n{number}", unit_name=f"社区{number}") for number in range(60)]
    open_page(browser, tmp_path, map_page(make_results(coverage=pd.concat([results.coverage, *added]))))
    click(browser, "button[data-tab=units]")
    paper = printed(browser, "tr[data-unit]")
    total = browser.execute_script("return document.querySelectorAll('#sheet tr[data-unit]').length")
    assert total > paper["rows"] > 5
    assert paper["cut"] == 0
    assert paper["said"] == f"其余 {total - paper['rows']} 行见报表"

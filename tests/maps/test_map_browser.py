"""The page in a browser without a network: it draws, it answers, and text of the data stays text."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from browsing import assert_quiet, click, open_page, text, wait

from geo.maps import map_page


@pytest.fixture
def plain(browser, tmp_path, results):
    open_page(browser, tmp_path, map_page(results))
    return browser


def test_headline_carries_its_basis(plain):
    assert text(plain, ".headline .big").startswith("72.4%")
    assert "7,602 / 10,500" in text(plain, ".headline .facts")
    basis = text(plain, ".headline .basis")
    for part in ("零工驿站", "步行 15分钟", "默认值", "常住人口", "路网时间", "2026-12-31"):
        assert part in basis
        assert part in text(plain, "#subtitle")
    assert text(plain, "#synthetic") == "示例数据"
    assert "未经地图审核不得公开" in text(plain, "#review")
    for part in ("手写", "EPSG:4548", "2026-12-31", "图形误差 0.21%"):
        assert part in text(plain, "#basis")
    assert "计入 2 处，登记 7 处" in text(plain, ".headline")
    assert_quiet(plain)


def colour_at(browser, pane, at):
    """Return the colour that a pane shows at a place of the county (latitude, longitude)."""
    return browser.execute_script(
        """
        const [pane, lat, lon] = arguments, map = geoMap.page.map;
        const canvas = map.getPane(pane).querySelector("canvas");
        const spot = map.latLngToLayerPoint([lat, lon]).subtract(L.DomUtil.getPosition(canvas));
        const scale = canvas.width / canvas.clientWidth;
        const one = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
        const pen = one.getContext("2d", { willReadFrequently: true });
        pen.drawImage(canvas, -Math.floor(spot.x * scale), -Math.floor(spot.y * scale));
        return [...pen.getImageData(0, 0, 1, 1).data];
        """,
        pane,
        *at,
    )


def test_bands_are_drawn_where_they_are(plain, place):
    dark, middle, light = [8, 64, 129, 255], [83, 133, 177, 255], [158, 202, 225, 255]
    assert colour_at(plain, "bands", place(700 + 200, 900)) == dark
    assert colour_at(plain, "bands", place(700 - 450, 900)) == middle
    assert colour_at(plain, "bands", place(700, 900 - 850)) == light
    assert colour_at(plain, "bands", place(2900, 1900))[3] == 0, "beyond the widest band"
    assert colour_at(plain, "bands", place(850, 1300))[3] == 0, "the hole stays open"


def test_shares_are_painted_and_points_move_with_the_service(plain, place):
    click(plain, "[data-view=shares]")
    wait(plain, "!geoMap.page.layers.renderers.units._redrawRequest")
    assert colour_at(plain, "units", place(400, 1500))[:3] == pytest.approx([0, 89, 44], abs=2)
    assert colour_at(plain, "units", place(1800, 200))[3] > 0
    click(plain, "#rings .choice:nth-child(2) button:nth-child(2)")
    assert text(plain, ".headline .big").startswith("40.0%")
    click(plain, "#rings .choice:nth-child(1) button:nth-child(2)")
    assert "电动自行车 15分钟" in text(plain, ".headline .basis")
    plain.execute_script(
        "const s = document.getElementById('service'); s.value = '2'; s.dispatchEvent(new Event('change'))"
    )
    assert text(plain, ".headline .big").startswith("1 / 1")
    assert_quiet(plain)


def test_the_list_of_gaps_flies_there(plain, place):
    assert plain.execute_script("return [...document.querySelectorAll('.gap .count b')].map((b) => b.textContent)") == [
        "1,700",
        "591",
        "10",
    ]
    click(plain, "button.gap")
    wait(plain, "document.querySelector('.leaflet-popup .card')")
    card = text(plain, ".leaflet-popup .card")
    for part in ("西安社区", "1,800", "步行 > 15分钟", "西驿站", "21.3分钟", "中心片区"):
        assert part in card
    lat, lon = place(2150, 1700)
    assert plain.execute_script("return geoMap.page.map.getBounds().contains([arguments[0], arguments[1]])", lat, lon)
    assert_quiet(plain)


def test_gaps_are_shown_with_the_ring_that_decides_them(plain):
    gaps_drawn = "return geoMap.page.layers.groups.gaps._shown[0].rows.length"
    assert plain.execute_script(gaps_drawn) == 3
    click(plain, "#rings .choice:nth-child(1) button:nth-child(2)")
    assert plain.execute_script(gaps_drawn) == 0
    assert text(plain, "#sheet") == "缺口只按（步行15分钟）计算"
    assert text(plain, "button[data-tab=gaps]") == "缺口 —"
    assert not plain.execute_script("return geoMap.page._inked().badges.length")
    click(plain, "#rings .choice:nth-child(1) button:nth-child(1)")
    assert plain.execute_script(gaps_drawn) == 3


def counts(browser):
    return browser.execute_script("return [...document.querySelectorAll('.gap .count b')].map((b) => b.textContent)")


def test_gaps_follow_the_group(plain):
    assert text(plain, "button[data-tab=gaps]") == "缺口 3"
    click(plain, "#rings .choice:nth-child(2) button:nth-child(2)")
    assert counts(plain) == ["100"], "one gap has workers"
    assert text(plain, "button[data-tab=gaps]") == "缺口 1"
    assert "才能到达的企业职工" in text(plain, "#sheet")
    assert plain.execute_script("return geoMap.page.layers.groups.gaps._shown[0].rows.length") == 1


def test_ranks_and_order_are_those_of_the_group(browser, tmp_path, make_results):
    gaps = make_results().gaps
    gaps["people_workers"] = [100.0, 250.0, 400.0]
    open_page(browser, tmp_path, map_page(make_results(gaps=gaps)))
    click(browser, "#rings .choice:nth-child(2) button:nth-child(2)")
    assert counts(browser) == ["250", "100", "400"], "what is scattered stands last"
    assert browser.execute_script("return [...document.querySelectorAll('.gap .rank')].map((r) => r.textContent)") == [
        "1",
        "2",
        "…",
    ]
    badges = browser.execute_script("return geoMap.page._inked().badges.map((b) => [b.text, b.card().textContent])")
    assert [mark for mark, _ in badges] == ["1", "2"]
    assert "东关社区" in badges[0][1]


def test_not_served_is_gaps_and_those_not_judged(browser, tmp_path, make_results):
    said = {"misplaced_share": 0.0, "unjudged_not_served": {"residents": 598.0}}
    open_page(browser, tmp_path, map_page(make_results(summary={"services": {"gig_station": said}})))
    assert "未覆盖 2,898 人" in text(browser, ".headline .facts")
    assert 10500 - 7602 == 1700 + 590.5 + 9.5 + 598
    assert text(browser, "#sheet p:last-child") == "另有 598 人在未评估单元，不列缺口"
    click(browser, "#rings .choice:nth-child(2) button:nth-child(2)")
    assert "未评估" not in text(browser, "#sheet")


def test_elders_among_residents_are_listed_with_them(browser, tmp_path, make_results):
    services = dict(make_results().services)
    services["gig_station"] = dataclasses.replace(services["gig_station"], demand=("residents", "elders"))
    open_page(browser, tmp_path, map_page(make_results(services=services)))
    assert "老年人计在" not in text(browser, "#sheet")
    click(browser, "#rings .choice:nth-child(2) button:nth-child(2)")
    assert counts(browser) == ["1,700", "591", "10"]
    assert "缺口按常住人口列出" in text(browser, "#sheet")


def test_beyond_the_horizon_and_just_above_the_limit(browser, tmp_path, make_results):
    gaps = make_results().gaps
    gaps["minutes_to_nearest"] = [15.04, np.inf, 17.0]
    open_page(browser, tmp_path, map_page(make_results(gaps=gaps)))
    first, second, third = browser.execute_script(
        "return [...document.querySelectorAll('.gap small')].map((s) => s.textContent)"
    )
    assert "15.1分钟" in first
    assert second == "最近：超过 60 分钟"
    assert "17分钟" in third


@pytest.mark.parametrize(("status", "said"), [("O", "研究文件自定"), ("D", "默认值"), ("V", "")])
def test_the_limit_says_whose_it_is(browser, tmp_path, make_results, status, said):
    services = dict(make_results().services)
    services["gig_station"] = dataclasses.replace(services["gig_station"], status=status)
    open_page(browser, tmp_path, map_page(make_results(services=services)))
    basis = text(browser, ".headline .basis")
    assert ("步行 15分钟（" + said + "）" if said else "步行 15分钟 ×") in basis
    click(browser, "button[data-tab=notes]")
    notes = text(browser, "#sheet")
    assert "时限依据" in notes
    assert ("默认值（未经原文核对）" in notes) == (status == "D")
    assert "社区 communities.geojson" in notes
    click(browser, "#rings .choice:nth-child(1) button:nth-child(2)")
    assert "电动自行车 15分钟（默认值）" in text(browser, ".headline .basis")
    browser.execute_script("geoMap.page.chooseService(2)")
    assert "时限依据" not in text(browser, "#sheet"), "a check of presence has no limit"


def test_units_stand_in_order_and_many_factories_are_folded(browser, tmp_path, make_results, results):
    click_units = "geoMap.page.panel.open('units')"
    open_page(browser, tmp_path, map_page(results))
    browser.execute_script(click_units)
    kinds = "return [...document.querySelectorAll('#sheet th.kind, #sheet summary')].map((e) => e.textContent)"
    assert browser.execute_script(kinds) == ["社区 3", "园区", "片区"]
    assert "按未覆盖人数排序" in text(browser, "#sheet")
    assert "片区可重叠" not in text(browser, "#sheet"), "one district overlaps nothing"
    coverage = results.coverage
    park = coverage[(coverage["unit_kind"] == "park") & (coverage["mode"] == "walk")]
    added = [park.assign(unit_kind="factory", unit_id=f"f{i}", unit_name=f"厂{i}") for i in range(31)]
    district = coverage[coverage["unit_kind"] == "district"].assign(unit_id="d2", unit_name="另一片区")
    more = pd.concat([coverage, district, *added], ignore_index=True)
    open_page(browser, tmp_path, map_page(make_results(coverage=more)))
    browser.execute_script(click_units)
    assert browser.execute_script(kinds) == ["社区 3", "园区", "片区 2", "厂区 31"]
    assert text(browser, "#sheet td.note") == "片区可重叠，人数不可相加"
    assert browser.execute_script("return document.querySelector('#sheet details').open") is False
    assert browser.execute_script("return document.querySelectorAll('#sheet details tr').length") == 31


def test_shares_on_the_map_have_a_decimal_unless_whole(plain):
    words = "return arguments[0].map((share) => geoMap.page.words.shortPercent(share))"
    assert plain.execute_script(words, [1, 0.9996, 0.55, 0.998, 0.0001, 0, 0.29]) == [
        "100%",
        "99.9%",
        "55%",
        "99.8%",
        "0.1%",
        "0%",
        "29%",
    ]


def test_the_legend_says_what_lies_under_the_results(plain):
    for name in ("研究范围", "道路", "水面", "围墙等"):
        assert name in text(plain, "#legend")
    plain.execute_script("document.querySelector('#layers input[name=water]').click()")
    assert "水面" not in text(plain, "#legend")


def test_hostile_text_shows_as_text_and_runs_nothing(browser, tmp_path, make_results, all_hostile):
    open_page(browser, tmp_path, map_page(make_results(lambda text: text + all_hostile)))
    wrong = browser.execute_script(
        """
        const page = geoMap.page, data = page.data, wrong = [];
        const shown = (where, selector, name) => {
          const texts = [...document.querySelectorAll(selector)].map((element) => element.textContent);
          if (!name.includes("{{7*7}}") || !texts.some((text) => text.includes(name))) wrong.push(where);
        };
        const card = (where, element, ...names) => {
          names.forEach((name) => { if (!element.textContent.includes(name)) wrong.push(where); });
          document.body.append(element); element.remove();
        };
        shown("title", "#title", data.head.name);
        shown("option", "#service option", data.services[0].label);
        shown("basis", ".headline .basis", data.services[0].label);
        shown("legend", "#legend", data.services[0].label);
        shown("source", "#basis", data.head.source);
        shown("gap", "#sheet .gap", data.gaps.communities[0][0]);
        shown("nearest", "#sheet .gap", data.gaps.nearest[0]);
        page.panel.open("units");
        shown("unit", "#sheet td", data.units.name[0]);
        page.panel.open("points");
        shown("point", "#sheet .point", data.points.name[0]);
        page.askUnit(0);
        shown("asked unit", "#sheet h2", data.units.name[0]);
        shown("asked service", "#sheet .answer", data.services[0].label);
        const find = document.getElementById("find");
        find.dispatchEvent(new Event("focus"));
        find.value = data.units.name[0];
        find.dispatchEvent(new Event("input"));
        shown("search", "#found button", data.units.name[0]);
        find.value = "";
        find.dispatchEvent(new Event("input"));
        shown("jump", "#jump option", data.units.name[data.units.kind.indexOf("district")]);
        page.chooseView("matrix");
        shown("matrix", "#matrix tbody th", data.units.name[0]);
        shown("matrix head", "#matrix thead th", data.services[0].label);
        page.chooseView("rings");
        const picture = geoMap.picture(page);
        if (!picture.width) wrong.push("picture");
        if (window.hit !== undefined) wrong.push("executed " + window.hit);
        page.panel.open("notes");
        shown("warning", "#sheet p", data.head.warnings[0]);
        page.units = data.units.name.length;
        card("unit card", page._unitCard(0), data.units.name[0], data.units.town[0], data.units.districts[0][0]);
        const unjudged = page._unitCard(data.units.id.indexOf("c3"));
        card("reason", unjudged, data.coverage.notes.find(Boolean));
        card("gap card", page._gapCard(0), data.gaps.communities[0][0], data.gaps.nearest[0], data.gaps.districts[0][0]);
        card("point card", page._pointCard(page.points[0]), data.points.name[0], data.points.hours[0], data.points.venue[0]);
        Object.assign(page.shown, { venues: true, others: true });
        page.draw();
        page.map.setView(page.points[0].at, 15, { animate: false });
        const name = page.layers.streets.names.find((item) => item.startsWith("街1"));
        const centre = page.layers.streets.boundsOf(name).getCenter();
        page.map.setView(centre, 15, { animate: false });
        const middle = page.map.latLngToContainerPoint(centre);
        page.map.fire("mousemove", { containerPoint: middle, latlng: centre });
        if (!page.layers.streets.nameAt(middle) || document.getElementById("hover").textContent !== page.layers.streets.nameAt(middle)) wrong.push("street");
        if (document.querySelector("head title").textContent !== page.words.text("title", { name: data.head.name })) wrong.push("document title");
        return wrong;
        """
    )
    assert wrong == []
    click(browser, "button[data-tab=gaps]")
    click(browser, "button.gap")
    wait(browser, "document.querySelector('.leaflet-popup .card')")
    assert browser.execute_script("return document.querySelectorAll('img, b.x, iframe, link').length") == 0
    assert browser.execute_script("return document.querySelectorAll('script').length") == browser.execute_script(
        "return document.querySelectorAll('body > script').length"
    )
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"), (
        "long names do not stretch the page"
    )
    assert_quiet(browser)


def test_a_damaged_file_says_so(browser, tmp_path, results):
    page = map_page(results, lang="en")
    start = page.index('id="county_data">') + 400
    open_page(browser, tmp_path, page[:start] + page[start + 200 :], sound=False)
    assert "cannot be opened" in text(browser, "#problem")


def test_an_empty_study_opens(browser, tmp_path, make_results, results):
    empty = {
        name: getattr(results, name).iloc[:0]
        for name in ("units", "coverage", "gaps", "drawing", "service_points", "streets")
    }
    open_page(browser, tmp_path, map_page(make_results(**empty, context={}, summary={})))
    assert "没有这一项的结果" in text(browser, ".headline")
    assert_quiet(browser)


def test_the_service_box_names_what_is_shown_also_after_a_link(plain):
    code, label = plain.execute_script("const last = geoMap.page.data.services.at(-1); return [last.code, last.label]")
    shown = "document.getElementById('service').selectedOptions[0].text"
    assert plain.execute_script(f"return {shown}") != label
    plain.execute_script(f"window.location.hash = '#service={code}'")
    wait(plain, f"{shown} === '{label}'")
    plain.refresh()
    wait(plain, f"window.geoMap && geoMap.page && {shown} === '{label}'")


LEAVING = {
    "button": "document.querySelector('#views button').click()",
    "gap": "geoMap.page.flyToGap(0)",
    "unit": "geoMap.page.flyToUnit(0)",
    "measuring": "geoMap.page.measure.toggle()",
    "escape": "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))",
}


@pytest.mark.parametrize("how", LEAVING)
def test_there_is_a_way_back_from_the_table(plain, how):
    plain.execute_script("geoMap.page.chooseView('matrix')")
    on_top = plain.execute_script(
        "return [...document.querySelectorAll('#views button')].map((button) => {"
        " const box = button.getBoundingClientRect();"
        " return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === button; })"
    )
    assert on_top == [True, True, True]
    plain.execute_script(LEAVING[how])
    wait(plain, "document.getElementById('matrix').hidden && geoMap.page.view === 'rings'")

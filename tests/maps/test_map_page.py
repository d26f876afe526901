"""The page as text: same bytes, no way out, a policy that fits, nothing of the data outside its block."""

import base64
import hashlib
import json
import re
import subprocess
import sys

import folium
import pytest
from hypothesis import given, strategies as st
from page_data import content_of, unpacked

from geo.errors import GeoValueError
from geo.maps import assets, folium_map, map_page, packing, payload_sizes
from geo.messages import subject


@given(st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(-200, 200), max_size=200), st.text())
def test_what_is_packed_comes_back(numbers, text):
    content = {"text": text, "few": numbers[:3], "all": numbers, "again": [[numbers], {"x": [None, 1.5]}]}
    assert unpacked(packing.packed(content)) == content


def test_numbers_beyond_32_bits_stay_in_the_json():
    content = {"wide": [2**40] * 100, "flags": [True] * 100, "mixed": [1.0, 2] * 50}
    back = unpacked(packing.packed(content))
    assert back == content
    assert list(map(type, back["flags"] + back["mixed"][:1])) == [bool] * 100 + [float]


def running_scripts(page):
    return re.findall(r"<script>(.*?)</script>", page, re.DOTALL)


@pytest.fixture(scope="module")
def page(results):
    return map_page(results)


def test_same_results_give_the_same_bytes(make_results, page):
    assert map_page(make_results()) == page


def test_the_folium_map_is_the_same_page(results, page, tmp_path):
    shown = folium_map(results)
    assert isinstance(shown, folium.Map)
    assert shown.get_root().render() == page
    assert shown.get_root().render() == page, "rendering twice adds nothing"
    shown.save(tmp_path / "map.html")
    assert (tmp_path / "map.html").read_text(encoding="utf-8") == page


def test_a_run_does_not_wait_for_folium():
    code = "import geo.maps, geo.maps.page, sys; print(*{'folium', 'branca', 'jinja2'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_jupyter_shows_the_page_in_a_frame(results, page):
    shown = folium_map(results)._repr_html_()
    source = re.search(r'srcdoc="([^"]*)"', shown)[1]
    unescaped = source.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#x27;", "'")
    aloof = re.compile("<noscript><style>body { display: none !important; }</style></noscript>(?=</head>)")
    assert aloof.sub("", unescaped.replace("&amp;", "&")) == page
    still = shown.partition("<iframe")[0]
    assert "<script" not in still
    assert '<img alt="零工驿站"' in still
    for cell in ("零工驿站", "步行 15分钟", "常住人口", "10,500", "7,602", "72.4%"):
        assert f"<td>{cell}</td>" in still
    assert folium_map(results)._repr_html_() == shown


def test_the_page_links_to_nothing(page):
    assert not re.findall(r"""(?i)\b(?:src|href|action|data|poster|srcset)\s*=\s*\\?["']?(?:https?:)?//""", page)
    assert not re.findall(r"(?i)<(?:link|iframe|object|embed|img|base|form)\b", page.split("<script>")[0])
    for style in re.findall(r"<style>(.*?)</style>", page, re.DOTALL):
        assert not re.findall(r"(?i)url\(|@import", style)
    assert "sourceMappingURL" not in page
    # what is left are names of the SVG namespace, and the address of Leaflet in its own comment
    left = set(re.findall(r"https?://[\w./-]+", page))
    assert left == {"http://www.w3.org/2000/svg", "https://leafletjs.com"}


def test_the_policy_names_exactly_the_scripts_of_the_page(page):
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)[1]
    stated = re.findall(r"'sha256-([^']+)'", policy)
    scripts = running_scripts(page)
    assert stated == [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    assert len(scripts) == len(assets.SCRIPT_FILES) + 1 + 2, "Leaflet, our files, the map, the call"
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'none'"
    assert "unsafe" not in rules["script-src"]
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_no_script_compiles_text(page):
    for script in running_scripts(page):
        assert not re.search(r"\beval\s*\(|new Function\b|\.outerHTML|insertAdjacentHTML|document\.write", script)
    own = "".join(assets._own(name) for name in assets.SCRIPT_FILES)
    assert "innerHTML" not in own


def test_text_of_the_data_is_only_in_the_inert_block(make_results, page, hostile):
    spoiled = map_page(make_results(lambda _: hostile))
    outside = re.compile(r'(id="county_\w+">)[^<]*|center: \[[^]]*\]')
    assert outside.sub("", spoiled) == outside.sub("", page)
    content = content_of(spoiled)
    for names in (
        [content["head"]["name"], content["head"]["source"], content["services"][0]["label"]],
        content["units"]["name"][:5],
        content["points"]["name"],
        content["gaps"]["nearest"][:1],
        [name for name in content["streets"]["names"] if name],
        content["context"]["venues"]["names"],
    ):
        assert set(names) == {hostile}


def test_layers_that_folium_would_compile_are_refused(results):
    shown = folium_map(results)
    with pytest.raises(GeoValueError, match="takes no Marker"):
        folium.Marker([25.3, 118.3], popup="{{ 7 * 7 }}").add_to(shown)


def test_both_languages_and_no_verdict(results, page):
    english = map_page(results, lang="en")
    assert '<html lang="en">' in english
    assert '<html lang="zh-CN">' in page
    for lang, content in (("zh", content_of(page)), ("en", content_of(english))):
        assert content["texts"]["legend"] == subject("map", lang)["legend"]
        assert not re.search("符合|达标|complian", json.dumps(content["texts"], ensure_ascii=False))


def test_sizes_name_every_part(results, page):
    sizes = payload_sizes(results)
    assert set(sizes) == set(content_of(page))
    assert list(sizes.values()) == sorted(sizes.values(), reverse=True)


def test_vendored_files_are_those_of_the_manifest():
    assert set(assets.checksums()) == {"leaflet/leaflet.js", "leaflet/leaflet.css", "leaflet/LICENSE.txt"}
    for path in assets.checksums():
        assert assets._vendored(path)


def test_the_licence_travels_with_leaflet(page):
    assert "Redistribution and use in source and binary forms" in page
    assert "Copyright (c) 2010-2023, Volodymyr Agafonkin" in page


def test_a_changed_vendored_file_is_refused(monkeypatch):
    monkeypatch.setattr(assets, "checksums", lambda: {"leaflet/leaflet.js": "0" * 64})
    with pytest.raises(GeoValueError, match="differs from its checksum"):
        assets._vendored("leaflet/leaflet.js")

"""Tiles under the page: only where they are asked for, only from their host, with the page's layers where they belong."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from browsing import LOOPBACK, asked_for, open_page, opened, wait

from geo import crs
from geo.errors import InputFaultsError
from geo.maps import map_page, payload, tiles
from geo.maps.shapes import Frame

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060f80f000104010"
    "05fe5c34b0000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def server():
    """A server of tiles on this machine, and what it was asked for."""
    asked = []

    class Tile(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Referer")))
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(PICTURE)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Tile) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def policy_of(page):
    return re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]


def test_tiles_come_from_their_host_and_nothing_else_is_asked_for(tmp_path, results, server, monkeypatch):
    host, asked = server
    monkeypatch.setenv("GEO_TILES_KEY", "a b&c")
    page = map_page(results, tiles=tiles(host + "/{z}/{x}/{y}.png?tk={key}"))
    assert f"img-src data: blob: {host};" in policy_of(page)
    assert "connect-src 'none'" in policy_of(page)
    with opened(tmp_path / "profile", LOOPBACK) as browser:
        open_page(browser, tmp_path, page)
        wait(browser, "document.querySelectorAll('.leaflet-tile-loaded').length > 3")
        urls = [url for url in asked_for(browser) if not url.startswith("file:")]
        assert urls
        assert all(re.fullmatch(re.escape(host) + r"/\d+/\d+/\d+\.png\?tk=a%20b%26c", url) for url in urls)
        assert {referer for _, referer in asked} == {None}
        shown = browser.execute_script(
            "return [geoMap.page.shown.streets, document.getElementById('basis').textContent]"
        )
        assert shown[0] is False
        assert "127.0.0.1" in shown[1]
        # another host is shut out by the policy
        browser.execute_script(
            "window.shut = 0; document.addEventListener('securitypolicyviolation', () => { window.shut += 1; });"
            "new Image().src = 'http://127.0.0.2/1.png'"
        )
        wait(browser, "window.shut === 1")
        browser.execute_script("geoMap.page.shown.tiles = false; geoMap.page.draw()")
        assert browser.execute_script("return document.querySelectorAll('.leaflet-tile').length") == 0


def test_without_the_wish_there_are_no_tiles(results):
    page = map_page(results)
    assert "img-src data: blob:;" in policy_of(page)
    assert payload.build(results, lang="zh")["tiles"] is None


def test_the_layers_lie_upon_shifted_tiles(results):
    given = tiles("https://tiles.example.org/{z}/{x}/{y}.png", gcj02=True)
    plain, moved = payload.build(results, lang="zh"), payload.build(results, lang="zh", tiles=given)
    kept = [place for place, anchor in enumerate(plain["units"]["anchor"]) if anchor is not None]

    def degrees(content):
        frame = Frame(content["frame"]["lon"], content["frame"]["lat"], content["frame"]["step"])
        whole = np.array([content["units"]["anchor"][place] for place in kept])
        return np.array([frame.lon, frame.lat]) + whole * frame.step

    expected = np.column_stack(crs.to_gcj02(*degrees(plain).T))
    assert np.abs(degrees(moved) - expected).max() < 1.2e-5
    assert np.abs(degrees(moved) - degrees(plain)).max() > 1e-3, "hundreds of metres"
    assert moved["gcj02"] is True


@pytest.mark.parametrize(
    "given",
    ["osm", "ftp://a.b/{z}/{x}/{y}", "https://a.b/{z}/{x}.png", "https://a.b/{z}/{x}/{y}/{user}", "https://a b;c/{z}/{x}/{y}",
     "https://u:p@a.b/{z}/{x}/{y}", "https://*/{z}/{x}/{y}", "https://a.b'/{z}/{x}/{y}"],
)  # fmt: skip
def test_what_is_no_address_is_refused(given):
    with pytest.raises(InputFaultsError) as told:
        tiles(given)
    assert "tianditu" in told.value.faults[0].message.text("zh")


def test_a_key_comes_from_the_environment(monkeypatch):
    monkeypatch.delenv("GEO_TILES_KEY", raising=False)
    with pytest.raises(InputFaultsError) as told:
        tiles("tianditu")
    assert "GEO_TILES_KEY" in told.value.faults[0].message.text("en")
    assert len(told.value.faults) == 1
    monkeypatch.setenv("GEO_TILES_KEY", "k")
    found = tiles("tianditu")
    assert all(url.endswith("&tk=k") for url in found.urls)
    assert found.origins == [f"https://t{number}.tianditu.gov.cn" for number in range(8)]

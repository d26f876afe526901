"""The panel in a real JupyterLab, driven by a browser: table, map and headline say what the API says after each change."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import nbformat
import pytest
from browsing import LOOPBACK, opened

import geo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geo.scenarios import Scenario

if os.environ.get("CI") != "true":  # CI must look at the panel
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
by = pytest.importorskip("selenium.webdriver.common.by").By
select = pytest.importorskip("selenium.webdriver.support.ui").Select
keys = pytest.importorskip("selenium.webdriver.common.keys").Keys

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "layers" / "yongchun"
PATIENCE_S = 120.0
CELLS = ("import geo\nanalysis = geo.analyse({study!r})", 'geo.panel(analysis, lang="{lang}")')
QUIET = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension/themes": {"theme": "JupyterLab Light"},
}


class Seen(NamedTuple):
    """What the panel shows: the headline, the rows of the table, its last one, the picture and its alternative text."""

    headline: str
    rows: list[tuple[str, ...]]
    total: tuple[str, ...]
    picture: bytes
    alternative: str


def until(what: str, found: Any, *, patience_s: float = PATIENCE_S) -> Any:
    """Ask until there is an answer, and return it."""
    end = time.monotonic() + patience_s
    while not (answer := found()):
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.1)
    return answer


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[tuple[str, str]]:
    """Run a JupyterLab on the loopback, with nothing of the user's own; give its address and token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, own = secrets.token_hex(16), folder / "own"
    for name, settings in QUIET.items():
        file = own / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
    places = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
    told = {f"JUPYTER_{name}_DIR": str(own / path) for name, path in places.items()}
    told |= {
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTER_TOKEN": token,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "GEO_CACHE": "off",
    }
    switches = ("--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root")
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        *switches,
        f"--ServerApp.root_dir={folder}",
        "--expose-app-in-browser",
    ]
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env={**os.environ, **told}, stdout=log, stderr=log, cwd=folder)
        try:
            address = f"http://127.0.0.1:{port}"
            until("JupyterLab", lambda: answers(f"{address}/api?token={token}", server))
            yield address, token
        finally:
            server.terminate()
            server.wait(timeout=30)


def answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, "JupyterLab ended"
    try:
        with urllib.request.urlopen(address, timeout=5) as page:  # noqa: S310 - the loopback
            return bool(page.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Panel:
    """The panel as a person meets it: four controls, a headline, a map, a table."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def controls(self) -> tuple[Any, Any, Any, Any]:
        service, mode = self.browser.find_elements(by.CSS_SELECTOR, ".widget-dropdown select")
        limit, speed = self.browser.find_elements(by.CSS_SELECTOR, ".widget-text input[type=number]")
        return service, mode, limit, speed

    def change(self, name: str, value: str | float) -> None:
        """Choose or type a value, and wait for the answer."""
        field = dict(zip(("service", "mode", "limit", "speed"), self.controls(), strict=True))[name]
        before = self.seen().headline
        if isinstance(value, str):
            if select(field).first_selected_option.text == value:
                return
            select(field).select_by_visible_text(value)
        else:
            field.send_keys(keys.CONTROL, "a")
            field.send_keys(f"{value:g}", keys.ENTER)
        answered = (
            "const line = document.querySelector('.geo-headline'); return line && line.textContent !== arguments[0]"
        )
        until(f"an answer to {name} {value}", lambda: self.browser.execute_script(answered, before))

    def seen(self) -> Seen:
        """Read what is on the screen, in one go."""
        headline, rows, total, picture, alternative = self.browser.execute_script(
            """
            const text = (cell) => cell.textContent;
            const rows = [...document.querySelectorAll('.geo-table tbody tr')];
            const image = document.querySelector('.geo-map');
            return [
              document.querySelector('.geo-headline').textContent,
              rows.map((row) => [...row.children].map(text)),
              [...document.querySelectorAll('.geo-table tfoot td')].map(text),
              image.src, image.alt,
            ];
            """
        )
        image = base64.b64decode(picture.partition(",")[2])
        return Seen(headline, [tuple(row) for row in rows], tuple(total), image, alternative)


@pytest.fixture(scope="module")
def analysis() -> geo.Analysis:
    return geo.analyse(STUDY)


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("lab")
    sources = [cell.format(study=str(STUDY), lang="zh") for cell in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    book = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(book, folder / "panel.ipynb")
    profile = tmp_path_factory.mktemp("profile")
    with lab(folder) as (address, token), opened(profile, LOOPBACK, "--window-size=1440,1150") as browser:
        browser.get(f"{address}/lab/tree/panel.ipynb?token={token}")
        until("the notebook", lambda: browser.find_elements(by.CSS_SELECTOR, ".jp-Notebook .jp-CodeCell"))
        idle = "return window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        until("a kernel", lambda: browser.execute_script(idle))
        browser.execute_script("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        until("the panel", lambda: browser.find_elements(by.CSS_SELECTOR, ".geo-table tbody tr"))
        yield Panel(browser)


def served_rows(found: Scenario) -> list[tuple[str, ...]]:
    """Return what the table must say, from the API: name, people, served, share."""
    kind, rows = found.service, found.coverage
    rows = rows[(rows["demand"] == kind.demand[0]) & (rows["limit_minutes"] == kind.limit)]
    parts = rows[(rows["unit_kind"] == "community") | ((rows["unit_kind"] == "outside") & (rows["people"] > 0))]
    told = []
    for row in parts.itertuples():
        name = row.unit_name if row.unit_kind == "community" else "社区以外"
        if row.status in {"ok", "edge"}:
            told.append((name, f"{row.people:,.0f}", f"{row.people_served:,.0f}", f"{row.share:.1%}"))
        else:
            told.append((name, f"{row.people:,.0f}", "—", {"not_assessed": "未评估", "no_demand": "—"}[row.status]))
    return sorted(told)


def picture_of(found: Scenario) -> bytes:
    file = io.BytesIO()
    found.plot().savefig(file, format="png", dpi=160)
    return file.getvalue()


def assert_same(seen: Seen, found: Scenario) -> None:
    """Headline, table and map say what the API says, and each other's numbers."""
    counts = found.served()
    whole = (f"{counts['people']:,.0f}", f"{counts['people_served']:,.0f}", f"{counts['share']:.1%}")
    assert found.basis() in seen.headline
    assert tuple(re.findall(r"[\d,]+(?= 人)|[\d.]+%", seen.headline)) == whole
    assert seen.alternative == seen.headline
    assert seen.total == ("全部", *whole)
    assert sorted(seen.rows) == served_rows(found)
    assert seen.picture == picture_of(found), "the map is not that of these numbers"


def test_each_control_is_followed_by_headline_map_and_table(panel: Panel, analysis: geo.Analysis) -> None:
    assert_same(panel.seen(), geo.what_if(analysis, "gig_station"))
    pictures = {panel.seen().picture}
    steps = (
        ("service", "长者食堂", {}),
        ("limit", 10, {"limit": 10}),
        ("speed", 2, {"limit": 10, "speed_kmh": 2}),
        ("mode", "电动自行车", {"limit": 10, "mode": "ebike"}),
        ("speed", 12, {"limit": 10, "mode": "ebike", "speed_kmh": 12}),
        ("mode", "驾车", {"limit": 10, "mode": "drive"}),
    )
    for name, value, asked in steps:
        panel.change(name, value)
        assert_same(panel.seen(), geo.what_if(analysis, "canteen_elder", **asked))
        pictures.add(panel.seen().picture)
    assert len(pictures) == len(steps) + 1, "two different questions were answered by one map"


def test_another_service_brings_its_own_mode_limit_and_speed(panel: Panel, analysis: geo.Analysis) -> None:
    panel.change("service", "零工驿站")
    panel.change("service", "长者食堂")
    own = analysis.services["canteen_elder"]
    service, mode, limit, speed = panel.controls()
    assert select(service).first_selected_option.text == own.label
    assert select(mode).first_selected_option.text == "老年人步行"
    assert float(limit.get_attribute("value")) == own.limit
    assert float(speed.get_attribute("value")) == analysis.study.modes["elder"].speed_kmh
    assert_same(panel.seen(), geo.what_if(analysis, "canteen_elder"))


def test_nothing_went_wrong_in_the_browser(panel: Panel) -> None:
    said = [entry for entry in panel.browser.get_log("browser") if entry["level"] == "SEVERE"]
    # JupyterLab asks its own server for a few things that a fresh folder does not have.
    assert [entry["message"] for entry in said if "404" not in entry["message"]] == []

"""A browser without a network, for the tests of the page."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

webdriver = pytest.importorskip("selenium.webdriver")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--window-size=1280,860",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
# Overrules the last one: no host is found but this machine.
LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
PATIENCE_S = 20.0


@pytest.fixture(scope="module", name="browser")
def _browser(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@contextmanager
def opened(profile, *switches):
    """Give a browser with a profile of its own; later switches overrule earlier ones."""
    if not (BROWSER and DRIVER):
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium with chromedriver, and CI must look at the page")
        pytest.skip("no chromium with chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for switch in (*SWITCHES, *switches, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        driver.get("about:blank")
        yield driver
    finally:
        driver.quit()


def wait(browser, script):
    """Wait until a script says yes."""
    until = time.monotonic() + PATIENCE_S
    while not browser.execute_script(f"return Boolean({script})"):
        assert time.monotonic() < until, f"never came true: {script}"
        time.sleep(0.05)


def open_page(browser, folder, page, *, sound=True):
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    file = Path(folder) / "map.html"
    file.write_text(page, encoding="utf-8")
    browser.get(file.as_uri())
    ready = "document.documentElement.dataset.ready === 'yes'"
    wait(browser, ready if sound else "!document.getElementById('problem').hidden")


def assert_quiet(browser):
    """Nothing was said on the console, and nothing was asked for but the file."""
    said = browser.get_log("browser")
    assert said == [], said
    asked = asked_for(browser)
    assert [url.partition("/map.html")[0].partition("//")[0] for url in asked] == ["file:"], asked


def asked_for(browser):
    """Return the addresses that were asked for since the last look."""
    told = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in told if event["method"] == "Network.requestWillBeSent"]
    # the browser's own first tab loads its own parts
    return [url for url in asked if not url.startswith(("chrome:", "chrome-untrusted:", "data:"))]


def text(browser, selector):
    return browser.execute_script("return document.querySelector(arguments[0]).textContent", selector)


def click(browser, selector):
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)

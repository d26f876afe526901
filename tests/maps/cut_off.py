"""Open pages in a browser on a machine without any network, and say what they asked for and what they said.

Run as a program, in a network namespace of its own: its loopback is up, and there is nothing else.
"""

from __future__ import annotations

import fcntl
import json
import socket
import struct
import sys
import tempfile
from pathlib import Path

from browsing import BROWSER, DRIVER, SWITCHES, asked_for, wait, webdriver

_SIOCSIFFLAGS = 0x8914
_UP_RUNNING = 0x41


def raise_loopback() -> None:
    """The driver and the browser talk over loopback, which a new namespace has, but not up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", _UP_RUNNING, b""))


def main(pages: list[str]) -> None:
    raise_loopback()
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    with tempfile.TemporaryDirectory() as profile:
        switches = [switch for switch in SWITCHES if not switch.startswith("--host-resolver")]
        for switch in (*switches, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
        found = {}
        for page in pages:
            driver.get("about:blank")  # the browser's own first tab speaks of the network
            driver.get_log("browser"), driver.get_log("performance")
            driver.get(Path(page).as_uri())
            wait(driver, "document.documentElement.dataset.ready === 'yes'")
            driver.execute_script(
                "const page = geoMap.page; page.data.services.forEach((_, service) => page.chooseService(service));"
                "page.askPlace(page.map.getCenter()); page.chooseView('matrix'); page.chooseView('shares')"
            )
            found[page] = {"asked": asked_for(driver), "said": driver.get_log("browser")}
        driver.quit()
    interfaces = [name for _, name in socket.if_nameindex()]
    sys.stdout.write(json.dumps({"interfaces": interfaces, "pages": found}))


if __name__ == "__main__":
    main(sys.argv[1:])

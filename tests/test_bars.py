"""How far a long step is: a bar of rich on a terminal, one of HTML in Jupyter, nothing where output is piped."""

from __future__ import annotations

import io
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from rich.console import Console
from small_county import csv_text, stations, write_county

from geo import bars

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 120.0


@pytest.fixture(name="county", scope="module")
def _county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_county(tmp_path_factory.mktemp("bars") / "county", stations_csv=csv_text(stations()[:8]))


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))


def on_a_terminal(*command: str) -> str:
    """Run a command whose stderr is a terminal, its stdout a pipe; return what the terminal was told."""
    pty = pytest.importorskip("pty", reason="no pseudo-terminals here")
    ours, theirs = pty.openpty()
    told, until = b"", time.monotonic() + PATIENCE_S
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment) as process:
        os.close(theirs)
        while time.monotonic() < until:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                told += os.read(ours, 65536)
            except OSError:  # the other end is closed: the command has ended
                break
        assert process.wait(timeout=PATIENCE_S) == 0, told.decode()
        assert process.stdout is not None
        assert process.stdout.read() == b"", "a bar does not go where results go"
    os.close(ours)
    return told.decode("utf-8", errors="replace")


def test_a_terminal_shows_a_bar_and_the_step_and_then_is_clean(county: Path) -> None:
    told = on_a_terminal(sys.executable, "-c", f"import geo; geo.analyse({str(county)!r})")
    assert "━" in told
    shares = [int(share) for share in re.findall(r"(\d+)%", told)]
    assert shares == sorted(shares)
    assert len(set(shares)) > 2
    assert re.search(r"[\u4e00-\u9fff]", told), "the step is said in Chinese"
    assert "\x1b[2K" in told[-20:], "the bar goes when all is done"


@pytest.mark.parametrize(
    "command", [("-c", "import geo; geo.analyse({county!r})"), ("-m", "geo.cli", "check", "{county}")]
)
def test_a_pipe_gets_no_bar(county: Path, command: tuple[str, ...]) -> None:
    words = [word.format(county=str(county)) for word in command]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True, encoding="utf-8")
    assert done.stderr == ""
    assert "━" not in done.stdout
    assert "\x1b" not in done.stdout


class Listening(NotebookClient):
    """A notebook that remembers what was shown and shown anew."""

    said: list[dict[str, Any]]

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        self.said.append(msg)
        return super().process_message(msg, cell, cell_index)


def test_jupyter_shows_one_bar_that_moves_and_goes(county: Path) -> None:
    code = f"import geo\nanalysis = geo.analyse({str(county)!r})"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client = Listening(book, timeout=PATIENCE_S, kernel_name="python3")
    client.said = []
    client.execute()
    anew = [one["content"]["data"]["text/html"] for one in client.said if one["msg_type"] == "update_display_data"]
    shares = [float(share) for html in anew for share in re.findall(r'<progress value="([\d.]+)" max="1"', html)]
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert anew[-1] == "", "the bar goes when all is done"
    left = [output.data["text/html"] for output in book.cells[0].outputs if output.output_type == "display_data"]
    assert left == [""], "one bar, and nothing of it is left"
    assert not [output for output in book.cells[0].outputs if output.output_type == "stream"]


@pytest.mark.parametrize("forced", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}, {"TTY_COMPATIBLE": "0"}])
def test_what_is_piped_is_no_terminal_unless_the_environment_says_so(
    monkeypatch: pytest.MonkeyPatch, forced: dict[str, str]
) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in forced.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert bars.may_be_terminal() >= Console(stderr=True).is_terminal
    assert bars.may_be_terminal() == bool(forced)
    monkeypatch.setattr(sys, "stderr", None)
    assert bars.may_be_terminal() == bool(forced)

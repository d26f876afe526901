"""Every notebook runs from a clean kernel, carries no outputs, stays thin, and equals its paired script."""

from __future__ import annotations

import os
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_LINES = 110
# What each must show: a map's frame, pictures, or the panel's widget.
SHOWN = {
    "01_first_map": {"frame": 1, "picture": 4, "widget": 0},
    "02_own_data": {"frame": 0, "picture": 2, "widget": 0},
    "03_gaps_and_sites": {"frame": 0, "picture": 3, "widget": 1},
    "04_a_real_city": {"frame": 0, "picture": 1, "widget": 0},
    "05_batch_and_compare": {"frame": 0, "picture": 1, "widget": 0},
}


def test_all_notebooks_are_known():
    assert [path.stem for path in NOTEBOOKS] == sorted(SHOWN)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_without_outputs_and_thin(path):
    book = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in book.cells)
    assert sum(cell.source.count("\n") + 1 for cell in book.cells if cell.cell_type == "code") < MOST_LINES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_equals_its_script(path):
    jupytext = pytest.importorskip("jupytext", reason="jupytext is not installed")
    book, script = nbformat.read(path, as_version=4), jupytext.read(path.with_suffix(".py"))
    assert [(cell.cell_type, cell.source) for cell in book.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ]


def test_the_first_map_stands_within_ten_lines():
    book = nbformat.read(NOTEBOOKS[0], as_version=4)
    lines = [line for cell in book.cells if cell.cell_type == "code" for line in cell.source.split("\n") if line]
    assert lines.index("analysis.map()") < 10


@pytest.fixture(name="prepared", scope="module")
def _prepared(tmp_path_factory):
    """What one notebook prepares of the streets, another may use, as on a planner's machine."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture(name="clean_kernel")
def _clean_kernel(monkeypatch, tmp_path, prepared):
    """Nothing of the user's, and no way out: proxies lead nowhere."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("GEO_CACHE", str(prepared))
    monkeypatch.delenv("GEO_SHARED", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


def executed(book, folder):
    """Run a notebook, and return the seconds that it took and those that its kernel computed."""
    began, before = time.monotonic(), os.times()
    NotebookClient(book, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    after = os.times()
    computed = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - began, computed


@pytest.mark.slow
def test_the_first_map_from_a_clean_kernel(clean_kernel, record_property, monkeypatch, tmp_path):  # noqa: ARG001 - sets the environment
    monkeypatch.setenv("GEO_CACHE", str(tmp_path))  # nothing was prepared before
    book = nbformat.read(NOTEBOOKS[0], as_version=4)
    at = next(number for number, cell in enumerate(book.cells) if cell.source == "analysis.map()")
    book.cells = book.cells[: at + 1]
    assert sum(len(cell.source.split("\n")) for cell in book.cells if cell.cell_type == "code") <= 10
    seconds, computed = executed(book, NOTEBOOKS[0].parent)
    # A measurement, told and not judged: machines differ.
    record_property("seconds", round(seconds, 1))
    print(f"first map: {seconds:.1f} s from a clean kernel, {computed:.1f} s of them computing")  # noqa: T201
    assert "<iframe" in book.cells[-1].outputs[-1].data["text/html"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_from_a_clean_kernel(path, clean_kernel, record_property):  # noqa: ARG001 - sets the environment
    book = nbformat.read(path, as_version=4)
    seconds, computed = executed(book, path.parent)
    record_property("seconds", round(seconds, 1))
    print(f"{path.stem}: {seconds:.1f} s from a clean kernel, {computed:.1f} s of them computing")  # noqa: T201
    shown = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "error"]
    data = [output.get("data", {}) for output in shown]
    assert sum("<iframe" in one.get("text/html", "") for one in data) >= SHOWN[path.stem]["frame"]
    assert sum("image/png" in one for one in data) >= SHOWN[path.stem]["picture"]
    assert sum("application/vnd.jupyter.widget-view+json" in one for one in data) >= SHOWN[path.stem]["widget"]
    said = [output.text for output in shown if output.output_type == "stream" and output.name == "stderr"]
    assert said == []

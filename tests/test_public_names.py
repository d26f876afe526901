"""Every public name is documented on the API page and in its docstring; a typed script is accepted."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import geo

ROOT = Path(__file__).resolve().parents[1]
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
NAMES = [name for name in geo.__all__ if name != "__version__"]
FUNCTIONS = [name for name in NAMES if inspect.isfunction(getattr(geo, name))]


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_on_the_api_page_and_has_a_docstring(name: str) -> None:
    thing = getattr(geo, name)
    assert f"::: {thing.__module__}.{name}\n" in API
    assert len((thing.__doc__ or "").strip()) > 20


def test_the_page_names_nothing_that_is_not_there() -> None:
    listed = re.findall(r"^::: ([\w.]+)$", API, flags=re.MULTILINE)
    assert {name.rpartition(".")[2] for name in listed} - {"Results"} == set(NAMES)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_of_a_public_function_is_documented(name: str) -> None:
    function = getattr(geo, name)
    doc = inspect.getdoc(function) or ""
    lacking = [each for each in inspect.signature(function).parameters if not re.search(rf"\b{each}\b", doc)]
    assert lacking == []
    assert "Raises" in doc


@pytest.mark.parametrize("kind", [geo.Analysis, geo.Scenario])
def test_every_public_member_of_a_result_is_documented(kind: type) -> None:
    doc = "".join(inspect.getdoc(base) or "" for base in kind.__mro__[:-1])
    fields = [field.name for field in dataclasses.fields(kind) if not field.name.startswith("_")]
    assert [name for name in fields if not re.search(rf"\b{name}\b", doc)] == []
    own = [member for name, member in vars(kind).items() if not name.startswith("_") and callable(member)]
    assert [member for member in own if not inspect.getdoc(member)] == []


def test_every_command_is_in_the_readme() -> None:
    help_text = subprocess.run([sys.executable, "-m", "geo.cli", "--help"], capture_output=True, text=True, check=True)
    verbs = re.findall(r"^  (\w+) {2,}", help_text.stdout.split("Commands")[-1], flags=re.MULTILINE)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert verbs
    assert [verb for verb in verbs if f"geo {verb}" not in readme] == []


@pytest.mark.slow
def test_a_typed_script_is_accepted() -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    command = [sys.executable, "-m", "mypy", "--strict", "tests/typed_sample.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

"""Every public name is documented on the API page and in its docstring; a typed script is accepted."""

from __future__ import annotations

import dataclasses
import doctest
import functools
import inspect
import re
import subprocess
import sys
import types
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


def members(kind: type) -> dict[str, object]:
    """Return what people call or read of a public class, inherited parts of other libraries left out."""
    own = {
        name: value for base in kind.__mro__ if base.__module__.startswith("geo.") for name, value in vars(base).items()
    }
    called = (types.FunctionType, property, functools.cached_property, classmethod, staticmethod)
    return {name: value for name, value in own.items() if not name.startswith("_") and isinstance(value, called)}


def documented() -> dict[str, object]:
    """Return every public name and every public member of a public class."""
    found: dict[str, object] = {}
    for name in NAMES:
        thing = found[name] = getattr(geo, name)
        if inspect.isclass(thing):
            found |= {f"{name}.{part}": value for part, value in members(thing).items()}
    return found


PUBLIC = documented()


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_an_example_that_runs(name: str) -> None:
    doc = inspect.getdoc(PUBLIC[name]) or ""
    examples = doctest.DocTestParser().get_examples(doc)
    assert "Examples\n--------" in doc
    assert examples
    assert [each.source for each in examples if each.options.get(doctest.SKIP)] == []
    last = name.rpartition(".")[2]
    code = "".join(each.source for each in examples)
    assert re.search(rf"\b{last}\b", code) or inspect.isclass(PUBLIC[name]), "the example does not use the name"


def test_members_are_seen_however_they_are_made() -> None:
    assert {"Analysis.write", "Scenario.coverage", "Study.last_day", "InputFaultsError.text"} <= set(PUBLIC)


def test_the_typed_script_uses_every_public_function() -> None:
    script = (ROOT / "tests" / "typed_sample.py").read_text(encoding="utf-8")
    assert [name for name in NAMES if not re.search(rf"\bgeo\.{name}\b", script)] == []


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

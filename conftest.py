"""What the examples in docstrings may use: `county`, `analysis` and `folder`.

`county` is the folder of a small study (streets every 200 m, two communities, three stations, four canteens),
`analysis` is `geo.analyse(county)`, `folder` is an empty one. Each is made when an example names it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from small_county import csv_text, stations, write_county

import geo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Every test works everything out; those of what is kept on disk name a folder of their own.
os.environ["GEO_CACHE"] = "off"
_HEAVY = ".write("  # every file of a study, in seconds


def _examples(item: pytest.Item) -> str:
    """Return the code of a docstring's examples; nothing for other tests."""
    if not isinstance(item, pytest.DoctestItem):
        return ""
    return "".join(example.source for example in item.dtest.examples)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HEAVY in _examples(item):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def example_county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small study with stations for gig workers and canteens for elders."""
    return write_county(tmp_path_factory.mktemp("example") / "county", stations_csv=csv_text(stations()[:8]))


@pytest.fixture(scope="session")
def example_analysis(example_county: Path) -> geo.Analysis:
    """Its analysis."""
    return geo.analyse(example_county)


@pytest.fixture(autouse=True)
def _named_in_examples(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give an example what it names, and nothing that it does not."""
    words = _examples(request.node)
    names: dict[str, Any] = request.getfixturevalue("doctest_namespace") if words else {}
    makers = {"county": "example_county", "analysis": "example_analysis", "folder": "tmp_path"}
    if words:
        names["geo"] = geo
    for name, maker in makers.items():
        if name in words:
            names[name] = request.getfixturevalue(maker)
    yield
    for name in makers:
        names.pop(name, None)

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import pytest

from . import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def database() -> Iterator[postgres.Server]:
    """A PostgreSQL with PostGIS; skipped where there is none, unless $GEO_POSTGIS says that it must be there."""
    why = postgres.why_not()
    if importlib.util.find_spec("psycopg") is None:
        why = "psycopg is not installed: pip install 'geo[postgis]'"
    if why is not None:
        if os.environ.get("GEO_POSTGIS") == "required":
            pytest.fail(why)
        pytest.skip(why)
    with postgres.running() as server:
        yield server

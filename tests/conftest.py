from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("geo", max_examples=25, deadline=None, derandomize=True, database=None)
settings.load_profile("geo")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data and oracles that lie beside the repository: $GEO_SHARED, else ../shared."""
    folder = Path(os.environ.get("GEO_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("no shared data: set GEO_SHARED to its folder")
    return folder


@pytest.fixture(scope="session")
def sample_layers() -> Path:
    """The folder of the sample studies."""
    return ROOT / "layers"

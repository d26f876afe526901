"""Bombs end in a fault, within a few seconds and a few gigabytes: each is read in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from geo.layers import bounds

from . import bombs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS = 100
BYTES = 4 << 30
READ = f"""
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, ({BYTES}, {BYTES}))
from geo.errors import InputFaultsError
from geo.layers import read_table
from geo.study_file import LayerSource
path = Path(sys.argv[1])
source = LayerSource(path=path.name, file=path, crs="EPSG:4326", unknown="report")
try:
    read_table(source, kind="street" if path.suffix == ".dxf" else "venue")
    keys, said = [], ""
except InputFaultsError as error:
    keys, said = [fault.message.key for fault in error.faults], error.text("zh") + error.text("en")
print(json.dumps({{"keys": keys, "said": said}}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("bomb", list(bombs.BOMBS), ids=lambda bomb: bomb.__name__)
def test_a_bomb_ends_in_a_fault(bomb: Callable[[Path], Path], tmp_path: Path) -> None:
    if (extra := bombs.NEEDS.get(bomb)) and importlib.util.find_spec(extra) is None:
        pytest.skip(f"{extra} is not installed: pip install 'geo[parquet]'")
    path = bomb(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    keys = {key.removeprefix("layers.") for key in said["keys"]}
    assert keys
    assert keys <= bombs.BOMBS[bomb]
    assert bombs.SECRET not in done.stdout
    assert str(tmp_path) not in done.stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"<a/>", False),
        (b'<?xml version="1.0"?><!-- <!DOCTYPE x> --><a/>', False),
        (b"<!DOCTYPE a><a/>", True),
        ("<!DOCTYPE a><a/>".encode("utf-16"), True),
        (b"\xef\xbb\xbf<!DOCTYPE a><a/>", True),
        (b"<a>&lt;!DOCTYPE b></a>", False),
        (b"nonsense", False),
        (b" " * (2 << 20), True),
    ],
)
def test_a_document_type_is_seen_in_every_encoding(text: bytes, expected: bool) -> None:  # noqa: FBT001
    assert bounds.declares_type(text) is expected


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        (b"", 0),
        (b"<a/>", 0),
        (b"<a></a>", 1),
        (b"<a><b/><b/></a>", 1),
        (b"<a><b><c/></b></a>", 2),
        (b"<a>" * 9, 9),
        (b"<a", 1),
    ],
)
def test_depth_of_elements(text: bytes, depth: int) -> None:
    assert bounds.depth_of(text) == depth

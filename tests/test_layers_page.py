"""docs/layers.md and the README name every format and every key of a source."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from geo.layers import formats
from geo.layers.services import state_of
from geo.study_file import LayerSource

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "layers.md").read_text(encoding="utf-8")


def test_every_key_of_a_source_is_explained() -> None:
    keys = set(LayerSource.model_fields) - {"file"}
    explained = {
        name for row in re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert keys == explained & keys


def test_every_format_is_named() -> None:
    assert [suffix for suffix in formats.FORMATS if f"`{suffix}`" not in PAGE] == []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in ("KML", "GPX", "DXF", "GeoParquet", "xls", "PostGIS") if name not in readme] == []


def test_the_example_is_what_a_study_file_may_say() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    sources = tomllib.loads(example)["layers"]["service_points"]
    assert [LayerSource(**source).label for source in sources] == [
        "台账.xlsx",
        "全市充电桩.shp",
        "postgresql://db.example:5432/county#public.stations",
    ]


def test_the_states_are_as_said() -> None:
    (line,) = re.findall(r"- \*\*States\*\*.*?\n(?=- )", PAGE, re.DOTALL)
    working, planned, closed, doubtful = (
        re.findall(r"[\u4e00-\u9fff]+|1", part) for part in re.split(r"count as working|as planned|closed;", line)
    )
    for words, state in ((working, "working"), (planned, "planned"), (closed, "closed"), (doubtful, "doubtful")):
        assert {state_of(word) for word in words} == {state}

"""What a page holds, read back from its blocks."""

import base64
import gzip
import json
import re

import pytest

from geo.maps import payload


def content_of(page):
    found = dict(re.findall(r'<script type="application/octet-stream" id="county_(\w+)">([^<]*)</script>', page))
    assert list(found) == ["data", *payload.LATER]
    parts = {name: unpacked(letters) for name, letters in found.items()}
    first, areas = parts.pop("data"), parts.pop("areas")
    for band, later in zip(first["bands"], areas["bands"], strict=True):
        assert (band["shapes"] is None) != (later is None)
        band["shapes"] = band["shapes"] or later
    early = first["gaps"]["shapes"]
    assert [part is None for part in early] == [part is not None for part in areas["gaps"]]
    early[:] = [part or later for part, later in zip(early, areas["gaps"], strict=True)]
    return {**first, **parts}


def unpacked(letters):
    """Return what a block holds, read number by number as the browser does."""
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", letters)
    plain = gzip.decompress(base64.b64decode(letters))
    end = 4 + int.from_bytes(plain[:4], "little")
    left = iter(plain[end:])

    def number():
        value = shift = 0
        for byte in left:
            value |= (byte & 127) << shift
            if byte < 128:
                return value >> 1 if value % 2 == 0 else -(value >> 1) - 1
            shift += 7
        return pytest.fail("the block is too short")

    def restored(node):
        if isinstance(node, dict) and set(node) == {"ints"}:
            return [number() for _ in range(node["ints"])]
        if isinstance(node, dict):
            return {key: restored(value) for key, value in node.items()}
        return [restored(value) for value in node] if isinstance(node, list) else node

    content = restored(json.loads(plain[4:end]))
    assert next(left, None) is None
    return content

"""How files that belong together appear: every one whole, or none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def write(contents: Mapping[Path, bytes]) -> None:
    """Write files beside their places, all of them, and only then rename them.

    Raises
    ------
    OSError
        When one cannot be written or renamed; it names the file, and all of them are as they were.
    """
    before = {path: path.read_bytes() for path in contents if len(contents) > 1 and path.is_file()}
    placed: list[Path] = []
    fresh = {path.with_name(f".{path.name}.new"): path for path in contents}
    try:
        for new, path in fresh.items():
            with new.open("wb") as target:
                target.write(contents[path])
                target.flush()
                os.fsync(target.fileno())  # a full disk may say so only here
        for new, path in fresh.items():
            try:
                new.replace(path)
            except OSError as error:
                _put_back(placed, before)
                raise OSError(error.errno, error.strerror, str(path)) from error
            placed.append(path)
    finally:
        for new in fresh:
            new.unlink(missing_ok=True)


def _put_back(placed: Iterable[Path], before: Mapping[Path, bytes]) -> None:
    """Give files that were replaced already the content that they had."""
    for path in placed:
        if path not in before:
            path.unlink()
            continue
        spare = path.with_name(f".{path.name}.new")
        spare.write_bytes(before[path])
        spare.replace(path)

"""How files that belong together appear: every one whole, or none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write(contents: Mapping[Path, bytes]) -> None:
    """Write files beside their places, all of them, and only then rename them.

    Raises
    ------
    OSError
        When one cannot be written or renamed; what could not be replaced is as it was.
    """
    fresh = {path.with_name(f".{path.name}.new"): path for path in contents}
    try:
        for new, path in fresh.items():
            with new.open("wb") as target:
                target.write(contents[path])
                target.flush()
                os.fsync(target.fileno())  # a full disk may say so only here
        for new, path in fresh.items():
            new.replace(path)
    finally:
        for new in fresh:
            new.unlink(missing_ok=True)

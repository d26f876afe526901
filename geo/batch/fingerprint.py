"""From what a study was computed, as hashes, and whether the results that lie there are still its."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo.batch import whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geo.messages import Lang
    from geo.study import Study

STATE_FILE = "batch-state.json"
PACKAGE = Path(__file__).parents[1]
# A later run carries the ledger on and so writes it: it counts as the run left it.
LEDGER = "ledger.csv"
_LIBRARIES = (
    *("numpy", "scipy", "pandas", "shapely", "pyproj", "geopandas", "pyogrio", "contourpy", "osmium", "osmnx"),
    *("rasterio", "exactextract", "folium", "branca", "xlsxwriter", "python-docx", "matplotlib"),
)


@cache
def program() -> str:
    """Return a hash of everything the package holds, and of the versions of what it computes with."""
    digest = hashlib.sha256(platform.python_version().encode())
    for name in _LIBRARIES:
        digest.update(f"|{name} {_version(name)}".encode())
    for source in sorted(PACKAGE.rglob("*")):
        if source.is_file() and "__pycache__" not in source.parts:
            digest.update(f"|{source.relative_to(PACKAGE).as_posix()}|{hash_of(source)}".encode())
    return digest.hexdigest()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def hash_of(file: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def of_study(study: Study, *, lang: Lang) -> str | None:
    """Return a hash of the program, the study file, the language and the content of every input.

    Returns
    -------
    `None` where an input is no file (a place, a database): what it holds today is known only by reading it.

    Raises
    ------
    OSError
        When an input cannot be read.
    """
    parts = [program(), lang, hash_of(study.file)]
    for layer in type(study.layers).model_fields:
        for source in getattr(study.layers, layer):
            if source.file is None:
                return None
            parts += [f"{layer} {source.label}", *_content(source.file)]
    if study.head.previous:
        parts += _previous(study.folder / study.head.previous)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _content(path: Path) -> list[str]:
    """Return names and hashes of a layer's file with all that lies beside it under the same name (.dbf, .prj …)."""
    if path.is_dir():
        found: Iterable[Path] = path.rglob("*")
    else:
        found = (other for other in path.parent.iterdir() if other.name.startswith((f"{path.stem}.", path.name)))
    return [f"{file.relative_to(path.parent).as_posix()} {hash_of(file)}" for file in sorted(found) if file.is_file()]


def _previous(folder: Path) -> list[str]:
    names = ("summary.json", "gaps.csv", "layers.gpkg")
    return [f"{name} {hash_of(folder / name)}" for name in names if (folder / name).is_file()]


def keep(place: Path, found: str | None, written: Iterable[Path], *, ledger: Path) -> None:
    """Note beside results from what they were computed and what they hold.

    Raises
    ------
    OSError
        When the note cannot be written.
    """
    state = {
        "inputs": found,
        "ledger": _hash_if_there(ledger),
        "files": {file.relative_to(place).as_posix(): hash_of(file) for file in sorted(written)},
    }
    whole.write({place / STATE_FILE: f"{json.dumps(state, indent=1)}\n".encode()})


def is_current(place: Path, found: str | None, *, ledger: Path) -> bool:
    """Say whether a folder holds, whole and unchanged, what these inputs give.

    A folder without a note, with a note that cannot be read, or with a file that is missing or other
    than the note says is not believed.
    """
    if found is None:
        return False
    try:
        state: Any = json.loads((place / STATE_FILE).read_bytes())
        same = state["inputs"] == found and state["ledger"] == _hash_if_there(ledger) and bool(state["files"])
        current = same and all(hash_of(place / name) == content for name, content in state["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    if current:
        _sweep(place)
    return current


def _hash_if_there(file: Path) -> str | None:
    return hash_of(file) if file.is_file() else None


def _sweep(place: Path) -> None:
    """Remove what a killed run left beside results that are whole."""
    for left in ("part", "old"):
        shutil.rmtree(place.with_name(f".{place.name}.{left}"), ignore_errors=True)

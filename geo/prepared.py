"""What was worked out about the same streets before: kept on disk, and never believed unchecked.

An entry's name is the hash of all that it was made from, with the program itself; its content
carries its own hash. What is stale has another name; what is damaged is thrown away and made anew. Where
nothing can be written nothing is kept.

The folder is `$GEO_CACHE`, else the user's cache folder; `GEO_CACHE=off` keeps nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
import platformdirs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Part = str | bytes | float | NDArray[np.generic]

MOST_BYTES = 4_000_000_000
_OFF = ("off", "0", "no")
_DIGEST_BYTES = 32
_CHUNK = 1 << 20


def folder() -> Path | None:
    """Return where entries are kept; `None` where the user wants none."""
    named = os.environ.get("GEO_CACHE", "")
    if named.lower() in _OFF:
        return None
    return Path(named) if named else Path(platformdirs.user_cache_dir("geo", appauthor=False))


def key_of(kind: str, parts: Iterable[Part]) -> str:
    """Return the name of an entry: a hash of its kind, of the program and of all that it is made from.

    Examples
    --------
    >>> key_of("cells", [12.5, np.arange(3)]) == key_of("cells", [12.5, np.arange(3)])
    True
    >>> key_of("cells", ["1", "2"]) == key_of("cells", ["12", ""])
    False
    """
    digest = hashlib.sha256(f"{np.__version__}|{kind}|".encode() + _program())
    for part in parts:
        plain = np.ascontiguousarray(part) if isinstance(part, np.ndarray) else part
        if isinstance(plain, np.ndarray):
            digest.update(f"|{plain.dtype.str}{plain.shape}|".encode())
            digest.update(plain.data if plain.size else b"")
        else:
            content = plain if isinstance(plain, bytes) else repr(plain).encode()
            digest.update(f"|{len(content)}|".encode() + content)
    return f"{kind}-{digest.hexdigest()}"


@cache
def _program() -> bytes:
    """Return a hash of the program's own text: what another version worked out is not taken over."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.digest()


def hash_of(file: Path) -> bytes:
    """Return the SHA-256 of a file's content."""
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").digest()


def load(key: str) -> dict[str, NDArray[np.generic]] | None:
    """Return the arrays of an entry; `None` where there is none, or none that is whole."""
    where = folder()
    if where is None:
        return None
    file = where / f"{key}.npz"
    try:
        content = file.read_bytes()
        digest, arrays = content[:_DIGEST_BYTES], memoryview(content)[_DIGEST_BYTES:]
        if hashlib.blake2b(arrays, digest_size=_DIGEST_BYTES).digest() != digest:
            file.unlink(missing_ok=True)
            return None
        os.utime(file)
        with np.load(io.BytesIO(arrays), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, BadZipFile):
        return None


def save(key: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Keep an entry, whole or not at all; the ones used longest ago make room for it."""
    where = folder()
    if where is None:
        return
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    content = packed.getbuffer()
    digest = hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
    try:
        where.mkdir(parents=True, exist_ok=True)
        _make_room(where, len(content))
        with tempfile.NamedTemporaryFile(dir=where, prefix=".new-", delete=False) as target:
            try:
                target.write(digest)
                target.write(content)
                target.close()
                Path(target.name).replace(where / f"{key}.npz")
            except OSError:
                Path(target.name).unlink(missing_ok=True)
                raise
    except OSError:
        return


def _make_room(where: Path, size: int) -> None:
    entries = sorted(((file.stat(), file) for file in where.glob("*.npz")), key=lambda entry: entry[0].st_mtime)
    total = size + sum(state.st_size for state, _ in entries)
    for state, file in entries:
        if total <= MOST_BYTES:
            return
        file.unlink(missing_ok=True)
        total -= state.st_size

"""What was worked out about the same streets before: kept on disk, and never believed unchecked.

An entry's name is the hash of all that it was made from, with the program itself; its content
carries its own hash. What is stale has another name; what is damaged is thrown away and made anew. Where
nothing can be written nothing is kept.

The folder is `$GEO_CACHE`, else the user's cache folder; `GEO_CACHE=off` keeps nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import platformdirs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    Part = str | bytes | float | NDArray[np.generic]

MOST_BYTES = 4_000_000_000
_OFF = ("off", "0", "no")
_SUFFIX = ".arrays"
_KEPT = (_SUFFIX, ".npz")  # those of an earlier version make room first
_DIGEST_BYTES, _HEAD_BYTES = 32, 8
_ALIGNED = 64
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
    file = where / f"{key}{_SUFFIX}"
    try:
        kept = np.fromfile(file, dtype=np.uint8)
        digest, content = kept[:_DIGEST_BYTES].tobytes(), kept[_DIGEST_BYTES:]
        if hashlib.blake2b(content.data, digest_size=_DIGEST_BYTES).digest() != digest:
            file.unlink(missing_ok=True)
            return None
        os.utime(file)
        return _unpacked(content)
    except (OSError, ValueError):
        return None


def save(key: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Keep an entry, whole or not at all; the ones used longest ago make room for it."""
    where = folder()
    if where is None:
        return
    content = _packed(arrays)
    digest = hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
    try:
        where.mkdir(parents=True, exist_ok=True)
        _make_room(where, len(content))
        with tempfile.NamedTemporaryFile(dir=where, prefix=".new-", delete=False) as target:
            try:
                target.write(digest)
                target.write(content)
                target.close()
                Path(target.name).replace(where / f"{key}{_SUFFIX}")
            except OSError:
                Path(target.name).unlink(missing_ok=True)
                raise
    except OSError:
        return


def _packed(arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """Return arrays as bytes: what they are (name, kind, shape, place), then each as it lies in memory."""
    parts, heads, end = [], [], 0
    for name, array in arrays.items():
        if array.dtype.hasobject:
            msg = f"{name}: objects are not kept"
            raise ValueError(msg)
        plain = np.ascontiguousarray(array)
        heads.append((name, plain.dtype.str, array.shape, end))
        parts += [plain.tobytes(), bytes(-plain.nbytes % _ALIGNED)]
        end += len(parts[-2]) + len(parts[-1])
    head = json.dumps(heads).encode()
    head += b" " * (-(len(head) + _HEAD_BYTES + _DIGEST_BYTES) % _ALIGNED)
    return b"".join([len(head).to_bytes(_HEAD_BYTES, "little"), head, *parts])


def _unpacked(content: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
    """Return the arrays that :func:`_packed` made bytes of: as they lie there, not copied."""
    begin = _HEAD_BYTES + int.from_bytes(content[:_HEAD_BYTES].tobytes(), "little")
    found = {}
    for name, kind, shape, place in json.loads(content[_HEAD_BYTES:begin].tobytes()):
        dtype = np.dtype(kind)
        first = begin + place
        found[name] = content[first : first + math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)
    return found


def _make_room(where: Path, size: int) -> None:
    entries = sorted(
        ((file.stat(), file) for file in where.iterdir() if file.suffix in _KEPT), key=lambda entry: entry[0].st_mtime
    )
    total = size + sum(state.st_size for state, _ in entries)
    for state, file in entries:
        if total <= MOST_BYTES:
            return
        file.unlink(missing_ok=True)
        total -= state.st_size

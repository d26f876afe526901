"""Which file of an archive is the layer, unpacked within bounds beside the parts that belong to it."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from geo.layers import bounds
from geo.layers.findings import listed, shown
from geo.layers.raw import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geo.layers.findings import Findings
    from geo.study_file import LayerSource

SHAPE_PARTS = (".shp", ".dbf", ".shx", ".prj", ".cpg")
MOST_MEMBERS = 10_000
# What deflate cannot exceed on real data: maps and sheets come down to a twentieth, rarely to a hundredth.
MOST_RATIO = 250
_RATIO_COUNTS_FROM = 16 * bounds.MIB
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_STEP = bounds.MIB
_ENCRYPTED = 0x1
ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, LookupError, NotImplementedError, RuntimeError, ValueError)


class Unpacked(NamedTuple):
    """The file to read and the source that says how; `layer` is used up where it chose the file."""

    path: Path
    source: LayerSource


def opened(archived: Path | bytes, source: LayerSource, findings: Findings) -> zipfile.ZipFile:
    """Return an archive, given as a file or as its bytes, with not too many members and none that overlap."""
    try:
        archive = _named(archived)
    except ERRORS as error:
        findings.fault("broken_file", why=_why(error, source))
        raise UnreadableError from error
    infos = archive.infolist()
    bounds.check(len(infos), MOST_MEMBERS, findings, what="members")
    size = len(archived) if isinstance(archived, bytes) else archived.stat().st_size
    if (
        sum(info.compress_size for info in infos) > size
    ):  # members that share their bytes: one kilobyte would be unpacked a thousand times
        findings.fault("zip_bomb")
        raise UnreadableError
    return archive


def _named(archived: Path | bytes) -> zipfile.ZipFile:
    """Return an archive; names without the UTF-8 flag were written by Windows in Chinese."""
    try:
        return zipfile.ZipFile(_stream(archived), metadata_encoding="gb18030")
    except UnicodeDecodeError:
        return zipfile.ZipFile(_stream(archived))


def _stream(archived: Path | bytes) -> Path | io.BytesIO:
    return io.BytesIO(archived) if isinstance(archived, bytes) else archived


def _why(error: Exception, source: LayerSource) -> str:
    text = str(error)
    if source.file is not None:
        text = text.replace(str(source.file), source.label)
    return f"{type(error).__name__}: {shown(text)}"


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, findings: Findings, *, most: int) -> bytes:
    """Return the bytes of a member, at most so many, read in steps so that a bomb never unfolds."""
    if info.flag_bits & _ENCRYPTED:
        findings.fault("zip_password")
        raise UnreadableError
    if info.compress_type not in _METHODS:
        findings.fault("zip_method")
        raise UnreadableError
    bounds.check(info.file_size, most, findings, what="bytes")
    parts: list[bytes] = []
    total = 0
    with archive.open(info) as stream:
        while part := stream.read(_STEP):
            parts.append(part)
            total += len(part)
            bounds.check(total, most, findings, what="bytes")
            if total > _RATIO_COUNTS_FROM and total > MOST_RATIO * max(info.compress_size, 1):
                findings.fault("zip_bomb")
                raise UnreadableError
    return b"".join(parts)


def unpack(path: Path, source: LayerSource, findings: Findings, *, folder: Path, suffixes: Iterable[str]) -> Unpacked:
    """Unpack the layer of an archive into a folder, under a name of ours.

    Parameters
    ----------
    path
        The archive.
    source
        `layer` names the file, without its suffix, where there are several.
    folder
        An empty folder that takes the file and, of a shapefile, the parts beside it.
    suffixes
        Of files that can be layers, the surest first; the first of which there is one counts.

    Raises
    ------
    UnreadableError
        With the fault noted: no layer or several, a password, damage, a bomb.
    """
    with opened(path, source, findings) as archive:
        infos = {info.filename: info for info in archive.infolist() if _is_real(info)}
        chosen, used_layer = _chosen(infos, source, findings, suffixes=tuple(suffixes))
        suffix = PurePosixPath(chosen).suffix.lower()
        names = {suffix: chosen}
        if suffix == ".shp":
            names = {part: name for part in SHAPE_PARTS if (name := _beside(infos, chosen, part)) is not None}
        left = bounds.MOST_BYTES
        try:
            for part, name in names.items():
                data = member(archive, infos[name], findings, most=left)
                left -= len(data)
                (folder / f"layer{part}").write_bytes(data)
        except ERRORS as error:
            findings.fault("broken_file", why=_why(error, source))
            raise UnreadableError from error
    findings.tell("unpacked", given=shown(chosen))
    inner = folder / f"layer{suffix}"
    return Unpacked(inner, source.model_copy(update={"file": inner, **({"layer": None} if used_layer else {})}))


def _is_real(info: zipfile.ZipInfo) -> bool:
    """Say whether a member is a file of the user, not a folder or what macOS adds."""
    name = PurePosixPath(info.filename)
    return not info.is_dir() and not name.name.startswith("._") and "__MACOSX" not in name.parts


def _beside(infos: dict[str, zipfile.ZipInfo], shape: str, part: str) -> str | None:
    """Return the member that is another part of a shapefile: the same name but for the suffix, in any case."""
    wanted = str(PurePosixPath(shape).with_suffix(part)).casefold()
    return next((name for name in infos if name.casefold() == wanted), None)


def _chosen(
    infos: dict[str, zipfile.ZipInfo], source: LayerSource, findings: Findings, *, suffixes: tuple[str, ...]
) -> tuple[str, bool]:
    """Return the member to read, and whether the source's `layer` chose it; none or several are a fault."""
    by_suffix = {suffix: [name for name in sorted(infos) if name.lower().endswith(suffix)] for suffix in suffixes}
    every = [name for names in by_suffix.values() for name in names]
    for names in by_suffix.values():
        wanted = [name for name in names if PurePosixPath(name).stem == source.layer]
        if len(wanted) == 1:
            return wanted[0], True
    kinds = [names for names in by_suffix.values() if names]
    if not kinds or (source.layer is not None and by_suffix.get(".shp")):
        findings.fault("no_such_layer", given=shown(source.layer or " ".join(suffixes)), found=listed(every or infos))
        raise UnreadableError
    if len(kinds[0]) > 1:
        findings.fault("which_layer", found=listed(kinds[0]))
        raise UnreadableError
    return kinds[0][0], False

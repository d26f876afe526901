"""How the files of an analysis come into their folder: all of them or none."""

from __future__ import annotations

import errno
import fnmatch
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from geo.errors import Fault, InputFaultsError
from geo.messages import DEFAULT_LANG, Message
from geo.reports import geopackage, rasters, summary, tables, word, workbook

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from geo.messages import Lang
    from geo.results import Results

# Files of an earlier run that would contradict this one if it no longer writes them.
_OWN = (
    *("coverage.csv", "coverage_standards.csv", "gaps.csv", "comparison.csv", "layers.gpkg", "summary.json"),
    *("report.xlsx", "report.docx", "parks.docx", "districts/report_*.docx", "map.html", "surface_*.tif"),
)


class CannotReplaceError(OSError):
    """A file that stands where a new one belongs, and cannot be moved: held open elsewhere, or locked."""

    def __init__(self, name: str, error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error))
        self.name = name


# What a disk that fills up makes of a GeoPackage; none of them says so.
_GEOPACKAGE_ERRORS = (DataSourceError, DataLayerError, FeatureError)
_FULL_BYTES = 1 << 20
# What systems say of a file that is held open, must not be changed, or is a folder.
_IN_THE_WAY = (errno.EACCES, errno.EPERM, errno.EBUSY, errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


def write_results(
    results: Results, folder: Path, *, lang: Lang = DEFAULT_LANG, map_html: str | None = None
) -> list[Path]:
    """Write all files of an analysis into a folder, whole or not at all.

    Everything is written into a hidden folder beside its place and renamed when complete. In a folder
    that exists only the files that `geo` writes are replaced; surfaces and a map of an earlier run
    that this one does not write are removed; other people's files stay.

    Parameters
    ----------
    results
        What to write.
    folder
        The study's own folder; it and its parents are made where needed.
    lang
        Language of the workbook, notes and messages.
    map_html
        The page to write as `map.html`.

    Returns
    -------
    The files written, in a fixed order.

    Raises
    ------
    InputFaultsError
        When the folder cannot be made or written. What was there before is left as it was.
    """
    folder = Path(folder)
    place = Path(os.path.realpath(folder))
    with _told(folder, "report.cannot_write"), _staging(place) as staging:
        try:
            names = _write_all(results, staging, lang=lang, map_html=map_html)
        except _GEOPACKAGE_ERRORS as error:
            raise _disk_error(error, staging) from error
        _publish(staging, place, names)
    return [folder / name for name in names]


def write_comparison(table: pd.DataFrame, folder: Path, *, page: str, lang: Lang = DEFAULT_LANG) -> list[Path]:
    """Write what became of the gaps of two periods, `comparison.csv` and `comparison.html`, into a folder.

    Raises
    ------
    InputFaultsError
        When the folder cannot be made or written. What was there before is left as it was.
    """
    place = Path(os.path.realpath(folder))
    names = ["comparison.csv", "comparison.html"]
    with _told(folder, "compare.cannot_write"), _staging(place) as staging:
        tables.write_comparison(table, staging / names[0], lang=lang)
        (staging / names[1]).write_bytes(page.encode("utf-8", errors="replace"))
        place.mkdir(exist_ok=True)
        _publish(staging, place, names, ours=())
    return [folder / name for name in names]


@contextmanager
def _told(folder: Path, message: str) -> Iterator[None]:
    """Turn what a disk refuses into a fault that names the file in the way, else the folder."""
    try:
        yield
    except CannotReplaceError as error:
        why = Message("report.cannot_replace", {"why": error.strerror})
        raise InputFaultsError([Fault(str(folder / error.name), why)]) from error
    except OSError as error:
        why = Message(message, {"why": error.strerror or str(error)})
        raise InputFaultsError([Fault(str(folder), why)]) from error


def _disk_error(error: Exception, staging: Path) -> OSError:
    """Return the error of a database as one of the disk it lies on."""
    full = shutil.disk_usage(staging).free < _FULL_BYTES
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if full else OSError(errno.EIO, str(error))


def _write_all(results: Results, folder: Path, *, lang: Lang, map_html: str | None) -> list[str]:
    """Write every file into a folder and return their names."""
    surfaces = rasters.surface_files(results)
    kept: dict[str, Any] = {}  # what workbook and Word files both ask for
    geopackage.write_layers(results, folder / "layers.gpkg", lang=lang)  # alone: its library would be kept waiting
    with ThreadPoolExecutor(1) as beside:  # rasters are packed by a library, without Python's lock
        packing = beside.submit(rasters.write_surfaces, results, folder, surfaces)
        tables.write_coverage(results, folder / "coverage.csv", lang=lang)
        tables.write_standards(results, folder / "coverage_standards.csv", lang=lang)
        tables.write_gaps(results, folder / "gaps.csv", lang=lang)
        summary.write_summary(results, folder / "summary.json", lang=lang)
        workbook.write_workbook(results, folder / "report.xlsx", lang=lang, kept=kept)
        packing.result()
    written = word.write_word(
        results, folder, lang=lang, kept=kept
    )  # by itself, so that both are not in memory at once
    tables_written = ["coverage.csv", "coverage_standards.csv", "gaps.csv"]
    names = [*tables_written, "layers.gpkg", "summary.json", "report.xlsx", *written, *surfaces]
    if results.comparison is not None:
        tables.write_comparison(results.comparison, folder / "comparison.csv", lang=lang)
        names.append("comparison.csv")
    if map_html is not None:
        (folder / "map.html").write_bytes(map_html.encode("utf-8", errors="replace"))
        names.insert(0, "map.html")
    return names


@contextmanager
def _staging(place: Path) -> Iterator[Path]:
    """Give a hidden folder beside a place; after a failure neither it nor a parent made for it is left."""
    staging = place.with_name(f".{place.name}.part")
    made: list[Path] = []
    try:
        _make_folders(place.parent, made)
        _refuse_a_file(place)
        _remove(staging)  # of a run that was killed
        try:
            staging.mkdir()
        except FileNotFoundError:  # another one made the parent, failed, and took it back
            _make_folders(place.parent, made)
            staging.mkdir()
        yield staging
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        for parent in reversed(made):
            with suppress(OSError):
                parent.rmdir()
        raise
    shutil.rmtree(staging, ignore_errors=True)


def _make_folders(folder: Path, made: list[Path]) -> None:
    """Make a folder and its parents, noting each one that was not there."""
    if folder.exists():
        return
    _make_folders(folder.parent, made)
    try:
        folder.mkdir()
    except FileExistsError:
        # The first studies of a batch come at once: another process made it meanwhile.
        if folder.is_dir():
            return
        raise
    made.append(folder)


def _refuse_a_file(place: Path) -> None:
    if place.exists() and not place.is_dir():
        raise NotADirectoryError(20, os.strerror(20))


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _publish(staging: Path, place: Path, names: list[str], *, ours: tuple[str, ...] = _OWN) -> None:
    """Rename complete files into place; when one cannot be, put everything back as it was and say which.

    Where systems do not let a file be moved that a program has open, it is found out before anything is replaced.
    """
    if not place.exists():
        staging.rename(place)
        return
    kept = place.with_name(f".{place.name}.old")
    _restore(kept, place)  # of a run that was killed while it renamed
    kept.mkdir()
    placed: list[Path] = []
    made: list[Path] = []
    at = ""
    try:
        for at in _earlier(place, names, ours):
            _move(place / at, kept / at)
        for at in names:
            _make_folders((place / at).parent, made)
            (staging / at).rename(place / at)
            placed.append(place / at)
    except BaseException as error:
        for path in placed:
            path.unlink()
        for parent in reversed(made):
            with suppress(OSError):
                parent.rmdir()
        _restore(kept, place)
        if isinstance(error, OSError) and error.errno in _IN_THE_WAY:
            raise CannotReplaceError(at, error) from error
        raise
    shutil.rmtree(kept, ignore_errors=True)
    _leave_no_empty(place)


def _earlier(place: Path, names: list[str], ours: tuple[str, ...]) -> list[str]:
    """Return the files of an earlier run, by their names below the folder; other people's are not among them."""
    below = [path.relative_to(place).as_posix() for path in _files_below(place)]
    return [name for name in below if name in names or any(fnmatch.fnmatchcase(name, own) for own in ours)]


def _files_below(place: Path) -> list[Path]:
    """Return the files of a folder and of those folders in it that hold some of ours; links are not followed."""
    own = [place / name.partition("/")[0] for name in _OWN if "/" in name]
    folders = [place, *(folder for folder in own if folder.is_dir() and not folder.is_symlink())]
    return sorted(path for folder in folders for path in folder.iterdir() if path.is_file())


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def _leave_no_empty(place: Path) -> None:
    """Remove folders of ours in which nothing is left."""
    for name in _OWN:
        folder = place / name.partition("/")[0]
        if "/" in name and folder.is_dir() and not any(folder.iterdir()):
            with suppress(OSError):
                folder.rmdir()


def _restore(kept: Path, place: Path) -> None:
    """Move the files that were set aside back into their place."""
    if not kept.is_dir():
        return
    for path in sorted(path for path in kept.rglob("*") if path.is_file()):
        _move(path, place / path.relative_to(kept))
    shutil.rmtree(kept)

"""How files come into their folder: all of them or none, and nothing of other people's is lost."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from geo.errors import Fault, InputFaultsError
from geo.messages import Message

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

STUDY_FILE = "study.toml"  # people edit it: the older one is kept beside the new one
BACKUP = ".bak"
NAMES_SHOWN = 5


def refuse_to_overwrite(folder: Path, names: Collection[str] | None = None) -> None:
    """Raise where files stand in the way that nobody asked to replace.

    Parameters
    ----------
    folder
        Where files are to be written.
    names
        Their names; None: whatever is in the folder is in the way.

    Raises
    ------
    InputFaultsError
        With the first names that are taken.
    """
    if folder.exists() and not folder.is_dir():
        raise InputFaultsError([Fault(str(folder), Message("cli.out_is_file", {"file": folder}))])
    present = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    taken = [name for name in present if names is None or name in names]
    if taken:
        more = [f"… ({len(taken)})"] if len(taken) > NAMES_SHOWN else []
        listed = ", ".join([*taken[:NAMES_SHOWN], *more])
        raise InputFaultsError([Fault(str(folder), Message("new.taken", {"names": listed}))])


@contextmanager
def placed(folder: Path) -> Iterator[Path]:
    """Give a hidden folder beside a place, whose files move there when the block ends; after a failure none does.

    Files of the same names are replaced, an older `study.toml` is kept as `study.toml.bak`, all others stay.

    Raises
    ------
    InputFaultsError
        When the folder cannot be made or written; what was there before is left as it was.
    """
    place = folder.absolute()
    staging = place.with_name(f".{place.name}.part")
    made = [parent for parent in reversed(place.parents) if not parent.exists()]
    done = False
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(staging, ignore_errors=True)  # of a run that was killed
        staging.mkdir()
        yield staging
        _publish(staging, place)
        done = True
    except OSError as error:
        why = Message("new.unwritable", {"why": error.strerror or str(error)})
        raise InputFaultsError([Fault(str(folder), why)]) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for parent in reversed(made) if not done else ():
            with suppress(OSError):
                parent.rmdir()


def _publish(staging: Path, place: Path) -> None:
    """Rename complete files into place; when one cannot be, put everything back as it was."""
    if not place.exists():
        staging.rename(place)
        return
    kept = place.with_name(f".{place.name}.old")
    kept.mkdir(exist_ok=True)
    moved: list[Path] = []
    aside: list[str] = []
    try:
        for new in sorted(staging.iterdir()):
            if (place / new.name).exists():
                (place / new.name).rename(kept / new.name)
                aside.append(new.name)
            new.rename(place / new.name)
            moved.append(place / new.name)
    except OSError:
        for path in moved:
            path.unlink()
        for name in aside:
            (kept / name).rename(place / name)
        shutil.rmtree(kept, ignore_errors=True)
        raise
    if STUDY_FILE in aside:
        (kept / STUDY_FILE).replace(place / f"{STUDY_FILE}{BACKUP}")
    shutil.rmtree(kept, ignore_errors=True)

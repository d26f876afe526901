"""How the command speaks: languages, progress, faults and exit statuses that all its verbs share."""

from __future__ import annotations

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo.bars import bar
from geo.errors import Fault, GeoError, InputFaultsError
from geo.messages import Message, text

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from geo.bars import Progress

# Where the study file itself could not be opened, there is nothing to say of its layers.
UNOPENED = {"study.no_such", "study.no_file", "study.is_file", "study.not_utf8", "study.unreadable"}
UNUSABLE, USAGE, SOME_FAILED = 1, 2, 3


class Language(StrEnum):
    """Language of outputs and messages."""

    ZH = "zh"
    EN = "en"


LangOption = Annotated[Language, typer.Option("--lang", help="Language of messages and outputs / 提示与结果的语言")]


def say(line: str) -> None:
    """Print a line of a result."""
    typer.echo(line)


def fail(line: str) -> None:
    """Print a line of what went wrong."""
    typer.echo(line, err=True)


def faults_told(error: GeoError, given: object, lang: Language) -> int:
    """Print every fault of an input and return the exit status."""
    if not isinstance(error, InputFaultsError):
        fail(f"  ✗ {error}")
        return UNUSABLE
    fail(text("cli.faults", lang.value, given=given, count=len(error.faults)))
    for fault in error.faults:
        fail(f"  ✗ {fault.text(lang.value)}")
    keys = {fault.message.key for fault in error.faults}
    if any(key.startswith("study.") for key in keys) and not keys & UNOPENED:
        fail(text("cli.layers_unread", lang.value))
    return UNUSABLE


def progress_shown(lang: Language) -> AbstractContextManager[Progress]:
    """Show a bar on a terminal, nothing where the output is piped."""
    return bar(lang.value)


def place_faults(place: Path) -> list[Fault]:
    """Return why results cannot be written to a folder, before anything is computed."""
    nearest = next((folder for folder in (place, *place.absolute().parents) if folder.exists()), Path.cwd())
    if not nearest.is_dir():
        return [Fault(str(place), Message("cli.out_is_file", {"file": nearest}))]
    try:
        # Only a try tells: permissions say nothing of read-only disks and of systems that make no folders.
        with tempfile.TemporaryDirectory(prefix=".geo-", dir=nearest):
            return []
    except OSError:
        return [Fault(str(place), Message("cli.out_locked", {"folder": nearest}))]

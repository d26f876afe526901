"""What a new study starts from: a commented study file."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from geo.errors import Fault, InputFaultsError
from geo.messages import DEFAULT_LANG, Message
from geo.study import STUDY_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from geo.messages import Lang


def write_new(folder: Path, *, lang: Lang = DEFAULT_LANG) -> Path:
    """Write a commented study file into a new or empty folder and return its path.

    Raises
    ------
    InputFaultsError
        When the folder already holds a study file or cannot be written.
    """
    file = folder / STUDY_FILE
    if file.exists():
        raise InputFaultsError([Fault(str(file), Message("new.exists"))])
    source = resources.files("geo.data").joinpath(f"study_{lang}.toml").read_text(encoding="utf-8")
    safe = (
        "".join(sign if sign.isalnum() or sign in "_-" else "-" for sign in folder.resolve().name).strip("-") or "study"
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(source.replace("MY-STUDY", safe), encoding="utf-8")
    except OSError as error:
        raise InputFaultsError(
            [Fault(str(folder), Message("new.unwritable", {"why": error.strerror or ""}))]
        ) from error
    return file

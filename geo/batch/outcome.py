"""What is asked of whoever computes one study of a batch, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from geo.messages import Lang


@dataclass(frozen=True)
class Job:
    """One study to compute, in words that another process or machine understands.

    Attributes
    ----------
    label
        The study's folder, relative to the batch's.
    file
        Its study file, absolute.
    out
        Folder that the results of all studies go to, absolute.
    study_id
        Name of its folder there.
    data
        Further folders for layer paths, absolute.
    lang
        Language of outputs and reasons.
    program
        Hash of the program that must compute it; see :func:`geo.batch.fingerprint.program`.
    hidden
        Beginnings of paths that are left out of reasons, so that these are the same wherever the folders lie.
    """

    label: str
    file: Path
    out: Path
    study_id: str
    data: tuple[Path, ...]
    lang: Lang
    program: str
    hidden: tuple[str, ...] = ()

    @property
    def place(self) -> Path:
        """The folder of the study's results."""
        return self.out / self.study_id


@dataclass(frozen=True)
class Outcome:
    """What became of one study.

    Attributes
    ----------
    label
        The study's folder, relative to the batch's.
    done
        Whether its results are there.
    lines
        Every fault, where it failed.
    kept
        Whether the results of an earlier call were found to be those of today's inputs.
    study_id
        Name of its result folder; empty where the study file could not be read.
    summary
        Content of its `summary.json`, where it was done.
    files
        Names of the files in its result folder that are meant to be opened.
    """

    label: str
    done: bool
    lines: tuple[str, ...] = ()
    kept: bool = False
    study_id: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()

"""Many studies: every one below a folder, each with its own outcome, and lists of them all.

Studies are computed by processes of this machine (`processes`) or of a cluster (`cluster`), always by the
same function (`task`). What lies there whole, from the same inputs by the same program, is not computed
again (`fingerprint`). The lists (`listing`, `page`, `workbook`) are made from the results alone, so that a
batch that was interrupted ends with the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from geo.batch import cluster, fingerprint, listing, page, processes, task, whole, workbook
from geo.batch.outcome import Job, Outcome
from geo.errors import Fault, GeoError, InputFaultsError
from geo.messages import DEFAULT_LANG, Message
from geo.study import STUDY_FILE, read_study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from geo.messages import Lang

OPENED = ("map.html", "report.docx", "report.xlsx")


def run_all(
    folder: Path,
    *,
    out: Path,
    data: tuple[Path, ...] = (),
    lang: Lang = DEFAULT_LANG,
    workers: int | None = None,
    memory_gb: float | None = None,
    scheduler: str | None = None,
    tell: Callable[[Outcome, int, int], None] = lambda *_: None,
) -> tuple[list[Outcome], Path]:
    """Run every study below a folder that is not there already.

    Parameters
    ----------
    folder
        Looked through for `study.toml`, at any depth.
    out
        Results go to `<out>/<id>/`, the lists to `<out>/index.html`, `summary.xlsx` and `batch.json`.
    data
        Further folders for layer paths.
    lang
        Language of outputs.
    workers
        Processes; by default one a core, as far as the memory carries.
    memory_gb
        Memory of all processes together, in GB; by default four fifths of what is free.
    scheduler
        Address of a Dask scheduler, whose workers compute in place of own processes.
    tell
        Told each outcome when it is there, how many there are by now, and how many there will be.

    Returns
    -------
    The outcomes in the order of their labels, and the page that lists them.

    Raises
    ------
    InputFaultsError
        When there is no study below the folder, no cluster, or the lists cannot be written; the results
        of studies that are done stay.
    """
    files = sorted(folder.rglob(STUDY_FILE))
    if not files:
        why = "cli.none_found" if folder.is_dir() else "cli.is_file" if folder.is_file() else "cli.no_folder"
        raise InputFaultsError([Fault(str(folder), Message(why, {"folder": folder.absolute().parent.name}))])
    jobs, found = _planned(files, folder, out=out, data=data, lang=lang)
    for number, outcome in enumerate(found, start=1):
        tell(outcome, number, len(files))
    for outcome in _worked_off(jobs, workers=workers, memory_gb=memory_gb, scheduler=scheduler):
        found.append(_with_summary(outcome, out, lang))
        tell(found[-1], len(found), len(files))
    found.sort(key=lambda outcome: outcome.label)
    return found, _list_all(found, out, lang)


def _planned(
    files: list[Path], folder: Path, *, out: Path, data: tuple[Path, ...], lang: Lang
) -> tuple[list[Job], list[Outcome]]:
    """Return the studies that can be tried, each with a folder of its own, and the others' outcomes."""
    taken: dict[str, str] = {}
    jobs: list[Job] = []
    faulty: list[Outcome] = []
    hidden = tuple(f"{base.resolve()}/" for base in (out, folder))
    for file in files:
        label = file.parent.relative_to(folder).as_posix()
        label = folder.resolve().name if label == "." else label
        job = Job(
            label=label,
            file=file.resolve(),
            out=out.resolve(),
            study_id="",
            data=tuple(place.resolve() for place in data),
            lang=lang,
            program=fingerprint.program(),
            hidden=hidden,
        )
        try:
            head = read_study(job.file, data=job.data).head
            if (other := taken.setdefault(head.id.casefold(), label)) != label:
                clash = Message("cli.same_id", {"id": head.id, "other": other})
                raise InputFaultsError([Fault(f"{label}/{STUDY_FILE}: study.id", clash)])  # noqa: TRY301
            jobs.append(replace(job, study_id=head.id))
        except InputFaultsError as error:
            faulty.append(task.failed(job, *(fault.text(lang) for fault in error.faults)))
        except (GeoError, OSError) as error:
            faulty.append(task.failed(job, str(error)))
    return jobs, faulty


def _worked_off(
    jobs: list[Job], *, workers: int | None, memory_gb: float | None, scheduler: str | None
) -> Iterator[Outcome]:
    if not jobs:
        return iter(())
    if scheduler is not None:
        return cluster.outcomes(jobs, address=scheduler)
    return processes.outcomes(jobs, processes.crew(workers=workers, memory_gb=memory_gb, jobs=len(jobs)))


def _with_summary(outcome: Outcome, out: Path, lang: Lang) -> Outcome:
    """Return an outcome with what its results say: read from the disk, whoever computed it and whenever."""
    if not outcome.done:
        return outcome
    place = out / outcome.study_id
    try:
        summary: dict[str, Any] = json.loads((place / "summary.json").read_bytes())
    except (OSError, ValueError):
        unseen = Fault(outcome.label, Message("batch.unseen", {"folder": outcome.study_id}))
        return replace(outcome, done=False, lines=(unseen.text(lang),))
    return replace(outcome, summary=summary, files=tuple(name for name in OPENED if (place / name).is_file()))


def _list_all(found: list[Outcome], out: Path, lang: Lang) -> Path:
    """Write the three lists, all or none, and return the page."""
    listed = listing.of(found, lang)
    index = out / "index.html"
    try:
        out.mkdir(parents=True, exist_ok=True)
        contents = {
            out / "batch.json": listing.as_json(listed),
            out / "summary.xlsx": workbook.content(listed, lang),
            index: page.content(listed, lang).encode("utf-8", errors="replace"),
        }
        whole.write(contents)
    except OSError as error:
        why = Message("batch.lists_unwritten", {"why": error.strerror or str(error)})
        raise InputFaultsError([Fault(str(error.filename or out), why)]) from error
    return index

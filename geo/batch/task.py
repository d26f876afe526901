"""How one study of a batch is computed: the same function in this process, another one, or on another machine."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from geo.bars import silent
from geo.batch import fingerprint
from geo.batch.outcome import Outcome
from geo.errors import Fault, GeoError, InputFaultsError
from geo.messages import Message, text
from geo.study import read_study

if TYPE_CHECKING:
    from geo.batch.outcome import Job

# A worker of a cluster may have many threads; the libraries that write files have states of their own.
_ONE_AT_A_TIME = threading.Lock()


def run(job: Job) -> Outcome:
    """Compute a study unless its results lie there already; whatever stops it is its own outcome."""
    with _ONE_AT_A_TIME:
        try:
            kept = _computed(job)
        except InputFaultsError as error:
            return failed(job, *(fault.text(job.lang) for fault in error.faults))
        except GeoError as error:
            return failed(job, str(error))
        except MemoryError:
            return failed(job, text("batch.no_memory", job.lang))
        except Exception as error:  # noqa: BLE001 - a fault of ours in one study must not stop a night's batch
            return failed(job, text("cli.unexpected", job.lang, kind=type(error).__name__, why=error))
    return Outcome(job.label, done=True, kept=kept, study_id=job.study_id)


def failed(job: Job, *lines: str) -> Outcome:
    """Return the outcome of a study that could not be computed, its reasons without the paths of this machine."""
    shown = []
    for given in lines:
        line = given
        for start in job.hidden:
            line = line.replace(start, "")
        shown.append(line)
    return Outcome(job.label, done=False, lines=tuple(shown), study_id=job.study_id)


def _computed(job: Job) -> bool:
    """See to it that the results are there; say whether they were before."""
    if job.program != fingerprint.program():
        raise InputFaultsError([Fault(job.label, Message("batch.other_program"))])
    study = read_study(job.file, data=job.data)
    ledger = study.folder / fingerprint.LEDGER
    try:
        found = fingerprint.of_study(study, lang=job.lang)
    except OSError as error:
        why = Message("batch.unreadable", {"why": error.strerror or str(error)})
        raise InputFaultsError([Fault(str(error.filename or job.file), why)]) from error
    if fingerprint.is_current(job.place, found, ledger=ledger):
        return True
    from geo.pipeline import analyse  # noqa: PLC0415 - heavy libraries, not needed where nothing changed

    analysis = analyse(study, progress=silent)
    written = analysis.write(job.place, lang=job.lang)
    analysis.keep_ledger(lang=job.lang)
    try:
        fingerprint.keep(job.place, found, written, ledger=ledger)
    except OSError as error:
        why = Message("report.cannot_write", {"why": error.strerror or str(error)})
        raise InputFaultsError([Fault(str(job.place / fingerprint.STATE_FILE), why)]) from error
    return False

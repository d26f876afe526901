"""How studies are computed by the workers of a Dask cluster, inputs and outputs on a folder that all can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo.batch import task
from geo.errors import Fault, InputFaultsError
from geo.messages import Message, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geo.batch.outcome import Job, Outcome

_CONNECT_SECONDS = 20
_OPTION = "--scheduler"


def outcomes(jobs: Sequence[Job], *, address: str) -> Iterator[Outcome]:
    """Send studies to a cluster; yield each outcome when it is there.

    The scheduler gives the studies of a worker that dies to another one, and gives a study up when three
    workers died of it.

    Raises
    ------
    InputFaultsError
        When the extra `cluster` is not installed, or no scheduler with a worker answers.
    """
    try:
        from distributed import Client, as_completed  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputFaultsError([Fault(_OPTION, Message("batch.no_extra"))]) from error
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        why = Message("batch.no_scheduler", {"why": str(error) or type(error).__name__})
        raise InputFaultsError([Fault(address, why)]) from error
    try:
        try:
            client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        except TimeoutError as error:
            raise InputFaultsError([Fault(address, Message("batch.no_workers"))]) from error
        sent = {client.submit(task.run, job, pure=False): job for job in jobs}
        for future in as_completed(list(sent), loop=client.loop):
            job = sent.pop(future)
            yield _answer(future, job)
            future.release()
    finally:
        client.close(timeout=_CONNECT_SECONDS)


def _answer(future: object, job: Job) -> Outcome:
    """Return what a worker answered; where none could, the reason is the outcome."""
    try:
        result: Outcome = future.result()  # type: ignore[attr-defined]
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        why = str(error).splitlines()[0] if str(error) else ""
        return task.failed(job, text("batch.lost", job.lang, kind=type(error).__name__, why=why))
    return result

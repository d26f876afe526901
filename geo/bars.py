"""How far a long step is: a bar in a terminal, a bar in a notebook, nothing where output is piped."""

from __future__ import annotations

import html
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from geo.messages import DEFAULT_LANG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geo.messages import Lang, Message


_TAKEN_FOR_TERMINAL = {"FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}


class Progress(Protocol):
    """Told what is being done and how far it is, 0 to 1."""

    def __call__(self, step: Message, done: float) -> None:
        """Take note of one step."""


def silent(step: Message, done: float) -> None:
    """Take note of a step and show nothing."""
    del step, done


@contextmanager
def bar(lang: Lang = DEFAULT_LANG) -> Iterator[Progress]:
    """Give a function that is told the step and how far it is, 0 to 1; the bar goes when all is done.

    It is shown by `rich` on a terminal (on stderr), as HTML in a notebook, and nowhere else.
    """
    if in_notebook():
        with _notebook_bar(lang) as note:
            yield note
        return
    if not may_be_terminal():
        yield silent  # and `rich` need not be imported to find the same
        return
    from rich.console import Console  # noqa: PLC0415 - only steps that take long
    from rich.progress import BarColumn, Progress as Bar, TaskProgressColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("", total=1.0)

        def note(step: Message, done: float) -> None:
            shown.update(task, description=step.text(lang), completed=done)

        yield note


def may_be_terminal() -> bool:
    """Say whether `rich` may take stderr for a terminal: it is one, or the environment says that it can be written to as one."""
    if _TAKEN_FOR_TERMINAL & os.environ.keys():
        return True
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed
        return False


def in_notebook() -> bool:
    """Say whether the code runs in a Jupyter kernel."""
    shell = sys.modules.get("IPython")
    here = shell.get_ipython() if shell is not None else None
    return here is not None and hasattr(here, "kernel")


@contextmanager
def _notebook_bar(lang: Lang) -> Iterator[Progress]:
    from IPython.display import HTML, display  # noqa: PLC0415 - only in a notebook

    handle = display(HTML(""), display_id=True)  # type: ignore[no-untyped-call]

    def note(step: Message, done: float) -> None:
        if handle is not None:
            handle.update(HTML(bar_html(step.text(lang), done)))  # type: ignore[no-untyped-call]

    try:
        yield note
    finally:
        if handle is not None:
            handle.update(HTML(""))  # type: ignore[no-untyped-call]


def bar_html(step: str, done: float) -> str:
    """Return a bar as HTML.

    Examples
    --------
    >>> bar_html("a < b", 0.5)
    '<progress value="0.50" max="1" style="width:16em"></progress> a &lt; b'
    """
    return f'<progress value="{done:.2f}" max="1" style="width:16em"></progress> {html.escape(step)}'

"""How a process of our own ends: at once, but with everything said and done."""

from __future__ import annotations

import subprocess
import sys

import pytest

ENDING = """
import atexit, sys
from geo import heap
{before}
atexit.register(print, "called")
print("said")
heap.leave({status!r})
print("still here")
"""


def ended(status: object, *, before: str) -> tuple[int, list[str]]:
    asked = ENDING.format(status=status, before=before)
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(("status", "code"), [(None, 0), (0, 0), (3, 3)])
def test_a_process_of_our_own_ends_at_once_with_everything_said(status: object, code: int) -> None:
    assert ended(status, before="heap.look_rarely()") == (code, ["said", "called"])


@pytest.mark.parametrize(("status", "before"), [("a text", "heap.look_rarely()"), (0, "")])
def test_another_process_or_status_goes_pythons_own_way(status: object, before: str) -> None:
    assert ended(status, before=before) == (0, ["said", "still here", "called"])

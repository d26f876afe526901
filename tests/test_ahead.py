"""What is imported ahead is there when it is asked for, and what cannot be imported is told only then."""

from __future__ import annotations

import subprocess
import sys

ASKED = """
import sys
from geo import ahead
ahead.imported("no.such.module", "geo.reports")
from geo import reports
print(reports.write_results.__name__, "matplotlib" in sys.modules)
import no.such.module
"""


def test_a_module_is_imported_beside_other_work() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.stdout.split() == ["write_results", "True"]
    assert done.stderr.strip().splitlines()[-1] == "ModuleNotFoundError: No module named 'no'"
    assert done.stderr.count("Traceback") == 1

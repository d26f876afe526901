"""Tables, layers, surfaces and the workbook of an analysis: everything written beside the map."""

from __future__ import annotations

from geo.reports.folder import write_comparison, write_results
from geo.reports.ledger import keep_ledger

__all__ = ["keep_ledger", "write_comparison", "write_results"]

"""Tables, layers, surfaces and the workbook of an analysis: everything written beside the map."""

from __future__ import annotations

from geo.reports.folder import write_results

__all__ = ["write_results"]

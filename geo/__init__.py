"""Who reaches a service within fifteen minutes on the streets, who does not, and where.

>>> import geo
>>> analysis
<Analysis small 2026Q4: 2 services, 3 units, 5 gaps>
>>> geo.what_if(analysis, "零工驿站", limit=5).served()
{'people': 2000.0, 'people_served': 649.0, 'share': 0.3245}

In the examples `county` is the folder of a small study, `analysis` is `geo.analyse(county)`, `folder` an empty folder.
Names load when they are first used, so that `import geo` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo.analysis import Analysis
    from geo.controls import panel
    from geo.errors import GeoCrsError, GeoError, GeoValueError, InputFaultsError
    from geo.fetch import fetch_study
    from geo.periods import compare
    from geo.pipeline import analyse
    from geo.queries import isochrones, minutes_matrix, nearest_minutes, read_streets
    from geo.scenarios import Scenario, what_if
    from geo.sites import coverage_by_sites, suggest_sites
    from geo.split import split_streets
    from geo.study import Study, read_study

__version__ = "0.1.0"

_ROOMS = {
    "Analysis": "analysis",
    "GeoCrsError": "errors",
    "GeoError": "errors",
    "GeoValueError": "errors",
    "InputFaultsError": "errors",
    "Scenario": "scenarios",
    "Study": "study",
    "analyse": "pipeline",
    "fetch_study": "fetch",
    "compare": "periods",
    "coverage_by_sites": "sites",
    "isochrones": "queries",
    "minutes_matrix": "queries",
    "nearest_minutes": "queries",
    "read_streets": "queries",
    "panel": "controls",
    "read_study": "study",
    "split_streets": "split",
    "suggest_sites": "sites",
    "what_if": "scenarios",
}

__all__ = [
    "Analysis",
    "GeoCrsError",
    "GeoError",
    "GeoValueError",
    "InputFaultsError",
    "Scenario",
    "Study",
    "__version__",
    "analyse",
    "compare",
    "coverage_by_sites",
    "fetch_study",
    "isochrones",
    "minutes_matrix",
    "nearest_minutes",
    "panel",
    "read_streets",
    "read_study",
    "split_streets",
    "suggest_sites",
    "what_if",
]


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return getattr(import_module(f"geo.{_ROOMS[name]}"), name)
    msg = f"module 'geo' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return __all__

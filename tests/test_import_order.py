"""The rooms of geo stand in an order, and no import goes against it (read from the sources by `ast`)."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import geo

PACKAGE = Path(geo.__file__).parent
FLOOR = (
    *("messages", "errors", "units", "crs", "tiles", "point_tree", "grid"),
    *("schema", "quality", "modes", "slope", "street_words"),
    *("catalogue", "standards", "study_file", "toml_faults", "study", "results"),
)
INPUTS = (
    *("layers", "osm", "pieces", "streets", "noding", "drawn_tags", "drawn"),
    *("elevation", "terrain", "population", "areas", "demand", "ledger_file", "past_results"),
)
ANALYSIS = (
    *("kernels", "access", "arcs", "line_index", "network", "barriers", "windows", "snapping", "searches"),
    *("travel_times", "pairs", "street_graph", "cells", "reached", "fields", "crossings", "surfaces", "catchments"),
    *("coverage", "adequacy", "gaps", "venues", "siting"),
    *("changes", "matching", "comparison", "ledger"),
)
OUTPUTS = ("maps", "plots", "outline", "reports")
TOP = (
    *("bars", "heap", "ahead", "prepared", "street_sources", "zone_store", "zones", "linked", "inputs"),
    *("measures", "matches", "summary", "periods"),
    *("analysis", "pipeline", "queries", "scenarios", "sites", "controls"),
    *("batch", "sample", "template", "placing", "osm_files", "osm_features", "osm_servers", "split", "fetch"),
    *("gathered", "printout", "terminal", "cli_osm", "cli"),
)
BANDS = (FLOOR, INPUTS, ANALYSIS, OUTPUTS, TOP)
BAND_OF = {room: number for number, band in enumerate(BANDS) for room in band}
ORDER = {room: number for number, room in enumerate(room for band in BANDS for room in band)}
# Within a band without an order of its own: who may use whom. From `access` to `catchments` it is one machine in many
# rooms: they hand each other arrays, not tables, and none is of use without those before it.
MACHINE = {
    "arcs": ("access",),
    "network": ("access", "arcs", "line_index"),
    "barriers": ("kernels", "line_index"),
    "snapping": ("kernels", "line_index", "barriers"),
    "searches": ("kernels", "windows"),
    "travel_times": ("searches", "windows"),
    "pairs": ("kernels", "searches", "travel_times", "windows"),
    "street_graph": ("travel_times",),
    "cells": ("barriers", "snapping", "travel_times"),
    "reached": ("kernels", "travel_times", "cells"),
    "fields": ("line_index", "travel_times", "cells", "reached"),
    "crossings": ("kernels", "snapping", "travel_times", "fields"),
    "surfaces": ("kernels", "fields", "crossings"),
    "catchments": ("kernels", "travel_times", "cells", "reached", "fields", "surfaces"),
}
ALLOWED = {
    ("streets", "osm"),
    ("pieces", "osm"),
    ("streets", "pieces"),
    *(("drawn", other) for other in ("osm", "pieces", "noding", "drawn_tags")),
    ("terrain", "elevation"),
    ("demand", "population"),
    ("comparison", "matching"),
    ("adequacy", "coverage"),
    *((room, other) for room, others in MACHINE.items() for other in others),
    *((room, "network") for room in ANALYSIS[ANALYSIS.index("network") + 1 :]),
}
HEAVY = (
    "geopandas",
    "folium",
    "osmnx",
    "scipy",
    "rasterio",
    "pandas",
    "shapely",
    "pyogrio",
    "xlsxwriter",
    "matplotlib",
)


class Import(NamedTuple):
    """One module that another names, and whether only for its types."""

    module: str
    imported: str
    typed: bool


def name_of(path: Path) -> str:
    parts = ["geo", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def is_typed_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def named_by(node: ast.stmt, module: str) -> list[str]:
    """Return the modules of geo that one import statement names; relative ones are refused."""
    if isinstance(node, ast.Import):
        wanted = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{module} imports relatively"
        wanted = [
            inner if (inner := f"{node.module}.{alias.name}") in MODULES else str(node.module) for alias in node.names
        ]
    else:
        return []
    return [name for name in wanted if name == "geo" or name.startswith("geo.")]


def imports_of(module: str, source: str) -> list[Import]:
    """Return every import of geo in a module, also those inside functions."""
    found: list[Import] = []

    def visit(node: ast.AST, *, typed: bool) -> None:
        if isinstance(node, ast.stmt):
            found.extend(Import(module, name, typed) for name in named_by(node, module))
        for child in ast.iter_child_nodes(node):
            inside = is_typed_only(node) and child in getattr(node, "body", [])
            visit(child, typed=typed or inside)

    visit(ast.parse(source), typed=False)
    return found


IMPORTS = [item for name, path in MODULES.items() for item in imports_of(name, path.read_text(encoding="utf-8"))]


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def against_the_order(item: Import) -> bool:
    """Say whether an import goes against bands and order; types may be named freely by outputs and the top."""
    room, other = room_of(item.module), room_of(item.imported)
    if room == other or not room or not other:  # within a room, or the lazy package itself
        return False
    own, theirs = BANDS[BAND_OF[room]], BANDS[BAND_OF[other]]
    if own is not theirs:
        return BAND_OF[room] < BAND_OF[other]
    if item.typed and own in (OUTPUTS, TOP):
        return False
    if own in (FLOOR, TOP):
        return ORDER[other] > ORDER[room]
    return (room, other) not in ALLOWED


def circle_in(edges: dict[str, set[str]]) -> list[str]:
    """Return one circle of a graph, or nothing."""
    done: set[str] = set()
    path: list[str] = []

    def visit(node: str) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        path.append(node)
        for other in sorted(edges.get(node, ())):
            if circle := visit(other):
                return circle
        path.pop()
        done.add(node)
        return []

    return next((circle for node in sorted(edges) if (circle := visit(node))), [])


def edges_between(rows: list[Import]) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = {}
    for item in rows:
        # A module that names its own package means the package's content, which imports it: no circle.
        if item.module != item.imported and "." in item.module and "." in item.imported:
            edges.setdefault(item.module, set()).add(item.imported)
    return edges


def test_every_module_belongs_to_a_room() -> None:
    rooms = {room_of(name) for name in MODULES} - {"", "data"}
    assert rooms == set(ORDER)


def test_every_exception_is_made_use_of() -> None:
    used = {(room_of(item.module), room_of(item.imported)) for item in IMPORTS}
    assert {pair for pair in ALLOWED if pair[1] != "network"} - used == set()


def test_imports_were_found() -> None:
    assert Import("geo.demand", "geo.population", typed=False) in IMPORTS
    assert Import("geo.cli", "geo.pipeline", typed=False) in IMPORTS, "imports inside functions count"
    assert any(item.typed for item in IMPORTS)


def test_rooms_import_only_what_stands_below_them() -> None:
    assert [f"{item.module} -> {item.imported}" for item in IMPORTS if against_the_order(item)] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("geo.units", "from geo import study"),
        ("geo.schema", "import geo.results"),
        ("geo.streets", "def f():\n    from geo import layers"),
        ("geo.population", "from geo.demand import starts"),
        ("geo.demand", "from geo.areas import build"),
        ("geo.gaps", "from geo import coverage"),
        ("geo.coverage", "from geo import travel_times"),
        ("geo.snapping", "from geo.travel_times import reach"),
        ("geo.windows", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from geo.travel_times import Reach"),
        ("geo.maps.page", "def f():\n    import geo.reports.folder"),
        (
            "geo.layers.columns",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from geo.pipeline import Analysis",
        ),
        ("geo.pipeline", "from geo import batch"),
        ("geo.reports.folder", "from geo.cli import app"),
    ],
)
def test_an_import_against_the_order_is_seen(module: str, source: str) -> None:
    assert [against_the_order(item) for item in imports_of(module, source)] == [True]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("geo.demand", "from geo import population"),
        ("geo.gaps", "from geo.network import Network"),
        ("geo.cells", "from geo import snapping, travel_times"),
        ("geo.results", "from geo import schema"),
        ("geo.pipeline", "def f():\n    from geo import maps, reports"),
        ("geo.summary", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from geo.pipeline import Analysis"),
    ],
)
def test_an_import_with_the_order_is_left_alone(module: str, source: str) -> None:
    found = imports_of(module, source)
    assert found
    assert not any(against_the_order(item) for item in found)


def test_no_circles_also_not_inside_functions_or_for_types() -> None:
    lower = (*FLOOR, *INPUTS, *ANALYSIS)
    counted = [item for item in IMPORTS if not item.typed or room_of(item.module) in lower]
    assert circle_in(edges_between(counted)) == []


def test_a_circle_is_seen() -> None:
    rows = [
        Import("geo.a", "geo.b", typed=False),
        Import("geo.b", "geo.c", typed=True),
        Import("geo.c", "geo.a", typed=False),
    ]
    assert circle_in(edges_between(rows)) == ["geo.a", "geo.b", "geo.c", "geo.a"]


def test_no_module_bears_the_name_of_a_public_function() -> None:
    modules = {name.rpartition(".")[2] for name in MODULES} - {"geo"}
    assert modules & set(geo.__all__) == set()
    assert all(hasattr(geo, name) for name in geo.__all__)


@pytest.mark.parametrize(
    "statement",
    [
        "import geo",
        "import sys; sys.argv = ['geo', '--help']\nimport geo.cli\ntry:\n    geo.cli.main()\nexcept SystemExit: pass",
        "import sys; sys.argv = ['geo', 'run', '--help']\nimport geo.cli\ntry:\n    geo.cli.main()\nexcept SystemExit: pass",
    ],
)
def test_heavy_libraries_wait_until_a_verb_needs_them(statement: str) -> None:
    asked = f"{statement}\nimport sys\nprint('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"

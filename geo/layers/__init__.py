"""Any file or table → canonical layer and repair report; the only room that opens layer files.

`reading` puts a study's layers together; `vectors` and `sheets` open files, `headers` and `columns`
understand their columns, `values` their cells, `places` their coordinates, `services` their types.
"""

from __future__ import annotations

from geo.layers.reading import KINDS, LayerSet, TableRead, is_graph, read_layers, read_table

__all__ = ["KINDS", "LayerSet", "TableRead", "is_graph", "read_layers", "read_table"]

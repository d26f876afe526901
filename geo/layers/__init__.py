"""Any file or table → canonical layer and repair report; the only room that opens layer files.

`reading` puts a study's layers together. `formats` finds the reader: `delimited`, `workbooks` and `web_tables` give the
cells in which `sheets` finds the header and `stray_rows` what is no row; `vectors` (with `dbase`), `placemarks`,
`drawings` and `parquets` open what is drawn, `archives` what is packed, `postgis` what lies in a database, all of them
within `bounds`. `headers` and `columns` understand the columns, `values` the cells, `places` the coordinates,
`services` the types. `suspicion`, `astray` and
`unplaced` hold coordinates against the study's streets.
"""

from __future__ import annotations

from geo.layers.reading import KINDS, LayerSet, TableRead, is_graph, read_layers, read_table

__all__ = ["KINDS", "LayerSet", "TableRead", "is_graph", "read_layers", "read_table"]

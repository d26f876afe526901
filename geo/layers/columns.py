"""From a file's own columns to the canonical ones: renamed, filtered, typed, personal ones stopped."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from geo import schema, street_words
from geo.layers import counted_in, headers, phones, values
from geo.layers.findings import called, listed, naming, near_ones, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from geo.layers.findings import Findings
    from geo.layers.raw import Raw
    from geo.study_file import LayerSource

_UNIT = ("id", "name", "population", "elders", "workers", "capacity", "district", "town", "area")
# Canonical columns that every table of a kind has, also an empty one; `geometry` comes behind.
CONTRACT: dict[str, tuple[str, ...]] = {
    "community": _UNIT,
    "park": _UNIT,
    "factory": _UNIT,
    "district": _UNIT,
    "service": (
        *(name for name in schema.SERVICE_POINTS if name != "geometry"),
        "hours",
        "district",
        "town",
        "area",
    ),
    "venue": ("id", "name", "capacity", "hours", "status", "district", "town", "area"),
    "gate": ("id", "name", "unit_id"),
    "barrier": ("id", "name", "type"),
    "water": ("id", "name", "type"),
    "boundary": ("id", "name", "type"),
    "street": ("highway", "oneway", "name"),
}
REQUIRED = {"service": ("type",), "gate": ("unit_id",)}
EXPECTED_PEOPLE = {"community": "population", "park": "workers", "factory": "workers"}
PEOPLE = ("population", "elders", "workers")
NUMBERS = (*PEOPLE, "capacity")
FLAGS = ("mobile", "counted")
NAMED = frozenset({"service", "community", "park", "factory", "venue"})
COMPUTED = {"service": ("state", "counted", "type_original")}
_SCIENTIFIC = re.compile(r"^\d(?:\.\d+)?[eE]\+?\d{1,2}$")
_CODES = ("id", "venue", "unit_id")


class Columns(NamedTuple):
    """A source in canonical columns, one row a row that is kept.

    Attributes
    ----------
    table
        Canonical and extra columns, `lon` and `lat` as they stand.
    rows
        Source row of each.
    kept
        Positions of the rows in the raw source.
    filtered
        How many rows the study's `where` left out.
    personal
        Personal columns that were let in.
    lonlat_headers
        What the file calls `lon` and `lat`; empty where they come from elsewhere.
    """

    table: pd.DataFrame
    rows: NDArray[np.int64]
    kept: NDArray[np.int64]
    filtered: int
    personal: tuple[str, ...]
    lonlat_headers: tuple[str, ...]


def canonical(
    raw: Raw, source: LayerSource, findings: Findings, *, kind: str, keep_personal: bool, needs_people: bool
) -> Columns:
    """Return a source in canonical columns; what cannot be used is among the findings."""
    named = _checked_names(raw, source, findings, kind=kind)
    keep = _without_empty_rows(raw, findings)
    wanted = keep & _where(raw, source, findings, named=named, kind=kind)
    filtered = int(keep.sum() - wanted.sum())
    if filtered:
        findings.tell("filtered", n=filtered, of=int(keep.sum()))
    kept = np.flatnonzero(wanted)
    table, rows = raw.columns.iloc[kept].reset_index(drop=True), raw.rows[kept]
    table, personal = _without_personal(table, findings, rows=rows, keep=keep_personal)
    skip = _other_streets(table, kind=kind, named=named)
    meanings = headers.match(list(map(str, table.columns)), kind, named=named, skip=skip)
    lonlat = tuple(header for name in ("lon", "lat") for header, meaning in meanings.items() if meaning == name)
    _tell_near_columns(table, meanings, source, findings, kind=kind)
    table = _mobile_said(table, meanings)
    table = _renamed(table, raw, source, findings, kind=kind, named=named, skip=skip)
    table = _clean(table, findings)
    for name, value in source.set.items():
        table[name] = value
    _require(table, raw, findings, kind=kind, needs_people=needs_people)
    for name in NUMBERS:
        if name in table.columns and kind != "street":
            header = next((header for header, meaning in meanings.items() if meaning == name), "")
            table[name] = _numbers(table[name], findings, rows=rows, column=name, header=header)
    table = _contract(table, kind=kind)
    _tell_codes(table, findings, rows=rows)
    _tell_nameless(table, findings, kind=kind)
    return Columns(table, rows, kept, filtered, personal, lonlat)


def _checked_names(raw: Raw, source: LayerSource, findings: Findings, *, kind: str) -> dict[str, str]:
    """Return the study's own column names that can be used; the others are faults."""
    given = [str(header) for header in raw.columns.columns]
    good: dict[str, str] = {}
    for name, header in source.columns.items():
        if name not in headers.canonical_names(kind):
            findings.fault("no_such_canonical", given=shown(name), accepted=", ".join(headers.canonical_names(kind)))
        elif headers.resolve(header, given) is None:
            near = near_ones(headers.near(header, given))
            findings.fault("no_such_column", given=shown(header), near=near, found=listed(given))
        else:
            good[name] = header
    return good


def _without_empty_rows(raw: Raw, findings: Findings) -> NDArray[np.bool_]:
    """Return which rows are rows: in sheets neither empty ones nor sums, each of which is listed."""
    keep = np.ones(len(raw.rows), dtype=bool)
    if not raw.is_sheet or raw.columns.empty:
        return keep
    cells = raw.columns.to_numpy(dtype=object)
    filled = np.array([[bool(text.strip()) for text in row] for row in cells], dtype=bool)
    empty = ~filled.any(axis=1)
    first = filled.argmax(axis=1)
    leads = [unicodedata.normalize("NFKC", str(text)) for text in cells[np.arange(len(cells)), first]]
    sums = np.array(["".join(text.split()).strip(":").casefold() in headers.SUM_WORDS for text in leads], dtype=bool)
    findings.rows(raw.rows[empty], "dropped", "empty_row")
    findings.rows(raw.rows[sums & ~empty], "dropped", "sum_row", given=[leads[at] for at in np.flatnonzero(sums)])
    kept: NDArray[np.bool_] = keep & ~empty & ~sums
    return kept


def _comparable(value: object) -> str:
    return unicodedata.normalize("NFKC", values.text_of(value)).strip()


def _where(raw: Raw, source: LayerSource, findings: Findings, *, named: dict[str, str], kind: str) -> NDArray[np.bool_]:
    """Return which rows the study's `where` asks for; columns by the file's header or the canonical name."""
    wanted = np.ones(len(raw.rows), dtype=bool)
    given = [str(header) for header in raw.columns.columns]
    meanings = {name: header for header, name in headers.match(given, kind, named=named).items()}
    for name, choices in source.where.items():
        header = name if name in given else meanings.get(name, headers.resolve(name, given))
        if header is None:
            near = near_ones(headers.near(name, [*given, *meanings]))
            findings.fault("no_such_column", given=shown(name), near=near, found=listed(given))
            continue
        accepted = {_comparable(choice) for choice in choices}
        column = raw.columns[header].tolist()
        wanted &= np.array([_comparable(value) in accepted for value in column], dtype=bool)
    return wanted


def _without_personal(
    table: pd.DataFrame, findings: Findings, *, rows: NDArray[np.int64], keep: bool
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the table without personal columns, named by their headers or known by what they hold.

    Telephones in the free text of the others are blanked out. Where personal columns are let in, free text with
    telephones counts as one of them, as long as it is no column of ours.
    """
    meanings = headers.match([str(header) for header in table.columns], "", named={})
    personal = []
    for header in map(str, table.columns):
        meaning = meanings.get(header)
        texts = [value for value in table[header].tolist() if isinstance(value, str)]
        full = meaning in {None, "mobile"} and headers.hold_phones(texts, strictly=meaning is None)
        if headers.is_personal(header) or full:
            personal.append(header)
    texts_with = [header for header in phones.columns_with(table) if header not in personal]
    if keep:
        personal += [header for header in texts_with if header not in meanings]
        texts_with = [header for header in texts_with if header in meanings]
    table = phones.without(table, findings, columns=texts_with, rows=rows)
    if not personal:
        return table, ()
    findings.tell("personal_kept" if keep else "personal_dropped", columns=listed(personal))
    return (table, tuple(personal)) if keep else (table.drop(columns=personal), ())


def _tell_near_columns(
    table: pd.DataFrame, meanings: Mapping[str, str], source: LayerSource, findings: Findings, *, kind: str
) -> None:
    """Note headers that are probably misspelt ones of ours; a column that must be there is a fault of its own."""
    computed = {*COMPUTED.get(kind, ()), *REQUIRED.get(kind, ()), "lon", "lat"}
    lacking = [name for name in CONTRACT[kind] if name not in {*meanings.values(), *source.set, *computed}]
    for header in map(str, table.columns):
        near = headers.nearly(header, kind, among=lacking) if header not in meanings else None
        if near is not None:
            findings.tell("near_column", header=shown(header), column=near)


def _other_streets(table: pd.DataFrame, *, kind: str, named: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns of streets that only seem to be there: 方向 may be that of the compass."""
    if kind != "street":
        return ()
    found = headers.match(list(map(str, table.columns)), kind, named=named)
    asked = {name: header for header, name in found.items() if name not in named}
    return tuple(
        name
        for name, about in (("oneway", "oneway"),)
        if headers.plain(asked.get(name, "")) in headers.MANIFOLD
        and not street_words.fits(about, map(values.text_of, table[asked[name]].tolist()))
    )


def _mobile_said(table: pd.DataFrame, meanings: Mapping[str, str]) -> pd.DataFrame:
    """Return the table with 固定 and 流动 in place of yes and no, where the header asks whether a service is fixed."""
    asked = [header for header, name in meanings.items() if name == "mobile" and headers.plain(header) in headers.FIXED]
    for header in asked:
        words = [_comparable(value).casefold() for value in table[header]]
        said = ["固定" if word in values.PLAIN_YES else "流动" if word in values.PLAIN_NO else word for word in words]
        table = table.assign(**{header: pd.Series(said, index=table.index, dtype="str")})
    return table


def _renamed(
    table: pd.DataFrame,
    raw: Raw,
    source: LayerSource,
    findings: Findings,
    *,
    kind: str,
    named: dict[str, str],
    skip: tuple[str, ...],
) -> pd.DataFrame:
    """Return the table with canonical names; an extra column that bears one of ours gets another name."""
    given = [str(header) for header in table.columns]
    passed_over = skip
    skip = (*skip, *(("lon", "lat") if raw.geometry is not None else ()))
    named = {name: header for name, header in named.items() if headers.resolve(header, given) is not None}
    meanings = headers.match(given, kind, named=named, skip=skip)
    ours = {*meanings.values(), *passed_over, *CONTRACT[kind], *COMPUTED.get(kind, ()), *source.set, "geometry"}
    names: list[str] = []
    for header in given:
        name = meanings.get(header, header)
        if header not in meanings and header in ours:
            name = next(f"{header}_{n}" for n in range(2, len(given) + 3) if f"{header}_{n}" not in {*given, *ours})
            findings.tell("renamed", header=shown(header), renamed=shown(name))
        names.append(name)
    replaced = [name for name in source.set if name in names]
    renamed = table.set_axis(pd.Index(names, dtype="object"), axis=1)
    return renamed.drop(columns=replaced)


def _clean(table: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Return the table with texts that can be written anywhere; what was taken out is counted."""
    removed = 0
    cleaned: dict[str, Any] = {}
    for name in table.columns:
        column = table[name]
        is_text = name in schema.LAYER_COLUMNS and name not in (*NUMBERS, "lon", "lat")
        if is_text or not pd.api.types.is_numeric_dtype(column.dtype):
            cleaned[name], dirty = values.clean_text(column)
            removed += int(dirty.sum())
        else:
            cleaned[name] = column
    if removed:
        findings.tell("dirt_removed", n=removed)
    return pd.DataFrame(cleaned, index=table.index)


def _require(table: pd.DataFrame, raw: Raw, findings: Findings, *, kind: str, needs_people: bool) -> None:
    """Note the columns that a kind of layer cannot do without, and those that it should have."""
    given = [str(header) for header in raw.columns.columns]
    for name in REQUIRED.get(kind, ()):
        if name not in table.columns:
            near = near_ones(headers.near_meaning(name, given, kind))
            findings.fault("missing_column", column=name, near=near, found=listed(given), value=naming([name]))
    if kind == "district" and not {"id", "name"} & set(table.columns):
        findings.fault("missing_column", column="id", near="", found=listed(given), value=naming(["id"]))
    people = EXPECTED_PEOPLE.get(kind)
    if needs_people and people and people not in table.columns:
        near = near_ones(headers.near_meaning(people, given, kind))
        findings.tell("no_people_column", column=people, near=near)


def _numbers(
    series: pd.Series[Any], findings: Findings, *, rows: NDArray[np.int64], column: str, header: str
) -> NDArray[np.float64]:
    """Return a column of people or seats as numbers; what is none is missing and noted.

    Numbers below a header that says 万人 or 千人 are told as people, unless they would be more than a county's.
    """
    found = values.numbers(series)
    texts = np.array([values.text_of(value) for value in series.tolist()], dtype=object)
    for at in np.flatnonzero(found.mended):
        value = f"{found.floats[at]:.15g}"
        findings.row(rows[at], "repaired", "number_mended", column=called(column), given=shown(texts[at]), value=value)
    floats = _as_people(found, findings, rows=rows, column=column, header=header)
    bad, negative = found.unreadable, floats < 0
    findings.rows(rows[bad], "kept", "not_a_number", given=texts[bad], of=len(rows), column=called(column))
    findings.rows(rows[negative], "kept", "negative", given=texts[negative], of=len(rows), column=called(column))
    return np.where(negative, np.nan, floats)


def _as_people(
    found: values.Numbers, findings: Findings, *, rows: NDArray[np.int64], column: str, header: str
) -> NDArray[np.float64]:
    """Return numbers in the unit that their header names as single people; each is told, absurd ones stay as they are."""
    factor = counted_in.header(header)
    if factor == 1:
        return found.floats
    people = values.times(found.floats, factor)
    counted = np.isfinite(people) & (people != 0) & ~found.scaled
    absurd = counted & (np.abs(people) > counted_in.MOST_PEOPLE)
    said = {"column": called(column), "header": shown(header)}
    for at in np.flatnonzero(counted):
        given, value = f"{found.floats[at]:.15g}", f"{people[at]:,.15g}"
        if absurd[at]:
            findings.row(rows[at], "doubtful", "not_counted_in", given=given, value=value, **said)
        else:
            findings.row(rows[at], "repaired", "counted_in", given=given, value=value, **said)
    return np.where(counted & ~absurd, people, found.floats)


def _contract(table: pd.DataFrame, *, kind: str) -> pd.DataFrame:
    """Return the table with every canonical column of its kind, first and in order; missing is "" or NaN."""
    index = table.index
    columns: dict[str, Any] = {}
    for name in CONTRACT[kind]:
        if name in NUMBERS:
            column = table[name] if name in table.columns else pd.Series(np.nan, index=index)
            columns[name] = column.astype("float64")
        elif name in FLAGS and name not in table.columns:
            columns[name] = pd.Series("", index=index, dtype="str")
        else:
            given = table[name] if name in table.columns else pd.Series("", index=index, dtype="str")
            columns[name] = values.clean_text(given)[0]
    extra = {name: table[name] for name in table.columns if name not in columns}
    return pd.DataFrame({**columns, **extra}, index=index)


def _tell_codes(table: pd.DataFrame, findings: Findings, *, rows: NDArray[np.int64]) -> None:
    """Note codes that a spreadsheet has turned into 3.50583E+11."""
    for name in _CODES:
        if name in table.columns:
            bad = table[name].astype("str").str.match(_SCIENTIFIC).to_numpy(dtype=bool)
            findings.rows(
                rows[bad], "doubtful", "scientific", given=table[name][bad], of=len(rows), column=called(name)
            )


def _tell_nameless(table: pd.DataFrame, findings: Findings, *, kind: str) -> None:
    """Note how many things that people know by their names have none."""
    if kind in NAMED and len(table):
        nameless = int((table["name"] == "").sum())
        if nameless:
            findings.tell("no_names", n=nameless, of=len(table))


def empty(kind: str) -> pd.DataFrame:
    """Return a table of a kind without rows.

    Examples
    --------
    >>> empty("gate").columns.tolist()
    ['id', 'name', 'unit_id']
    """
    table = _contract(pd.DataFrame(index=pd.RangeIndex(0)), kind=kind)
    flags = dict.fromkeys((name for name in FLAGS if name in table.columns), "bool")
    return table.astype(flags)


def with_ids(
    table: pd.DataFrame, findings: Findings, *, rows: NDArray[np.int64], kind: str, number: int
) -> pd.DataFrame:
    """Return the table with an id in every row: `<kind>-<source row>`, from the second source on `<kind>-<source>-<row>`."""
    if "id" not in table.columns or kind == "street":
        return table
    missing = (table["id"] == "").to_numpy(dtype=bool)
    if not missing.any():
        return table
    start = kind if number == 1 else f"{kind}-{number}"
    findings.tell("ids_given", n=int(missing.sum()), of=len(rows), start=start)
    ids = np.where(missing, np.array([f"{start}-{row}" for row in rows], dtype=object), table["id"].to_numpy(object))
    return table.assign(id=pd.Series(ids, index=table.index, dtype="str"))

"""Small files that would fill the memory or never end, if a reader believed them."""

from __future__ import annotations

import base64
import io
import sqlite3
import struct
import zipfile
from typing import TYPE_CHECKING

from .files import dxf, entity, points, shape_parts, xlsx

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
SECRET = "root-of-all-secrets"  # noqa: S105 - a text that must not be read
HEAD = ["编号", "名称", "类型", "经度", "纬度"]
ROW = ["1", "甲", "零工驿站", "118.2", "25.3"]
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def packed(folder: Path, name: str, members: dict[str, bytes]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


def workbook(folder: Path, name: str, part: str, data: bytes) -> Path:
    """Write a workbook of which one part is replaced."""
    whole = xlsx({"s": [HEAD, ROW]}, name=name)(folder)
    with zipfile.ZipFile(whole) as archive:
        members = {own: archive.read(own) for own in archive.namelist()}
    return packed(folder, name, {**members, part: data})


def sheet(body: str, *, around: str = "") -> bytes:
    return f'<?xml version="1.0"?>{around}<worksheet {MAIN}>{body}</worksheet>'.encode()


def cells(row: list[str], number: int) -> str:
    return "".join(
        f'<c r="{chr(65 + at)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>' for at, cell in enumerate(row)
    )


def zeros_in_workbook(folder: Path) -> Path:
    return workbook(folder, "zeros.xlsx", "xl/worksheets/sheet1.xml", sheet(" " * 300_000_000))


def laughs_in_workbook(folder: Path) -> Path:
    return workbook(folder, "laughs.xlsx", "xl/worksheets/sheet1.xml", sheet("&j;", around=LAUGHS))


def laughs_in_utf16(folder: Path) -> Path:
    whole = f'<?xml version="1.0" encoding="UTF-16"?>{LAUGHS}<worksheet {MAIN}>&j;</worksheet>'
    return workbook(folder, "laughs16.xlsx", "xl/worksheets/sheet1.xml", whole.encode("utf-16"))


def laughs_in_strings(folder: Path) -> Path:
    return workbook(
        folder, "strings.xlsx", "xl/sharedStrings.xml", f"{LAUGHS}<sst {MAIN}><si><t>&j;</t></si></sst>".encode()
    )


def row_far_below(folder: Path) -> Path:
    rows = f'<row r="1">{cells(HEAD, 1)}</row><row r="999999999999"><c r="A999999999999"><v>1</v></c></row>'
    return workbook(folder, "far.xlsx", "xl/worksheets/sheet1.xml", sheet(f"<sheetData>{rows}</sheetData>"))


def cells_far_right(folder: Path) -> Path:
    rows = "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(2, 60_000))
    body = f'<sheetData><row r="1">{cells(HEAD, 1)}</row>{rows}</sheetData>'
    return workbook(folder, "right.xlsx", "xl/worksheets/sheet1.xml", sheet(body))


def whole_sheet_merged(folder: Path) -> Path:
    rows = "".join(f'<row r="{n}">{cells(HEAD if n == 1 else ROW, n)}</row>' for n in range(1, 20_000))
    merged = '<mergeCell ref="A2:XFD1048576"/>' * 3000
    body = f"<sheetData>{rows}</sheetData><mergeCells>{merged}</mergeCells>"
    return workbook(folder, "merged.xlsx", "xl/worksheets/sheet1.xml", sheet(body))


def deep_workbook(folder: Path) -> Path:
    return workbook(folder, "deep.xlsx", "xl/worksheets/sheet1.xml", sheet("<a>" * 3_000_000))


def many_tags(folder: Path) -> Path:
    return workbook(folder, "tags.xlsx", "xl/worksheets/sheet1.xml", sheet('<c r="A1"/>' * 13_000_000))


def laughs_in_kml(folder: Path) -> Path:
    path = folder / "laughs.kml"
    path.write_text(
        f'<?xml version="1.0"?>{LAUGHS}<kml><Document><Placemark><name>&j;</name></Placemark></Document></kml>'
    )
    return path


def laughs_in_kmz(folder: Path) -> Path:
    return packed(folder, "laughs.kmz", {"doc.kml": f"{LAUGHS}<kml><name>&j;</name></kml>".encode()})


def foreign_file_in_gpx(folder: Path) -> Path:
    (folder / "secret.txt").write_text(SECRET)
    path = folder / "foreign.gpx"
    path.write_text(
        f'<!DOCTYPE g [<!ENTITY x SYSTEM "file://{folder}/secret.txt">]><gpx><wpt lon="118" lat="25"><name>&x;</name></wpt></gpx>'
    )
    return path


def deep_kml(folder: Path) -> Path:
    path = folder / "deep.kml"
    path.write_text("<kml>" + "<Folder>" * 100_000)
    return path


def deep_json(folder: Path) -> Path:
    path = folder / "deep.geojson"
    path.write_text('{"type":"FeatureCollection","features":' + "[" * 1_000_000)
    return path


def zip_of_overlaps(folder: Path) -> Path:
    """Write an archive whose thousand members are one and the same stretch of bytes."""
    own = io.BytesIO()
    with zipfile.ZipFile(own, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0" * 2_000_000)
        first = archive.infolist()[0]
        for number in range(1000):
            twin = zipfile.ZipInfo(f"{number}.csv")
            twin.header_offset, twin.CRC, twin.compress_size = first.header_offset, first.CRC, first.compress_size
            twin.file_size, twin.compress_type = first.file_size, first.compress_type
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
    path = folder / "overlap.zip"
    path.write_bytes(own.getvalue())
    return path


def zip_of_zeros(folder: Path) -> Path:
    return packed(folder, "zeros.zip", {"a.csv": b"0" * 400_000_000})


def zip_that_lies(folder: Path) -> Path:
    """Write an archive whose directory says ten bytes of a member that unpacks to a hundred million."""
    path = packed(folder, "lies.zip", {"a.csv": b"0" * 100_000_000})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(data)
    return path


def zip_of_many(folder: Path) -> Path:
    return packed(folder, "many.zip", {f"{n}.txt": b"" for n in range(10_001)})


def zip_in_lzma(folder: Path) -> Path:
    path = folder / "lzma.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.csv", b"0" * 1_000_000)
    return path


def zip_with_password(folder: Path) -> Path:
    path = packed(folder, "locked.zip", {"a.csv": b"0"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rindex(mark) + offset] |= 1
    path.write_bytes(data)
    return path


def header_without_end(folder: Path) -> Path:
    path = folder / "wide.csv"
    path.write_text(",".join(HEAD) + ",a" * 100_000 + "\n1,2", encoding="utf-8")
    return path


def page_of_spans(folder: Path) -> Path:
    path = folder / "spans.xls"
    path.write_text("<html><table>" + "<tr><td colspan=99999 rowspan=99999>a" * 5000, encoding="utf-8")
    return path


def array_of_blocks(folder: Path) -> Path:
    lamp = entity("INSERT", (2, "A"), (10, 0), (20, 0), (70, 32767), (71, 32767), (44, 1), (45, 1))
    return dxf(lamp * 10, blocks="0\nBLOCK\n2\nA\n" + entity("POINT", (10, 0), (20, 0)) + "0\nENDBLK\n")(folder)


def spline_of_nonsense(folder: Path) -> Path:
    path = dxf(entity("SPLINE", (71, 1_000_000_000), (72, 2_000_000_000), (40, 0), (10, 0), (20, 0)))(folder)
    return path.rename(folder / "spline.dxf")


def generated_column(folder: Path) -> Path:
    path = folder / "generated.gpkg"
    points(["a", "b"]).to_file(path, layer="a")
    base = sqlite3.connect(path)
    base.execute("ALTER TABLE a ADD COLUMN big BLOB GENERATED ALWAYS AS (zeroblob(900000000)) VIRTUAL")
    base.commit()
    base.close()
    return path


def records_without_end(folder: Path) -> Path:
    path = folder / "records.shp"
    for suffix, data in shape_parts(points(["a"]), folder).items():
        own = bytearray(data)
        if suffix == ".dbf":
            own[4:8] = b"\xff\xff\xff\xff"
        path.with_suffix(suffix).write_bytes(own)
    return path


def texts_of_a_dictionary(folder: Path) -> Path:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    path = folder / "texts.parquet"
    many = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"名称": many, "id": pa.array(range(100_000))}), path, store_schema=False)
    return path


def pipe(folder: Path) -> Path:
    import os  # noqa: PLC0415

    path = folder / "pipe.csv"
    os.mkfifo(path)
    return path


def endless_device(folder: Path) -> Path:
    path = folder / "zero.csv"
    path.symlink_to("/dev/zero")
    return path


def hole(folder: Path) -> Path:
    path = folder / "hole.csv"
    with path.open("wb") as out:
        out.write(b"a,b\n")
        out.truncate(3 << 30)
    return path


def tiny_pixel(folder: Path) -> Path:
    """Write a workbook that is a picture: nothing to unfold, nothing to read."""
    path = folder / "pixel.xlsx"
    path.write_bytes(
        base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        )
    )
    return path


# What each comes to: one of these faults.
BOMBS: dict[Callable[[Path], Path], set[str]] = {
    zeros_in_workbook: {"zip_bomb"},
    laughs_in_workbook: {"xml_entities"},
    laughs_in_utf16: {"xml_entities"},
    laughs_in_strings: {"xml_entities"},
    row_far_below: {"much_rows"},
    cells_far_right: {"much_cells"},
    whole_sheet_merged: {"much_cells"},
    deep_workbook: {"much_depth"},
    many_tags: {"much_tags", "zip_bomb"},
    laughs_in_kml: {"xml_entities"},
    laughs_in_kmz: {"xml_entities"},
    foreign_file_in_gpx: {"xml_entities"},
    deep_kml: {"much_depth"},
    deep_json: {"broken_file"},
    zip_of_overlaps: {"zip_bomb"},
    zip_of_zeros: {"zip_bomb"},
    zip_that_lies: {"broken_file"},
    zip_of_many: {"much_members"},
    zip_in_lzma: {"zip_method"},
    zip_with_password: {"zip_password"},
    header_without_end: {"much_columns"},
    page_of_spans: {"much_cells"},
    array_of_blocks: {"no_rows"},
    spline_of_nonsense: {"broken_geometry_many", "no_geometry_many"},
    generated_column: {"computed_layer"},
    records_without_end: {"cut_off"},
    texts_of_a_dictionary: {"much_bytes"},
    pipe: {"not_a_file"},
    endless_device: {"not_a_file"},
    hole: {"much_bytes"},
    tiny_pixel: {"not_a"},
}
NEEDS = {texts_of_a_dictionary: "pyarrow"}

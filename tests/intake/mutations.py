"""Damaged files made from sound and dirty ones: bytes, numbers, words, members of archives, options of the study."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

NUMBERS = (
    "0", "-1", "1e308", "1e-320", "NaN", "inf", "-inf", "9" * 30, "9" * 400, "0x1F", "1_0", "١٢", "１２", "--5", "1,2", "1e5e5",
    "2147483647", "2147483648", "-2147483649", "4294967296", "9007199254740993", "18446744073709551616", ".", "",
)  # fmt: skip
WORDS = (
    "\x00", "\ufeff", "\u202e", "\ud800", "\U0010ffff", '"', "'", '""', "\t", "\r", "\n", ";", ",", "<", ">", "&", "&amp;", "&#0;",
    "&#x110000;", "]]>", "<![CDATA[", "<!--", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "{", "}", "[", "]", "[" * 3000, "{{7*7}}", "{0.__class__}",
    "=1+1", "合计", "小计", "注：", "一、", "null", "true", "-", "—", "../../etc/passwd", "/vsicurl/http://127.0.0.1:1/x", "%s%n", "长" * 3000,
    "id", "名称", "类型", "经度", "纬度", "常住人口", "电话", "geometry", "type", "FeatureCollection", "POLYLINE", "SEQEND", "ENDSEC",
)  # fmt: skip
BYTES = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\x01\x00\x00\x00",
)
ENCODINGS = (
    "utf-8",
    "gb18030",
    "utf-16",
    "latin-1",
    "rot13",
    "base64",
    "idna",
    "unicode_escape",
    "no-such",
    "cp037",
    "utf-7",
    "punycode",
    "mbcs",
    "zlib",
)
ARCHIVES = (".xlsx", ".xlsm", ".zip", ".kmz")
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_WORD = re.compile(rb"[^\s<>,;\"'={}\[\]:/()]{2,}")


def _range(dice: random.Random, data: bytes, most: int = 4096) -> tuple[int, int]:
    start = dice.randrange(len(data) + 1)
    return start, min(len(data), start + int(dice.expovariate(1 / 24)) + 1, start + most)


def flipped(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 16, 64))):
        if out:
            out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)
    return bytes(out)


def flipped_once(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]


def worded(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Insert a word where a character ends."""
    for encoding in ("utf-8", "gb18030"):
        try:
            text = data.decode(encoding)
        except ValueError:
            continue
        at = dice.randrange(len(text) + 1)
        return (text[:at] + dice.choice(WORDS + NUMBERS) + text[at:]).encode(encoding, "replace")
    return data


def lines_lost(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    """Lose, repeat or empty a line, or a piece between tags."""
    mark = b"\n" if data.count(b"\n") > 3 else b">"
    lines = data.split(mark)
    at = dice.randrange(len(lines))
    lines[at : at + 1] = dice.choice(([], [lines[at]] * 2, [b""], [lines[at]] * 50))
    return mark.join(lines)


def overwritten(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _range(dice, data)
    new = dice.choice(BYTES) if dice.random() < 0.6 else dice.randbytes(end - start)
    return data[:start] + new + data[start + len(new) :]


def inserted(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    at = dice.randrange(len(data) + 1)
    if dice.random() < 0.3:
        new = dice.choice(BYTES)
    else:
        new = dice.choice(WORDS + NUMBERS).encode(
            dice.choice(("utf-8", "gb18030")), "surrogatepass" if dice.random() < 0 else "replace"
        )
    return data[:at] + new + data[at:]


def deleted(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _range(dice, data)
    return data[:start] + data[end:]


def repeated(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _range(dice, data)
    return data[:end] + data[start:end] * dice.choice((1, 2, 10, 300)) + data[end:]


def cut(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def spliced(dice: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = dice.choice(others) if others else data
    return data[: dice.randrange(len(data) + 1)] + other[dice.randrange(len(other) + 1) :]


def _token(dice: random.Random, data: bytes, pattern: re.Pattern[bytes], choices: Sequence[str]) -> bytes:
    found = list(pattern.finditer(data[:200_000]))
    if not found:
        return data
    out = data
    for item in sorted(dice.sample(found, min(len(found), dice.choice((1, 1, 3)))), key=lambda match: -match.start()):
        new = dice.choice(choices).encode("utf-8", "replace")
        out = out[: item.start()] + new + out[item.end() :]
    return out


def renumbered(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    return _token(dice, data, _NUMBER, NUMBERS)


def reworded(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    return _token(dice, data, _WORD, WORDS)


def moved(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _range(dice, data)
    rest = data[:start] + data[end:]
    at = dice.randrange(len(rest) + 1)
    return rest[:at] + data[start:end] + rest[at:]


def lines_shuffled(dice: random.Random, data: bytes, _others: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    dice.shuffle(lines)
    return b"\n".join(lines)


ROUGH = (flipped, overwritten, inserted, deleted, repeated, cut, spliced, renumbered, reworded, moved, lines_shuffled)
GENTLE_TO_TEXT = (renumbered, reworded, renumbered, reworded, worded, lines_lost, lines_shuffled)
GENTLE_TO_BYTES = (flipped_once, flipped_once, overwritten)
BINARY = (".gpkg", ".xls", ".et", ".parquet", ".shp", ".dbf", ".shx")


def mutated(dice: random.Random, data: bytes, others: Sequence[bytes], *, suffix: str = "") -> bytes:
    """Return bytes after one to four changes; half of the time such as leave the form of the file whole."""
    gentle = GENTLE_TO_BYTES if suffix in BINARY else GENTLE_TO_TEXT
    choices = gentle if dice.random() < 0.6 else ROUGH
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        data = dice.choice(choices)(dice, data, others)
    return data[: 1 << 22]


def mutated_archive(dice: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return an archive with a member changed and packed anew, so that the change comes through to the reader."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001 - a seed that is damaged on purpose
        return mutated(dice, data, others)
    if not members:
        return mutated(dice, data, others)
    name = dice.choice(sorted(members))
    inner = "." + name.rpartition(".")[2]
    members[name] = mutated(dice, members[name], list(members.values()), suffix=inner)
    if dice.random() < 0.05:
        del members[dice.choice(sorted(members))]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for own, content in members.items():
            archive.writestr(zipfile.ZipInfo(own), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def options(dice: random.Random, given: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of a source, now and then with another one among them."""
    if dice.random() < 0.7:
        given = {"unknown": "report", "crs": "EPSG:4326", **given}  # so that the reader comes to its later checks
    if dice.random() < 0.85:
        return given
    word = dice.choice(WORDS).encode("utf-8", "replace").decode("utf-8")
    return {
        **given,
        **dice.choice(
            (
                {"encoding": dice.choice(ENCODINGS)},
                {"layer": word},
                {"columns": {dice.choice(("id", "name", "type", "lon", word)): dice.choice(("名称", "编号", word))}},
                {"where": {dice.choice(("名称", "type", word)): [dice.choice(("站1", 1, True, None, word))]}},
                {"set": {dice.choice(("type", "population", word)): dice.choice(("零工驿站", 5, word))}},
                {"crs": dice.choice(("gcj02", "bd09", "EPSG:4548", "EPSG:4527", "EPSG:4978", "EPSG:3857", word))},
                {"unknown": "report"},
            )
        ),
    }

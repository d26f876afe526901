"""How is a Word report laid out: page, fonts, headings, paragraphs, captions, tables, maps, contents.

Measures follow the offices' habits: A4, margins 37/35/28/26 mm, body 仿宋 16 pt at 28 pt lines, headings 黑体 and
楷体. Fonts are named with fall-backs and not shipped. The same content gives the same bytes.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import zipfile
from functools import cache
from typing import TYPE_CHECKING, Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.pkgwriter import PackageWriter
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Inches, Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from geo.reports import cells, word_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from docx.document import Document as Docx
    from docx.styles.style import ParagraphStyle

    from geo.messages import Lang
    from geo.reports.layout import Column

BODY, HEAD, SUBHEAD, LATIN = "仿宋", "黑体", "楷体", "Times New Roman"
# What stands in for a font that a machine has not, by the names that systems give it.
FALLBACKS = {
    BODY: "FangSong,仿宋_GB2312,FangSong_GB2312,STFangsong,华文仿宋,Noto Serif CJK SC,Source Han Serif SC",
    HEAD: "SimHei,STHeiti,Microsoft YaHei,Noto Sans CJK SC,Source Han Sans SC",
    SUBHEAD: "KaiTi,楷体_GB2312,KaiTi_GB2312,STKaiti,华文楷体,Noto Serif CJK SC",
}
MARGINS_MM = {"top_margin": 37, "bottom_margin": 35, "left_margin": 28, "right_margin": 26}
PAGE_MM = (210, 297)
NARROW_MM = {"top_margin": 16, "bottom_margin": 16, "left_margin": 20, "right_margin": 20}  # one park, one page
BODY_PT, LINE_PT, TABLE_PT, CAPTION_PT = 16, 28, 9, 12
_ZIP_DAY = (1980, 1, 1, 0, 0, 0)
_CONTENTS_LEVELS = 2
_UNUSED_PARTS = ("/stylesWithEffects", "/thumbnail")


class Report:
    """A Word document in the making; every method adds one thing at its end."""

    def __init__(
        self,
        lang: Lang,
        *,
        title: str,
        day: dt.date,
        words: dict[str, str],
        margins_mm: Mapping[str, float] = MARGINS_MM,
        table_pt: float = TABLE_PT,
    ) -> None:
        self.text_mm = PAGE_MM[0] - margins_mm["left_margin"] - margins_mm["right_margin"]
        self.lang, self.day, self.words, self.table_pt = lang, day, words, table_pt
        blank, self._styles = _blank(tuple(margins_mm.items()), table_pt)
        self.document: Docx = Document(io.BytesIO(blank))
        self._numbers = {"table": 0, "figure": 0}
        self._headings: list[tuple[int, str, str]] = []
        self._contents: Paragraph | None = None
        self._properties(title)
        self._footer()

    def title(self, text: str, below: Iterable[str] = ()) -> None:
        """Write the title, centred, and lines under it."""
        self._add(text, "Title")
        for line in below:
            self._add(line, "Subtitle")

    def contents(self) -> None:
        """Set aside the place of the table of contents; its entries are the headings that follow."""
        heading = self._add(self.words["contents"], "Subtitle")
        heading.paragraph_format.space_before = Pt(12)
        self._contents = self._add("", "TOC Entry")

    def heading(self, text: str, *, level: int = 1, new_page: bool = False) -> None:
        """Write a heading of level 1 or 2, on a new page if wished."""
        paragraph = self._add(text, f"Heading {level}")
        if new_page:
            paragraph.paragraph_format.page_break_before = True
        mark = f"_Toc{len(self._headings) + 1:04d}"
        _bookmark(paragraph, mark, len(self._headings) + 1)
        self._headings.append((level, _clean(text), mark))

    def text(self, text: str) -> None:
        """Write a paragraph of the body."""
        self._add(text, "Normal")

    def note(self, text: str) -> None:
        """Write a note under a table or a map."""
        self._add(text, "Note")

    def picture(self, png: bytes, caption: str, *, width_in: float) -> None:
        """Place a map with its numbered caption below; the caption is also what is read out for it."""
        paragraph = self._add("", "Figure")
        run = paragraph.add_run()
        shape = run.add_picture(io.BytesIO(png), width=Inches(width_in))
        shape._inline.docPr.set("descr", _clean(caption))  # noqa: SLF001 - the library has no word for it
        shape._inline.docPr.set("name", f"map{self._numbers['figure'] + 1}")  # noqa: SLF001
        self._caption("figure", caption, keep=False)

    def table(
        self,
        caption: str,
        columns: Sequence[Column],
        lines: Sequence[Sequence[object]],
        *,
        total: Sequence[object] | None = None,
        empty: str = "",
    ) -> None:
        """Write a numbered caption and a table: header repeated on every page, no row torn, total last.

        Widths are shared out over the text by those of the columns.
        """
        self._caption("table", caption, keep=True)
        if not lines:
            self.note(empty or self.words["nothing"])
            return
        text = word_table.of(columns, lines, total=total, lang=self.lang, width_mm=self.text_mm, points=self.table_pt)
        self.document.element.body._insert_tbl(parse_xml(text))  # noqa: SLF001 - cell by cell it takes a hundred times as long

    def save(self) -> bytes:
        """Return the document's bytes, its contents filled in."""
        self._fill_contents()
        return _packed(self.document)

    def _add(self, text: str, style: str) -> Paragraph:
        """Add a paragraph; styles are known by their ids, since looking for a name takes longer than all the rest."""
        element = self.document.element.body.add_p()
        element.style = self._styles[style]
        paragraph = Paragraph(element, self.document._body)  # noqa: SLF001 - as the library's own does it
        if text:
            paragraph.add_run(_clean(text))
        return paragraph

    def _caption(self, kind: str, text: str, *, keep: bool) -> None:
        """Write a caption with a number that is a field, so that Word counts on when somebody adds one."""
        self._numbers[kind] += 1
        paragraph = self._add("", "Caption")
        paragraph.paragraph_format.keep_with_next = keep
        paragraph.add_run(self.words[kind])
        _field(paragraph, f"SEQ {self.words[f'{kind}_series']} \\* ARABIC", str(self._numbers[kind]))
        paragraph.add_run(f"　{_clean(text)}")

    def _fill_contents(self) -> None:
        """Write the entries of the contents: a link each, and its page as a field of its own.

        The page of a heading is known only to the program that lays the text out. Inside a field of the whole list
        (TOC) some keep the text that was written; a field a page is worked out by all of them when they open the file.
        """
        first = self._contents
        listed = [entry for entry in self._headings if entry[0] <= _CONTENTS_LEVELS]
        if first is None or not listed:
            return
        place = first
        for number, (level, text, mark) in enumerate(listed):
            paragraph = place if number == 0 else _after(place, first)
            paragraph.paragraph_format.left_indent = Mm(6 * (level - 1))
            _link(paragraph, mark, text, width_mm=self.text_mm)
            place = paragraph

    def _properties(self, title: str) -> None:
        core = self.document.core_properties
        day = dt.datetime.combine(self.day, dt.time())
        core.title, core.author, core.last_modified_by, core.comments = _clean(title)[:255], "geo", "geo", ""
        core.created = core.modified = day
        core.revision = 1
        core.language = "zh-CN" if self.lang == "zh" else "en-GB"

    def _footer(self) -> None:
        paragraph = self.document.sections[0].footer.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        before, after = self.words["page"].split("{n}")
        paragraph.add_run(before)
        _field(paragraph, "PAGE", "1")
        paragraph.add_run(after)


def _clean(text: str) -> str:
    """Return text that the format takes."""
    return cells.text_of(text, "zh")


@cache
def _blank(margins_mm: tuple[tuple[str, float], ...], table_pt: float) -> tuple[bytes, dict[str, str]]:
    """Return an empty document with page, styles and fonts, which takes as long to set as a short report; and style ids."""
    document = Document()
    _without_the_unused(document)
    _page(document, dict(margins_mm))
    _styles(document, table_pt)
    _font_table(document)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue(), {style.name: style.style_id for style in document.styles}


def _without_the_unused(document: Docx) -> None:
    """Take out of the library's template what no report uses: 750 KB of styles of tables, and a picture of another document."""
    for style in list(document.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.element.get(qn("w:default")) is None:
            style.delete()
    for rels in (document.part.rels, document.part.package.rels):
        for key in [key for key, rel in rels.items() if rel.reltype.endswith(_UNUSED_PARTS)]:
            del rels[key]


def _page(document: Docx, margins_mm: Mapping[str, float]) -> None:
    section = document.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Mm(side) for side in PAGE_MM)
    for name, millimetres in margins_mm.items():
        setattr(section, name, Mm(millimetres))
    section.footer_distance = Mm(min(25.0, margins_mm["bottom_margin"] / 2.0))
    section.header_distance = Mm(min(15.0, margins_mm["top_margin"] / 2.0))


def _styles(document: Docx, table_pt: float) -> None:
    styles = document.styles
    _style(styles["Normal"], BODY, BODY_PT, line=LINE_PT, indent=2)
    _style(styles["Title"], HEAD, 22, line=34, centre=True, after=8)
    _style(styles["Subtitle"], SUBHEAD, 14, line=22, centre=True)
    _style(styles["Heading 1"], HEAD, BODY_PT, line=LINE_PT, before=10, keep=True)
    _style(styles["Heading 2"], SUBHEAD, BODY_PT, line=LINE_PT, before=4, keep=True)
    _style(styles["Caption"], HEAD, CAPTION_PT, line=18, centre=True, before=6, after=3)
    for name in ("Note", "Figure", "TOC Entry", "Cell"):
        styles.add_style(name, 1).base_style = styles["Normal"]
    _style(styles["Note"], BODY, 10.5, line=16, after=6)
    _style(styles["Figure"], BODY, 10.5, centre=True, before=6, keep=True)
    _style(styles["TOC Entry"], BODY, 14, line=24)
    _style(styles["Cell"], BODY, table_pt)


def _style(
    style: ParagraphStyle,
    family: str,
    size: float,
    *,
    line: float | None = None,
    centre: bool = False,
    indent: int = 0,
    before: float = 0,
    after: float = 0,
    keep: bool = False,
) -> None:
    """Set font and paragraph of a style; East Asian text takes its font from a setting of its own."""
    style.font.size, style.font.bold, style.font.italic = Pt(size), False, False
    style.font.color.rgb = RGBColor(0, 0, 0)
    style.font.name = LATIN
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in list(fonts.attrib):
        if name.endswith("Theme"):
            del fonts.attrib[name]
    for name in ("ascii", "hAnsi", "cs"):
        fonts.set(qn(f"w:{name}"), LATIN)
    fonts.set(qn("w:eastAsia"), family)
    shape = style.paragraph_format
    shape.alignment = WD_ALIGN_PARAGRAPH.CENTER if centre else WD_ALIGN_PARAGRAPH.LEFT
    shape.space_before, shape.space_after = Pt(before), Pt(after)
    shape.first_line_indent = Pt(size * indent)
    shape.keep_with_next = keep
    if line is None:
        shape.line_spacing = 1.0
    else:
        shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(line)
    borders = style.element.pPr.find(qn("w:pBdr"))
    if borders is not None:
        style.element.pPr.remove(borders)


def _font_table(document: Docx) -> None:
    """Name the fonts with what may stand in for them."""
    part = next((rel.target_part for rel in document.part.rels.values() if rel.reltype.endswith("/fontTable")), None)
    if part is None:
        return
    entries = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:charset w:val="86"/><w:family w:val="auto"/></w:font>'
        for name, others in FALLBACKS.items()
    )
    declared = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    part._blob = f"{declared}<w:fonts {nsdecls('w')}>{entries}</w:fonts>".encode()  # noqa: SLF001


def _bookmark(paragraph: Paragraph, name: str, number: int) -> None:
    """Mark a heading, so that the contents can point to it."""
    element = paragraph._p  # noqa: SLF001 - the library has no word for bookmarks
    begin, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
    for mark in (begin, end):
        mark.set(qn("w:id"), str(number))
    begin.set(qn("w:name"), name)
    element.insert(1 if element.pPr is not None else 0, begin)
    element.append(end)


def _after(paragraph: Paragraph, model: Paragraph) -> Paragraph:
    """Return a new paragraph behind one, in the style of another."""
    element = OxmlElement("w:p")
    if model._p.pPr is not None:  # noqa: SLF001
        element.append(copy.deepcopy(model._p.pPr))  # noqa: SLF001
    paragraph._p.addnext(element)  # noqa: SLF001
    return type(paragraph)(element, paragraph._parent)  # noqa: SLF001


def _field(paragraph: Paragraph, instruction: str, result: str, *, dirty: bool = False) -> None:
    """Add a field with the result that it has now."""
    _field_part(paragraph, "begin", dirty=dirty)
    _instruction(paragraph, instruction)
    _field_part(paragraph, "separate")
    paragraph.add_run(result)
    _field_part(paragraph, "end")


def _field_part(paragraph: Paragraph, kind: str, *, dirty: bool = False) -> None:
    part = OxmlElement("w:fldChar")
    part.set(qn("w:fldCharType"), kind)
    if dirty:
        part.set(qn("w:dirty"), "true")
    paragraph.add_run()._r.append(part)  # noqa: SLF001


def _instruction(paragraph: Paragraph, text: str) -> None:
    part = OxmlElement("w:instrText")
    part.set(qn("xml:space"), "preserve")
    part.text = f" {text} "
    paragraph.add_run()._r.append(part)  # noqa: SLF001


def _link(paragraph: Paragraph, mark: str, text: str, *, width_mm: float) -> None:
    """Add an entry of the contents: a link to a bookmark, dots, and its page as a field."""
    stops = parse_xml(
        f'<w:tabs {nsdecls("w")}><w:tab w:val="right" w:leader="dot" w:pos="{word_table.twips(width_mm)}"/></w:tabs>'
    )
    settings = paragraph._p.get_or_add_pPr()  # noqa: SLF001
    old = settings.find(qn("w:tabs"))
    if old is not None:
        settings.remove(old)
    settings.insert_element_before(stops, "w:spacing", "w:ind", "w:jc", "w:rPr")
    link = OxmlElement("w:hyperlink")
    link.set(qn("w:anchor"), mark)
    link.set(qn("w:history"), "1")
    start = len(paragraph._p)  # noqa: SLF001
    paragraph.add_run(text)
    paragraph.add_run("\t")
    _field(paragraph, f"PAGEREF {mark} \\h", "", dirty=True)
    for element in list(paragraph._p)[start:]:  # noqa: SLF001
        link.append(element)
    paragraph._p.append(link)  # noqa: SLF001


class _Entries(dict[str, bytes]):
    """The files of a package, taken from the library before it packs them by itself."""

    def write(self, name: str, content: bytes) -> None:
        self[name.lstrip("/")] = content


def _packed(document: Docx) -> bytes:
    """Return a document as a zip with its entries in one order and at one time; pictures are packed already."""
    package, entries = document.part.package, _Entries()
    writer: Any = PackageWriter
    parts = list(package.iter_parts())
    for part in parts:
        part.before_marshal()
    writer._write_content_types_stream(entries, parts)  # noqa: SLF001
    writer._write_pkg_rels(entries, package.rels)  # noqa: SLF001
    writer._write_parts(entries, parts)  # noqa: SLF001
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(entries, key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, date_time=_ZIP_DAY)
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            packed.writestr(entry, entries[name])
    return target.getvalue()

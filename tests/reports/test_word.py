from __future__ import annotations

import datetime as dt
import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from PIL import Image

from geo.reports import atlas, document, fonts, layout, word, word_table, workbook, write_results
from geo.reports.edition import Edition

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
CHINESE = re.compile("[\u4e00-\u9fff]+")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def report(written):
    return docx.Document(str(written / "report.docx"))


def xml(path, name="word/document.xml"):
    with zipfile.ZipFile(path) as source:
        return source.read(name).decode()


def texts(opened):
    for part in opened.iter_inner_content():
        if hasattr(part, "rows"):
            yield from (cell.text for row in part.rows for cell in row.cells)
        else:
            yield part.text


def test_seven_chapters_in_their_order(report):
    heads = [part.text for part in report.paragraphs if part.style.name == "Heading 1"]
    assert [head.split("、")[0] for head in heads] == list("一二三四五六七")
    assert heads[5] == "六、与上期对比"


def test_the_page_is_a4_with_the_offices_margins_and_fonts(report):
    section = report.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert [round(getattr(section, f"{side}_margin").mm) for side in ("top", "bottom", "left", "right")] == [
        37,
        35,
        28,
        26,
    ]
    for style, family in (("Normal", "仿宋"), ("Heading 1", "黑体"), ("Heading 2", "楷体")):
        found = report.styles[style].element.rPr.rFonts
        assert found.get(qn("w:eastAsia")) == family
        assert not any(name.endswith("Theme") for name in found.attrib)
    assert report.styles["Normal"].font.size.pt == 16


def test_nothing_of_the_librarys_template_is_left_that_no_report_uses(written):
    """Its table styles are 750 KB in two copies, and its thumbnail shows another document."""
    with zipfile.ZipFile(written / "report.docx") as source:
        names = source.namelist()
    assert not [name for name in names if "thumbnail" in name or "WithEffects" in name]
    styles = xml(written / "report.docx", "word/styles.xml")
    assert len(re.findall('w:type="table"', styles)) == 1
    used = set(re.findall(r'w:(?:pStyle|rStyle|tblStyle) w:val="([^"]+)"', xml(written / "report.docx")))
    assert used
    assert used <= set(re.findall('w:styleId="([^"]+)"', styles))


def test_fonts_are_named_with_what_stands_in_for_them(written):
    assert 'w:name="仿宋"><w:altName w:val="FangSong,' in xml(written / "report.docx", "word/fontTable.xml")


def test_every_table_has_a_numbered_caption_a_header_that_repeats_and_rows_that_are_not_torn(report):
    before, numbers = None, []
    for part in report.iter_inner_content():
        if hasattr(part, "rows"):
            assert before.style.name == "Caption"
            numbers.append(int(re.match(r"表 (\d+)　", before.text)[1]))
            assert part.rows[0]._tr.find(f"{W}trPr/{W}tblHeader") is not None
            paragraphs = [each for row in part.rows for cell in row.cells for each in cell.paragraphs]
            assert all(each.paragraph_format.keep_together for each in paragraphs)
            whole = [row._tr.find(f"{W}trPr/{W}cantSplit") is not None for row in part.rows]
            assert whole == [True, False, *[True] * (len(whole) - 2)][: len(whole)]
        before = part
    assert numbers == sorted(set(numbers))
    assert numbers


def test_no_line_breaks_inside_a_date_and_the_date_reads_as_before():
    columns = [layout.Column("完成时限", 10)]
    text = word_table.of(columns, [["2026-12-31"]], total=None, lang="zh", width_mm=60.0, points=9.0)
    table = docx.table.Table(parse_xml(text), None)
    assert table.cell(1, 0).text == "2026-12-31"
    assert text.count("<w:noBreakHyphen/>") == 2
    assert word_table.word_mm(["2026-12-31"], points=9.0) > word_table.word_mm(["2026"], points=9.0) * 1.5


@pytest.mark.slow
@pytest.mark.skipif(not OFFICE or not shutil.which("pdftotext"), reason="LibreOffice or pdftotext is not here")
def test_libreoffice_tears_no_row_and_loses_none_wherever_a_table_begins(tmp_path):
    words = dict.fromkeys(("contents", "table_series", "figure_series", "nothing"), "x")
    report = document.Report(
        "zh", title="x", day=dt.date(2026, 12, 31), words={**words, "table": "表", "figure": "图", "page": "{n}"}
    )
    marks = iter(range(0x3400, 0x4DB0))  # one rare sign a row, in every cell, at its begin and end
    columns = [layout.Column(f"列{number}", width) for number, width in enumerate((4, 9, 4))]
    rows = 0
    for before in range(22):
        report.heading(f"第{before}", new_page=True)
        for _ in range(before):
            report.text("一行")
        lines = []
        lengths = [3, 60, 8, 120, 30, 3, 90, 45, 10, 70, 5, 150, 20]
        for length in lengths[before % 13 :] + lengths[: before % 13]:
            sign = chr(next(marks))
            lines.append([f"{sign}{'长' * size}{sign}" for size in (length // 3, length, 2)])
        report.table("清单", columns, lines, total=None)
        rows += len(lines)
    (tmp_path / "t.docx").write_bytes(report.save())
    command = [OFFICE, "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--convert-to", "pdf"]
    subprocess.run([*command, "--outdir", tmp_path, tmp_path / "t.docx"], check=True, capture_output=True, timeout=180)
    shown = subprocess.run(["pdftotext", tmp_path / "t.pdf", "-"], check=True, capture_output=True, text=True).stdout
    pages = shown.split("\f")
    found = [sign for page in pages for sign in set(re.findall("[\u3400-\u4dbf]", page))]
    assert len(set(found)) == rows
    assert len(found) == rows
    assert sum("列1" in page for page in pages) > 22 + 5  # headers come again


def test_the_contents_point_to_the_headings_and_their_pages(written, report):
    text = xml(written / "report.docx")
    heads = [part.text for part in report.paragraphs if part.style.name in {"Heading 1", "Heading 2"}]
    marks = re.findall(r'<w:bookmarkStart w:id="\d+" w:name="(_Toc\d+)"', text)
    assert re.findall(r"PAGEREF (_Toc\d+)", text) == marks
    listed = [part.text.strip() for part in report.paragraphs if part.style.name == "TOC Entry"]
    assert [entry.split("\t")[0] for entry in listed] == heads


def test_hostile_text_is_text(written, report):
    said = "\n".join([*texts(report), *texts(docx.Document(str(written / "parks.docx")))])
    assert "</script><b>{{ 7*7 }} ${1}" in said
    assert "bell nul tab" in said  # the control characters are gone, and without them the file opens
    assert "\x07" not in xml(written / "report.docx")


def test_files_of_districts_bear_safe_names(results, tmp_path):
    units = results.units.copy()
    units["unit_id"] = units["unit_id"].where(units["unit_kind"] != "district", "../../=D:1\x00")
    written = write_results(replace(results, units=units), tmp_path / "t")
    names = [path.relative_to(tmp_path / "t").as_posix() for path in written if path.parent.name == "districts"]
    assert names == ["districts/report_D_1.docx"]
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_english_reports_have_no_chinese_but_that_of_the_data(results, tmp_path):
    word.write_word(results, tmp_path, lang="en")
    data = {"试验县", "东片区", "桃城镇", "零工市场", "流动车"}
    for path in sorted(tmp_path.rglob("*.docx")):
        found = {part for text in texts(docx.Document(str(path))) for part in CHINESE.findall(text)}
        assert found <= data, path.name
        assert docx.Document(str(path)).core_properties.language == "en-GB"


def test_a_machine_without_a_chinese_font_is_told(results, tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "_CHINESE", ("No such font",))
    fonts.chinese.cache_clear()
    try:
        word.write_word(results, tmp_path, lang="zh")
    finally:
        fonts.chinese.cache_clear()
    assert any("没有中文字体" in text for text in texts(docx.Document(str(tmp_path / "report.docx"))))


def test_what_changed_is_told_before_what_came_of_it(results, tmp_path):
    class Compared(type(results)):
        """Results with last period's."""

    import pandas as pd  # noqa: PLC0415

    rows = [("gig_station-C2-1", "gig_station", "better", 500.0, 400.375, 25.0, 22.1, "C2", "D1")]
    names = (
        "gap_id",
        "service",
        "state",
        "people_before",
        "people_now",
        "minutes_before",
        "minutes_now",
        "communities",
        "districts",
    )
    told = replace(results)
    object.__setattr__(told, "comparison", pd.DataFrame(rows, columns=names))
    object.__setattr__(told, "changes", ["时限由 10 改为 15 分钟"])
    word.write_word(told, tmp_path, lang="zh")
    said = list(texts(docx.Document(str(tmp_path / "report.docx"))))
    changed, came = (
        said.index("时限由 10 改为 15 分钟"),
        next(at for at, text in enumerate(said) if "改善 1 处" in text),
    )
    assert changed < came
    assert "改善" in said


def test_maps_of_services_show_what_is_not_assessed(results):
    table = results.coverage.copy()
    mine = (table["unit_kind"] == "community") & (table["unit_id"] == "C1")
    table.loc[mine, "status"] = "not_assessed"
    known, unknown = (
        atlas.Atlas(Edition(replace(results, coverage=each), "zh"))
        for each in (results.coverage[results.coverage["status"] != "not_assessed"], table)
    )
    (kind, *_) = (kind for kind in results.services.values() if kind.rings)
    legends = []
    for maps in (known, unknown):
        sheet = maps._sheet("图", height_in=3.0, dpi=50)
        maps._not_assessed(sheet, sheet.frame(maps.whole), kind)
        legends.append(list(sheet.legend.entries))
    assert legends == [[], ["未评估"]]
    assert known.services() != unknown.services()


def test_maps_have_their_resolution_and_the_same_bytes(results):
    units = results.units.copy()
    maps = atlas.Atlas(Edition(replace(results, units=units), "zh"))
    for png, dpi in ((maps.county(), 150), (maps.park("P1", set()), 300)):
        with Image.open(io.BytesIO(png)) as opened:
            assert opened.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)
            assert opened.width / dpi > 6
            assert set(opened.info) == {"dpi"}
    assert maps.county() == atlas.Atlas(Edition(results, "zh")).county()


def test_editions_share_what_was_worked_out_and_say_the_same(results, tmp_path):
    for name in ("alone", "shared"):
        (tmp_path / name).mkdir()
    kept = {}
    workbook.write_workbook(results, tmp_path / "alone" / "report.xlsx", lang="zh")
    word.write_word(results, tmp_path / "alone", lang="zh")
    workbook.write_workbook(results, tmp_path / "shared" / "report.xlsx", lang="zh", kept=kept)

    assert {"shares", "gaps_listed", "needs"} <= set(kept)
    word.write_word(results, tmp_path / "shared", lang="zh", kept=kept)
    files = sorted(path.relative_to(tmp_path / "alone") for path in (tmp_path / "alone").rglob("*.*"))
    assert len(files) > 2
    for file in files:
        assert (tmp_path / "alone" / file).read_bytes() == (tmp_path / "shared" / file).read_bytes(), file

"""The verbs that bring OpenStreetMap's data to a study: `geo fetch` and `geo split`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geo.errors import GeoError, InputFaultsError
from geo.messages import Message, text
from geo.osm_servers import Servers
from geo.terminal import UNUSABLE, LangOption, Language, fail, faults_told, progress_shown, say

NOT_SAID = Servers()
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Replace files of the same names; an older study.toml is kept as study.toml.bak / "
        "替换同名文件；旧的 study.toml 另存为 study.toml.bak",
    ),
]


def fetch(
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="As one would search for it / 地名，如 “永春县, 泉州市, 福建省”")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="The study's folder, layers/PLACE by default / 研究文件夹"),
    ] = None,
    margin: Annotated[
        float,
        typer.Option("--margin", metavar="M", help="Metres beyond the border that are fetched too / 边界外扩米数"),
    ] = 4_000.0,
    period: Annotated[
        str | None, typer.Option("--period", metavar="PERIOD", help="By default the month of the data / 期次")
    ] = None,
    overpass: Annotated[
        str, typer.Option("--overpass", metavar="URL", envvar="GEO_OVERPASS", help="Overpass server / Overpass 服务器")
    ] = NOT_SAID.overpass,
    nominatim: Annotated[
        str,
        typer.Option("--nominatim", metavar="URL", envvar="GEO_NOMINATIM", help="Nominatim server / Nominatim 服务器"),
    ] = NOT_SAID.nominatim,
    force: ForceOption = False,  # noqa: FBT002 - typer option
    lang: LangOption = Language.ZH,
) -> None:
    """Write what OpenStreetMap holds of a place as a study; it knows no people, so their numbers are left to you.

    从网上取得 OpenStreetMap 对一个地方的记录，写成研究；其中没有人口，须自行填写。

    \b
    geo fetch "永春县, 泉州市, 福建省" --out layers/my-county
    """  # noqa: D301 - typer wants the sign itself
    from geo.fetch import default_folder, fetch_study  # noqa: PLC0415 - heavy libraries
    from geo.printout import fetched_lines  # noqa: PLC0415 - beside what it prints

    folder = out or default_folder(place)
    try:
        with progress_shown(lang) as progress:
            found = fetch_study(
                place,
                folder,
                servers=Servers(overpass, nominatim),
                margin_m=margin,
                period=period,
                replace=force,
                lang=lang.value,
                progress=progress,
            )
    except InputFaultsError as error:
        for fault in error.faults:
            fail(f"✗ {fault.text(lang.value)}")
        raise typer.Exit(UNUSABLE) from None
    for line in fetched_lines(found, margin, lang.value):
        say(line)


def split(
    streets: Annotated[
        Path, typer.Argument(metavar="STREETS", help="OpenStreetMap file, e.g. of a province / 道路文件，如全省的")
    ],
    by: Annotated[
        Path, typer.Option("--by", metavar="POLYGONS", help="Layer of polygons; their `id` names the files / 面图层")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the extracts / 结果文件夹")] = Path(
        "streets"
    ),
    margin: Annotated[
        float,
        typer.Option("--margin", metavar="M", help="Metres around each polygon whose streets count too / 面外扩米数"),
    ] = 10_000.0,
    crs: Annotated[
        str | None, typer.Option("--crs", metavar="CRS", help="CRS of the polygons, e.g. gcj02 / 面的坐标系")
    ] = None,
    layer: Annotated[
        str | None, typer.Option("--layer", metavar="NAME", help="Layer of a file that holds several / 图层名")
    ] = None,
    force: ForceOption = False,  # noqa: FBT002 - typer option
    lang: LangOption = Language.ZH,
) -> None:
    """Cut one OpenStreetMap file into <id>.osm.pbf for each polygon, reading it once and in little memory.

    把一个大范围的 OpenStreetMap 道路文件按面分割为多个 <编号>.osm.pbf，只读一遍，内存有限。

    \b
    geo split fujian.osm.pbf --by counties.geojson --crs gcj02 --out streets
    """  # noqa: D301 - typer wants the sign itself
    from geo.split import split_streets  # noqa: PLC0415 - heavy libraries

    try:
        with progress_shown(lang) as progress:
            progress(Message("split.step"), 0.0)
            extracts = split_streets(streets, by, out, margin_m=margin, crs=crs, layer=layer, replace=force)
    except GeoError as error:
        raise typer.Exit(faults_told(error, streets, lang)) from None
    for extract in extracts:
        key = "split.done" if extract.file is not None else "split.none"
        label = extract.id if extract.name in {"", extract.id} else f"{extract.id} {extract.name}"
        say(text(key, lang.value, label=label, **extract._asdict()))
    example = next(extract.file for extract in extracts if extract.file is not None)
    values = {"count": len(extracts), "margin": f"{margin:g}", "example": example.name}
    say(text("split.end", lang.value, **values))


def add_to(app: typer.Typer) -> None:
    """Give the command its verbs of OpenStreetMap."""
    app.command(short_help="Fetch a place from OpenStreetMap as a study / 从网上取得一个研究")(fetch)
    app.command(short_help="Cut a wide street file into one a polygon / 按面分割道路文件")(split)

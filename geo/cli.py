"""The command `geo`: options → call → print. It computes nothing itself."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo import __version__, ahead, cli_osm, heap
from geo.errors import Fault, GeoError, InputFaultsError
from geo.messages import Message, text
from geo.printout import closing_lines, comparison_lines, input_lines, repair_lines, site_lines
from geo.terminal import (
    SOME_FAILED,
    UNUSABLE,
    USAGE,
    LangOption,
    Language,
    fail as _fail,
    faults_told as _faults,
    place_faults as _place_faults,
    progress_shown as _progress,
    say as _say,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from geo.batch.outcome import Outcome
    from geo.study import Study

SAMPLES = ("yongchun", "nanan", "quangang")
STUDIES_SHOWN = 5


class Combine(StrEnum):
    """Which isochrones to write."""

    DISSOLVE = "dissolve"
    EACH = "each"
    SPLIT = "split"


app = typer.Typer(
    name="geo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="""Who reaches a service within fifteen minutes on the streets, who does not, and where.

    谁能在 15 分钟内到达服务设施，谁不能，缺口在哪里。

    \b
    A first run / 第一次使用:
      geo sample yongchun my-county   write a sample study / 写一个示例研究
      geo run my-county               compute it, then open maps/yongchun/map.html
                                      计算，然后打开 maps/yongchun/map.html

    \b
    Your own county / 自己的县:
      geo new my-study                make a folder with a study.toml to fill in
                                      新建文件夹，内有待填的 study.toml
      geo fetch PLACE --out my-study  or take what OpenStreetMap knows of a place
                                      或从网上取得 OpenStreetMap 的记录
      geo check my-study              look at the data / 检查数据
      geo run my-study                compute / 计算

    \b
    Exit status / 退出状态:
      0 done 完成   1 input cannot be used 输入不能使用
      2 wrong usage 用法不对   3 some studies of a batch failed 批量中有研究失败
    """,
)

StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="A folder with a study.toml in it, or that file / 含 study.toml 的文件夹，或该文件"
    ),
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Results go to DIR/<id of the study>/ / 结果写到 DIR/<研究编号>/")
]
DataOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="A further folder to look for layer files in; may be repeated / 另外的数据文件夹，可多次给出",
    ),
]
PreviousOption = Annotated[
    Path | None,
    typer.Option(
        "--previous",
        metavar="DIR",
        help="Last period's result folder: ids live on, gaps are compared / 上期结果文件夹：沿用编号并对比",
    ),
]
CombineOption = Annotated[
    Combine,
    typer.Option(
        "--combine",
        help="Also write one isochrone a facility (each), or divided by the nearest facility (split) / "
        "另写每处设施的等时圈（each），或按最近设施划分（split）",
    ),
]


def _version(*, value: bool) -> None:
    if value:
        from geo import kernels  # noqa: PLC0415 - keeps --help fast

        # Bilingual like all help: nobody has said a language yet.
        loops = (
            "compiled loops / 已编译" if kernels.compiled is not None else "no compiled loops, slower / 未编译，较慢"
        )
        typer.echo(f"geo {__version__} ({loops})")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # noqa: FBT002 - typer option
        bool,
        typer.Option(
            "--version",
            callback=lambda value: _version(value=value),
            is_eager=True,
            help="Print the version / 显示版本",
        ),
    ] = False,
) -> None:
    del version


def _read(study: str, data: list[Path] | None, *, out: Path | None = None, previous: Path | None = None) -> Study:
    """Return a study that can be written to its place; the faults of both are told together."""
    from geo.study import STUDY_FILE, read_study  # noqa: PLC0415 - keeps --help fast

    faults: list[Fault] = []
    read = None
    try:
        read = read_study(study, data=tuple(data or ()), previous=previous)
    except InputFaultsError as error:
        faults += error.faults
        if any(fault.message.key == "study.no_file" for fault in faults):
            faults += _studies_below(Path(study), STUDY_FILE)
    if out is not None:
        faults += _place_faults(out if read is None else out / read.head.id)
        if read is not None and read.previous is not None and _is_same(read.previous, out / read.head.id):
            faults.append(Fault(str(read.previous), Message("compare.same_place", {"folder": out / read.head.id})))
    if read is None or faults:
        raise InputFaultsError(faults)
    return read


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _studies_below(folder: Path, name: str) -> list[Fault]:
    """Return a hint at the studies that lie deeper than where somebody looked."""
    below = sorted(file.parent for depth in ("*", "*/*") for file in folder.glob(f"{depth}/{name}"))[:STUDIES_SHOWN]
    if not below:
        return []
    found = ", ".join(str(place) for place in below)
    return [Fault(str(folder), Message("cli.studies_below", {"found": found, "folder": folder}))]


@app.command(short_help="Compute a study: map, report, tables / 计算一个研究")
def run(
    study: StudyArgument,
    out: OutOption = Path("maps"),
    data: DataOption = None,
    previous: PreviousOption = None,
    combine: CombineOption = Combine.DISSOLVE,
    tiles: Annotated[
        str | None,
        typer.Option(
            "--tiles",
            metavar="tianditu|URL",
            help="Tiles under the map, asked for when it is opened; key in GEO_TILES_KEY / 地图下加在线底图，打开时联网",
        ),
    ] = None,
    tiles_gcj02: Annotated[  # noqa: FBT002 - typer reads the default
        bool,
        typer.Option("--tiles-gcj02", help="These tiles are in GCJ-02: move the layers there / 底图为 GCJ-02 偏移"),
    ] = False,
    lang: LangOption = Language.ZH,
) -> None:
    """Compute coverage and gaps of a study, and write its map, workbook, tables and layers.

    计算一个研究的覆盖与缺口，写出地图、报表、表格与图层。

    \b
    geo run layers/yongchun
    geo run my-study --data D:/layers --out results --lang en
    """  # noqa: D301 - typer wants the sign itself
    heap.share_arenas()
    heap.look_rarely()
    from geo.maps.background import tiles as background  # noqa: PLC0415 - heavy libraries
    from geo.pipeline import analyse  # noqa: PLC0415

    ahead.imported("geo.reports")  # libraries of documents and pictures, a quarter of a second
    try:
        with _progress(lang) as progress:
            read = _read(study, data, out=out, previous=previous)
            under = background(tiles, gcj02=tiles_gcj02) if tiles is not None else None
            analysis = analyse(read, combine=combine.value, progress=progress)
            progress(Message("run.write"), 0.97)
            folder = out / read.head.id
            analysis.write(folder, lang=lang.value, tiles=under)
    except GeoError as error:
        raise typer.Exit(_faults(error, study, lang)) from None
    *said, look = closing_lines(analysis, folder, lang.value)
    for line in said:
        _say(line)
    if under is not None:
        _say(text("cli.tiles", lang.value, hosts=" ".join(under.origins)))
    try:
        ledger = analysis.keep_ledger(lang=lang.value)
        _say(text("ledger.kept" if ledger is not None else "ledger.not_kept", lang.value, file=ledger))
    except GeoError as error:
        raise typer.Exit(_faults(error, study, lang)) from None
    finally:
        _say(look)


@app.command(short_help="Compare the gaps of two periods / 两期对比")
def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Result folder of the earlier period / 上期结果文件夹")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Result folder of the later period / 本期结果文件夹")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Also write a table and a page with maps / 另写对比表和变化图"),
    ] = None,
    lang: LangOption = Language.ZH,
) -> None:
    """Say which gaps are new, returned, lasting, better or to be struck off; changes of inputs and parameters first.

    对比两期结果：先列输入与口径的变化，再列新增、反弹、持续、改善、销号建议的缺口。两个结果文件夹都不改动。

    \b
    geo compare results/2026Q4/yongchun results/2027Q1/yongchun --out results/changes
    """  # noqa: D301 - typer wants the sign itself
    from geo.periods import compare as compared, write_changes  # noqa: PLC0415 - heavy libraries

    try:
        found = compared(old, new)
        written = write_changes(found, out, lang=lang.value) if out is not None else []
    except GeoError as error:
        raise typer.Exit(_faults(error, f"{old} {new}", lang)) from None
    for line in comparison_lines(found, lang.value):
        _say(line)
    if written:
        _say(text("compare.written", lang.value, table=written[0], page=written[1]))


@app.command(short_help="Look at a study's data before computing / 检查输入数据")
def check(study: StudyArgument, data: DataOption = None, lang: LangOption = Language.ZH) -> None:
    """Say what was read, what was repaired, row by row, and what is doubtful; exit 1 if the study cannot run.

    检查输入数据：读了什么，逐行修复了什么，哪些可疑。研究不能运行时退出状态为 1。

    \b
    geo check my-study
    """  # noqa: D301 - typer wants the sign itself
    from geo import quality  # noqa: PLC0415 - heavy libraries
    from geo.pipeline import rehearse  # noqa: PLC0415

    try:
        with _progress(lang) as progress:
            inputs, repairs = rehearse(_read(study, data), progress=progress)
    except GeoError as error:
        raise typer.Exit(_faults(error, study, lang)) from None
    told = [*quality.lines(repairs)]
    for line in (*input_lines(inputs, lang.value, told=told), *repair_lines(told, lang.value)):
        _say(line)
    given = " ".join([study, *(f"--data {place}" for place in data or ())])
    _say(text("cli.ready", lang.value, study=given))


@app.command(short_help="Start a study of your own / 新建一个研究")
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to make / 要新建的文件夹")],
    lang: LangOption = Language.ZH,
) -> None:
    """Make a folder with a commented study.toml: name your layers in it, then `geo check`.

    新建一个研究文件夹，内有带说明的 study.toml：填上图层文件名，然后 geo check。
    """
    from geo.template import write_new  # noqa: PLC0415 - keeps --help fast

    try:
        written = write_new(folder, lang=lang.value)
    except GeoError as error:
        raise typer.Exit(_faults(error, folder, lang)) from None
    _say(text("cli.new", lang.value, file=written, folder=folder))


@app.command(short_help="Write a sample study to try things on / 写一个示例研究")
def sample(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"One of / 可选 {', '.join(SAMPLES)}")],
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="A new folder, ./NAME by default / 新文件夹，默认 ./NAME"),
    ] = None,
    lang: LangOption = Language.ZH,
) -> None:
    """Write a sample study, a synthetic county, into a new folder.

    写一个示例研究（虚构数据）到新文件夹。
    """
    if name not in SAMPLES:
        _fail(text("cli.no_sample", lang.value, given=name, accepted=", ".join(SAMPLES)))
        raise typer.Exit(USAGE)
    place = folder or Path(name)
    faults = _place_faults(place)
    if not faults and place.exists() and any(place.iterdir()):
        faults = [Fault(str(place), Message("cli.not_empty"))]
    if faults:
        raise typer.Exit(_faults(InputFaultsError(faults), place, lang))
    from geo.sample import write_sample  # noqa: PLC0415 - heavy libraries

    try:
        write_sample(name, place)
    except OSError as error:
        why = Message("new.unwritable", {"why": error.strerror or str(error)})
        raise typer.Exit(_faults(InputFaultsError([Fault(str(place), why)]), place, lang)) from None
    _say(text("cli.sample", lang.value, folder=place))


@app.command(short_help="Compute every study below a folder / 批量计算")
def batch(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder with studies at any depth below it / 含多个研究的文件夹")
    ],
    out: OutOption = Path("maps"),
    data: DataOption = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes, by default one a core / 进程数")
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            "--memory", metavar="GB", min=0.5, help="Memory of all processes together, in GB / 所有进程的内存合计（GB）"
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="tcp://…", help="Compute on a Dask cluster / 在 Dask 集群上计算"),
    ] = None,
    lang: LangOption = Language.ZH,
) -> None:
    """Compute every study below a folder; list them all in DIR/index.html, summary.xlsx and batch.json.

    A failure does not stop the rest. Called again, it computes only what is missing or has changed.

    批量计算文件夹下的所有研究，汇总到 DIR/index.html、summary.xlsx、batch.json。
    一个失败不影响其余；再次运行只计算缺少的或有变化的。

    \b
    geo batch counties --workers 4 --memory 8
    geo batch counties --scheduler tcp://10.0.0.5:8786
    """  # noqa: D301 - typer wants the sign itself
    from geo.batch import run_all  # noqa: PLC0415 - heavy libraries

    if scheduler is not None and (workers is not None or memory is not None):
        _fail(text("cli.cluster_has_its_own", lang.value))
        raise typer.Exit(USAGE)
    try:
        if faults := _place_faults(out):
            raise InputFaultsError(faults)
        with _countdown(lang) as tell:
            outcomes, page = run_all(
                folder,
                out=out,
                data=tuple(data or ()),
                lang=lang.value,
                workers=workers,
                memory_gb=memory,
                scheduler=scheduler,
                tell=tell,
            )
    except GeoError as error:
        raise typer.Exit(_faults(error, folder, lang)) from None
    failed = sum(not outcome.done for outcome in outcomes)
    _say(text("cli.batch", lang.value, done=len(outcomes) - failed, failed=failed, page=page))
    if failed:
        raise typer.Exit(SOME_FAILED)


@contextmanager
def _countdown(lang: Language) -> Iterator[Callable[[Outcome, int, int], None]]:
    """Print a line for each study that is through; on a terminal with a bar and the time left below them."""
    from rich.console import Console  # noqa: PLC0415 - only verbs that take long
    from rich.progress import BarColumn, MofNCompleteColumn, Progress as Bar, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    left = TextColumn(text("cli.time_left", lang.value), markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), left, TimeRemainingColumn(elapsed_when_finished=True))
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def tell(outcome: Outcome, number: int, total: int) -> None:
            mark = "✓" if outcome.done else "✗"
            kept = text("cli.kept", lang.value) if outcome.kept else ""
            _say(f"[{number}/{total}] {mark} {outcome.label}{kept}")
            for line in outcome.lines:
                _say(f"    {line}")
            bar.update(task, completed=number, total=total)

        yield tell


@app.command(short_help="Suggest where to build next / 建议新建点位")
def site(
    study: StudyArgument,
    service: Annotated[
        str, typer.Argument(metavar="SERVICE", help="Code or name, e.g. 长者食堂 / 服务类型的代码或名称")
    ],
    add: Annotated[int, typer.Option("--add", metavar="N", min=1, help="How many sites / 新建几处")] = 3,
    candidates: Annotated[
        str,
        typer.Option(
            "--candidates",
            metavar="venues|streets",
            help="Venues with room, or places along the streets / 有空间的场所，或沿街点位",
        ),
    ] = "venues",
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="mclp|lscp|p_median|p_centre",
            help="Most people, fewest sites, least minutes, nearest for the furthest / 人数最多、点位最少、总分钟最少、最远者最近",
        ),
    ] = "mclp",
    data: DataOption = None,
    lang: LangOption = Language.ZH,
) -> None:
    """Suggest where to build N more sites of a service so that most people are newly served; what exists stays.

    建议某类服务再建 N 处的点位：新覆盖的人最多，现有设施不动。

    \b
    geo site layers/yongchun 长者食堂 --add 3
    """  # noqa: D301 - typer wants the sign itself
    from geo.pipeline import analyse  # noqa: PLC0415 - heavy libraries
    from geo.scenarios import unknown_service  # noqa: PLC0415
    from geo.sites import suggest_sites  # noqa: PLC0415

    try:
        with _progress(lang) as progress:
            analysis = analyse(_read(study, data), progress=progress)
            if wrong := unknown_service(analysis, service):
                raise InputFaultsError([wrong])
            found = suggest_sites(analysis, service, add=add, candidates=candidates, model=model)  # type: ignore[arg-type]
    except GeoError as error:
        raise typer.Exit(_faults(error, study, lang)) from None
    for line in site_lines(analysis, found, lang.value):
        _say(line)


cli_osm.add_to(app)


def main(run_app: Callable[..., None] = app) -> None:
    """Run the command line; the way out of every known error is a message and an exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if not os.environ.get("GEO_DEBUG"):
        warnings.simplefilter("ignore")
    try:
        run_app(prog_name="geo")
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(130)
    except GeoError as error:
        # What is wrong with the process itself, before a verb could look at its input.
        _fail(f"  ✗ {error}")
        sys.exit(UNUSABLE)
    except SystemExit as done:
        heap.leave(done.code)
        raise


if __name__ == "__main__":
    main()

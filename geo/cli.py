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

from geo import __version__
from geo.errors import GeoError, InputFaultsError
from geo.messages import DEFAULT_LANG, Message, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from geo.batch import Outcome
    from geo.pipeline import Analysis, Progress
    from geo.study import Study

UNUSABLE, USAGE, SOME_FAILED = 1, 2, 3
SAMPLES = ("yongchun", "nanan", "quangang")


class Language(StrEnum):
    """Language of outputs and messages."""

    zh = "zh"
    en = "en"


class Combine(StrEnum):
    """Which isochrones to write."""

    dissolve = "dissolve"
    each = "each"
    split = "split"


app = typer.Typer(
    name="geo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="""Who reaches a service within fifteen minutes, who does not, and where.

    谁能在 15 分钟内到达服务设施，谁不能，缺口在哪里。

    A first run / 第一次使用:

      geo sample yongchun my-county     write a sample study / 写一个示例研究

      geo run my-county                 compute it, then open maps/yongchun/map.html / 计算并查看地图

      geo new my-study                  start your own / 新建自己的研究
    """,
)

StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="A folder with study.toml, or the file itself / 研究文件夹或 study.toml")]
LangOption = Annotated[Language, typer.Option("--lang", help="Language of outputs and messages / 输出语言")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where results go, one folder a study / 结果文件夹")]
DataOption = Annotated[list[Path] | None, typer.Option("--data", metavar="DIR", help="Further folder to look for layers in; may be repeated / 另外的数据文件夹，可多次给出")]
CombineOption = Annotated[Combine, typer.Option("--combine", help="Isochrones beside the dissolved ones: one a facility (each) or divided by the nearest (split) / 另写各设施的等时圈")]


def _version(*, value: bool) -> None:
    if value:
        typer.echo(f"geo {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=lambda value: _version(value=value), is_eager=True, help="Print the version")] = False,  # noqa: FBT002 - typer option
) -> None:
    del version


def _say(line: str) -> None:
    typer.echo(line)


def _fail(line: str) -> None:
    typer.echo(line, err=True)


def _faults(error: GeoError, lang: Language) -> int:
    """Print every fault of an input and return the exit status."""
    if isinstance(error, InputFaultsError):
        _fail(text("cli.faults", lang.value, count=len(error.faults)))
        for fault in error.faults:
            _fail(f"  ✗ {fault.text(lang.value)}")
    else:
        _fail(f"  ✗ {error}")
    return UNUSABLE


@contextmanager
def _progress(lang: Language) -> Iterator[Progress]:
    """Show a bar on a terminal, nothing where the output is piped."""
    from rich.console import Console  # noqa: PLC0415 - only verbs that take long
    from rich.progress import BarColumn, Progress as Bar, TaskProgressColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def note(step: Message, done: float) -> None:
            bar.update(task, description=step.text(lang.value), completed=done)

        yield note


def _read(study: str, data: list[Path] | None) -> Study:
    from geo.study import read_study  # noqa: PLC0415 - keeps --help fast

    return read_study(study, data=tuple(data or ()))


@app.command()
def run(
    study: StudyArgument,
    out: OutOption = Path("maps"),
    data: DataOption = None,
    combine: CombineOption = Combine.dissolve,
    lang: LangOption = Language.zh,
) -> None:
    """Compute coverage and gaps of a study and write map, report and tables / 计算一个研究并写出地图与报表."""
    from geo.pipeline import analyse  # noqa: PLC0415 - heavy libraries

    try:
        with _progress(lang) as progress:
            read = _read(study, data)
            analysis = analyse(read, combine=combine.value, lang=lang.value, progress=progress)
            progress(Message("run.write"), 0.97)
            folder = out / read.head.id
            analysis.write(folder, lang=lang.value)
    except GeoError as error:
        raise typer.Exit(_faults(error, lang)) from None
    for line in closing_lines(analysis, folder, lang):
        _say(line)


def closing_lines(analysis: Analysis, folder: Path, lang: Language) -> list[str]:
    """Return where to look and the three numbers that matter."""
    summary, head = analysis.summary, analysis.study.head
    lines = [text("cli.title", lang.value, name=head.name, period=head.period, mark=text("cli.synthetic", lang.value) if head.synthetic else "")]
    lines += [f"  ! {warning}" for warning in summary["warnings"]]
    for code, service in analysis.services.items():
        if service.test == "minutes":
            found = summary["services"][code]
            group, numbers = next(iter(found["groups"].items()))
            share = text("cli.unassessed", lang.value) if numbers["share"] is None else f"{numbers['share']:.1%}"
            lines.append(
                text(
                    "cli.service", lang.value, service=service.name(lang.value), mode=_mode(service.mode, lang),
                    limit=f"{service.limit:g}", group=text(f"word.{group}", lang.value), share=share,
                    gaps=found["gaps"], people=f"{found['gap_people']:,.0f}",
                )
            )
    timed = [found for code, found in summary["services"].items() if found["test"] == "minutes"]
    totals = {
        "people": f"{sum(summary['people'].values()):,.0f}",
        "gaps": sum(found["gaps"] for found in timed),
        "misplaced": f"{summary['misplaced_share']:.2%}",
    }
    return [*lines, text("cli.numbers", lang.value, **totals), text("cli.look", lang.value, page=folder / "map.html")]


def _mode(name: str, lang: Language) -> str:
    try:
        return text(f"word.{name}", lang.value)
    except KeyError:
        return name


@app.command()
def check(study: StudyArgument, data: DataOption = None, lang: LangOption = Language.zh) -> None:
    """Say what was read, repaired and suspected; exit 1 if the study cannot run / 检查输入数据."""
    from geo.pipeline import read_inputs  # noqa: PLC0415 - heavy libraries

    try:
        with _progress(lang) as progress:
            read = _read(study, data)
            inputs = read_inputs(read, progress=progress)
    except GeoError as error:
        raise typer.Exit(_faults(error, lang)) from None
    _say(text("cli.crs", lang.value, crs=inputs.layers.crs.to_string(), name=inputs.layers.crs.name))
    for item in inputs.layers.inputs:
        rows = "" if item["rows_read"] is None else text("cli.rows", lang.value, read=item["rows_read"], kept=item["rows_kept"], repaired=item["rows_repaired"])
        _say(text("cli.input", lang.value, layer=item["layer"], path=item["path"], crs=item["crs"] or "-", rows=rows))
    _say(text("cli.streets", lang.value, count=len(inputs.streets), km=f"{inputs.streets['length_m'].sum() / 1000:.1f}"))
    told = [(row.layer, row.source, row.row, row.message) for row in inputs.layers.repairs.itertuples(index=False)]
    told += [(layer, "", None, message) for layer, message in inputs.notes]
    if told:
        _say(text("cli.repairs", lang.value, count=len(told)))
    for layer, source, row, message in told:
        where = source or layer
        place = "" if row is None or row != row or str(row) == "<NA>" else text("cli.at_row", lang.value, row=row)  # noqa: PLR0124 - NaN
        _say(f"  · {where} {place}{message.text(lang.value)}")
    _say(text("cli.ready", lang.value))


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to make / 要新建的文件夹")],
    lang: LangOption = Language.zh,
) -> None:
    """Start a study: a folder with a commented study.toml / 新建一个研究文件夹."""
    from geo.template import write_new  # noqa: PLC0415

    try:
        written = write_new(folder, lang=lang.value)
    except GeoError as error:
        raise typer.Exit(_faults(error, lang)) from None
    _say(text("cli.new", lang.value, file=written))


@app.command()
def sample(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"One of {', '.join(SAMPLES)}")],
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="Where to write it; default ./NAME / 写到哪里")] = None,
    lang: LangOption = Language.zh,
) -> None:
    """Write a sample study: a synthetic county to try things on / 写一个示例研究（虚构数据）."""
    from geo.sample import write_sample  # noqa: PLC0415

    if name not in SAMPLES:
        _fail(text("cli.no_sample", lang.value, given=name, accepted=", ".join(SAMPLES)))
        raise typer.Exit(USAGE)
    place = folder or Path(name)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        _fail(text("cli.not_empty", lang.value, folder=place))
        raise typer.Exit(UNUSABLE)
    try:
        write_sample(name, place)
    except (GeoError, OSError) as error:
        _fail(f"  ✗ {error}")
        raise typer.Exit(UNUSABLE) from None
    _say(text("cli.sample", lang.value, folder=place))


@app.command()
def batch(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder below which studies lie / 含多个研究的文件夹")],
    out: OutOption = Path("maps"),
    data: DataOption = None,
    lang: LangOption = Language.zh,
) -> None:
    """Run every study below a folder; one failure does not stop the rest / 批量运行文件夹下的所有研究."""
    from geo.batch import run_all  # noqa: PLC0415 - heavy libraries

    def tell(outcome: Outcome, number: int, total: int) -> None:
        mark = "✓" if outcome.done else "✗"
        _say(f"[{number}/{total}] {mark} {outcome.label}")
        for line in outcome.lines:
            _say(f"    {line}")

    try:
        outcomes, page = run_all(folder, out=out, data=tuple(data or ()), lang=lang.value, tell=tell)
    except GeoError as error:
        raise typer.Exit(_faults(error, lang)) from None
    failed = sum(not outcome.done for outcome in outcomes)
    _say(text("cli.batch", lang.value, done=len(outcomes) - failed, failed=failed, page=page))
    if failed:
        raise typer.Exit(SOME_FAILED)


def main(run_app: Callable[[], None] = app) -> None:
    """Run the command line; the way out of every known error is a message and an exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    if not os.environ.get("GEO_DEBUG"):
        warnings.simplefilter("ignore")
    try:
        run_app()
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(130)


if __name__ == "__main__":
    main()

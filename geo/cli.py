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
from geo.errors import Fault, GeoError, InputFaultsError
from geo.messages import Message, subject, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from geo.batch import Outcome
    from geo.pipeline import Analysis, Inputs, Progress
    from geo.study import Study

UNUSABLE, USAGE, SOME_FAILED = 1, 2, 3
SAMPLES = ("yongchun", "nanan", "quangang")
STUDIES_SHOWN = 5


class Language(StrEnum):
    """Language of outputs and messages."""

    ZH = "zh"
    EN = "en"


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
LangOption = Annotated[Language, typer.Option("--lang", help="Language of messages and outputs / 提示与结果的语言")]
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
        typer.echo(f"geo {__version__}")
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


def _say(line: str) -> None:
    typer.echo(line)


def _fail(line: str) -> None:
    typer.echo(line, err=True)


def _faults(error: GeoError, given: object, lang: Language) -> int:
    """Print every fault of an input and return the exit status."""
    if not isinstance(error, InputFaultsError):
        _fail(f"  ✗ {error}")
        return UNUSABLE
    _fail(text("cli.faults", lang.value, given=given, count=len(error.faults)))
    for fault in error.faults:
        _fail(f"  ✗ {fault.text(lang.value)}")
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


def _read(study: str, data: list[Path] | None, *, out: Path | None = None) -> Study:
    """Return a study that can be written to its place; the faults of both are told together."""
    from geo.study import STUDY_FILE, read_study  # noqa: PLC0415 - keeps --help fast

    faults: list[Fault] = []
    read = None
    try:
        read = read_study(study, data=tuple(data or ()))
    except InputFaultsError as error:
        faults += error.faults
        if any(fault.message.key == "study.no_file" for fault in faults):
            faults += _studies_below(Path(study), STUDY_FILE)
    if out is not None:
        faults += _place_faults(out if read is None else out / read.head.id)
    if read is None or faults:
        raise InputFaultsError(faults)
    return read


def _studies_below(folder: Path, name: str) -> list[Fault]:
    """Return a hint at the studies that lie deeper than where somebody looked."""
    below = sorted(file.parent for depth in ("*", "*/*") for file in folder.glob(f"{depth}/{name}"))[:STUDIES_SHOWN]
    if not below:
        return []
    found = ", ".join(str(place) for place in below)
    return [Fault(str(folder), Message("cli.studies_below", {"found": found, "folder": folder}))]


def _place_faults(place: Path) -> list[Fault]:
    """Return why results cannot be written to a folder, before anything is computed."""
    nearest = next((folder for folder in (place, *place.absolute().parents) if folder.exists()), Path.cwd())
    if not nearest.is_dir():
        return [Fault(str(place), Message("cli.out_is_file", {"file": nearest}))]
    if not os.access(nearest, os.W_OK | os.X_OK):
        return [Fault(str(place), Message("cli.out_locked", {"folder": nearest}))]
    return []


@app.command(short_help="Compute a study: map, report, tables / 计算一个研究")
def run(
    study: StudyArgument,
    out: OutOption = Path("maps"),
    data: DataOption = None,
    combine: CombineOption = Combine.DISSOLVE,
    lang: LangOption = Language.ZH,
) -> None:
    """Compute coverage and gaps of a study, and write its map, workbook, tables and layers.

    计算一个研究的覆盖与缺口，写出地图、报表、表格与图层。

    \b
    geo run layers/yongchun
    geo run my-study --data D:/layers --out results --lang en
    """  # noqa: D301 - typer wants the sign itself
    from geo.pipeline import analyse  # noqa: PLC0415 - heavy libraries

    try:
        with _progress(lang) as progress:
            read = _read(study, data, out=out)
            analysis = analyse(read, combine=combine.value, progress=progress)
            progress(Message("run.write"), 0.97)
            folder = out / read.head.id
            analysis.write(folder, lang=lang.value)
    except GeoError as error:
        raise typer.Exit(_faults(error, study, lang)) from None
    for line in closing_lines(analysis, folder, lang):
        _say(line)


def _words(said: Message | str, lang: Language) -> str:
    return said.text(lang.value) if isinstance(said, Message) else said


def _label(found: Mapping[str, Any], lang: Language) -> str:
    return str(found["label"] if lang.value == "zh" else found["label_en"])


def closing_lines(analysis: Analysis, folder: Path, lang: Language) -> list[str]:
    """Return what was found: warnings, each service's coverage, three numbers, and where to look."""
    summary, study = analysis.summary, analysis.study
    mark = text("cli.synthetic", lang.value) if study.head.synthetic else ""
    title = {"name": study.head.name, "period": study.head.period, "date": study.last_day.isoformat()}
    timed = {code: found for code, found in summary["services"].items() if found["test"] == "minutes"}
    counts = [_count(found, lang) for found in summary["services"].values() if found["test"] != "minutes"]
    people = text("word.comma", lang.value).join(
        f"{text(f'word.{group}', lang.value)} {summary['people'][group]:,.0f}"
        for group in ("residents", "workers", "elders")
        if group in summary["people"]
    )
    numbers = {
        "people": people,
        "gaps": f"{sum(found['gaps'] for found in timed.values()):,}",
        "misplaced": f"{summary['misplaced_share']:.2%}",
    }
    return [
        text("cli.title", lang.value, mark=mark, **title),
        *(f"  ! {_words(warning, lang)}" for warning in (*summary["warnings"], *_unjudged(timed, lang))),
        *_coverage_lines(timed, lang),
        *counts,
        text("cli.numbers", lang.value, **numbers),
        text("cli.look", lang.value, page=folder / "map.html", report=folder / "report.xlsx"),
    ]


def _coverage_lines(timed: Mapping[str, Mapping[str, Any]], lang: Language) -> list[str]:
    """Return one line a service and group, with its basis, in columns."""
    words = subject("cli", lang.value)
    rows = []
    for found in timed.values():
        ring = text("cli.ring", lang.value, mode=_mode(found["mode"], lang), limit=f"{found['limit']:g}")
        start = [_label(found, lang), ring]
        gaps = f"{found['gaps']:,}"
        for group, numbers in found["groups"].items():
            missed = numbers["people_not_served"]
            rows.append(
                [
                    *start,
                    text(f"word.{group}", lang.value),
                    f"{numbers['people']:,.0f}",
                    _share(numbers, lang),
                    "—" if missed is None else f"{missed:,.0f}",
                    gaps,
                ]
            )
            start, gaps = ["", ""], ""
    if not rows:
        return []
    names = ("service", "ring", "group", "people", "share", "missed", "gaps")
    return _columns([[words[f"head_{name}"] for name in names], *rows], right=range(3, len(names)))


def _unjudged(timed: Mapping[str, Mapping[str, Any]], lang: Language) -> list[str]:
    """Return how many units cannot be judged and why, once for all services it holds for."""
    said: dict[tuple[int, str], list[str]] = {}
    for found in timed.values():
        for numbers in found["groups"].values():
            if number := numbers["units_not_assessed"]:
                services = said.setdefault(
                    (number, _words(numbers["note"], lang) if numbers["share"] is None else ""), []
                )
                services += [] if _label(found, lang) in services else [_label(found, lang)]
    comma, see = text("word.comma", lang.value), text("cli.see_note", lang.value)
    return [
        text("cli.unjudged", lang.value, services=comma.join(services), count=number, why=why or see)
        for (number, why), services in said.items()
    ]


def _share(numbers: Mapping[str, Any], lang: Language) -> str:
    share = numbers["share"]
    if share is None:
        return text("word.no_demand" if numbers["status"] == "no_demand" else "word.not_assessed", lang.value)
    shown = f"{share:.1%}"
    return "99.9%" if shown == "100.0%" and share < 1 else shown  # nobody who is left out is rounded away


def _count(found: Mapping[str, Any], lang: Language) -> str:
    """Return the line of a service that is not measured in minutes."""
    if found["test"] == "presence":
        kind = text(f"word.{found['unit_kind']}", lang.value)
        counts = {"units": found["units"], "having": found["units_with"]}
        return text("cli.presence", lang.value, service=_label(found, lang), kind=kind, **counts)
    return text("cli.inventory", lang.value, service=_label(found, lang), count=found["counted"])


def _columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Return rows as lines whose columns stand below each other, also where signs are two columns wide.

    Examples
    --------
    >>> _columns([["服务", "人数"], ["ab", "7"]], right=[1])
    ['  服务  人数', '  ab       7']
    """
    from rich.cells import cell_len  # noqa: PLC0415 - keeps --help fast

    widths = [max(cell_len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
            blank = " " * (width - cell_len(cell))
            cells.append(blank + cell if number in right else cell + blank)
        lines.append(f"  {'  '.join(cells)}".rstrip())
    return lines


def _mode(name: str, lang: Language) -> str:
    return subject("word", lang.value).get(name, name)


@app.command(short_help="Look at a study's data before computing / 检查输入数据")
def check(study: StudyArgument, data: DataOption = None, lang: LangOption = Language.ZH) -> None:
    """Say what was read, what was repaired, row by row, and what is doubtful; exit 1 if the study cannot run.

    检查输入数据：读了什么，逐行修复了什么，哪些可疑。研究不能运行时退出状态为 1。

    \b
    geo check my-study
    """  # noqa: D301 - typer wants the sign itself
    from geo.pipeline import rehearse  # noqa: PLC0415 - heavy libraries

    try:
        with _progress(lang) as progress:
            inputs, repairs = rehearse(_read(study, data), progress=progress)
    except GeoError as error:
        raise typer.Exit(_faults(error, study, lang)) from None
    told = [*repairs[["layer", "source", "row", "id", "action", "message"]].itertuples(index=False, name=None)]
    for line in (*_input_lines(inputs, lang), *_repair_lines(told, lang)):
        _say(line)
    given = " ".join([study, *(f"--data {place}" for place in data or ())])
    _say(text("cli.ready", lang.value, study=given))


def _input_lines(inputs: Inputs, lang: Language) -> list[str]:
    """Return what was read, one line a file."""
    words = subject("cli", lang.value)
    crs = inputs.layers.crs
    length_km = float(inputs.streets["length_m"].sum()) / 1000
    streets = text("cli.streets", lang.value, count=f"{len(inputs.streets):,}", km=f"{length_km:,.1f}")
    rows = []
    for item in inputs.layers.inputs:
        name = item["layer"]
        counted = ""
        if item["rows_read"] is not None:
            counts = {"read": item["rows_read"], "kept": item["rows_kept"], "repaired": item["rows_repaired"]}
            counted = text("cli.rows", lang.value, **counts)
        rows.append([words.get(f"layer_{name}", name), str(item["path"]), item["crs"] or "", counted])
    return [
        text("cli.crs", lang.value, crs=crs.to_string(), name=crs.name),
        words["read"],
        *_columns(rows),
        streets,
    ]


def _repair_lines(told: Sequence[tuple[Any, ...]], lang: Language) -> list[str]:
    """Return repairs and remarks, gathered by source, one line a row."""
    words = subject("cli", lang.value)
    if not told:
        return [words["no_repairs"]]
    lines = [text("cli.repairs", lang.value, count=len(told))]
    sources: dict[tuple[str, str], list[str]] = {}
    for layer, source, row, own_id, action, message in told:
        number = str(row)
        about = text("cli.at_row", lang.value, row=number) if number.isdigit() else ""
        about = about or (text("cli.at_id", lang.value, id=own_id) if own_id else "")
        mark = words[f"action_{action}"]
        line = text("cli.repair", lang.value, mark=mark, about=about, what=message.text(lang.value))
        sources.setdefault((layer, source), []).append(line)
    for (layer, source), said in sources.items():
        name = words.get(f"layer_{layer}", layer)
        lines += [text("cli.of_source", lang.value, source=source, layer=name) if source else f"  {name}", *said]
    return lines


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
    lang: LangOption = Language.ZH,
) -> None:
    """Compute every study below a folder and list them all in DIR/index.html; a failure does not stop the rest.

    批量计算文件夹下的所有研究，并在 DIR/index.html 中列出；一个失败不影响其余。
    """
    from geo.batch import run_all  # noqa: PLC0415 - heavy libraries

    def tell(outcome: Outcome, number: int, total: int) -> None:
        mark = "✓" if outcome.done else "✗"
        _say(f"[{number}/{total}] {mark} {outcome.label}")
        for line in outcome.lines:
            _say(f"    {line}")

    try:
        if faults := _place_faults(out):
            raise InputFaultsError(faults)
        outcomes, page = run_all(folder, out=out, data=tuple(data or ()), lang=lang.value, tell=tell)
    except GeoError as error:
        raise typer.Exit(_faults(error, folder, lang)) from None
    failed = sum(not outcome.done for outcome in outcomes)
    _say(text("cli.batch", lang.value, done=len(outcomes) - failed, failed=failed, page=page))
    if failed:
        raise typer.Exit(SOME_FAILED)


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


if __name__ == "__main__":
    main()

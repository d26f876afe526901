from __future__ import annotations

import os
import signal
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

import pytest
from small_county import everything_below, write_county

import geo
from geo.reports import beside

if TYPE_CHECKING:
    from pathlib import Path


def content_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in everything_below(folder) if (folder / name).is_file()}


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> geo.Analysis:
    return geo.analyse(write_county(tmp_path_factory.mktemp("world") / "town"))


def test_a_small_study_starts_no_process(analysis: geo.Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    with beside.writer(analysis.study) as pool:
        assert pool is None
    monkeypatch.setattr(beside, "_WORTH_BYTES", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with beside.writer(analysis.study) as pool:
        assert pool is None


@pytest.fixture
def worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_WORTH_BYTES", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


@pytest.mark.slow
@pytest.mark.usefixtures("worth_it")
def test_another_process_writes_the_same_bytes(
    tmp_path: Path, analysis: geo.Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [file.relative_to(tmp_path / "alone") for file in analysis.write(tmp_path / "alone")]
    monkeypatch.setattr(beside, "answer", lambda asked, *_, **__: asked.result())  # of the other process, or not at all
    with beside.writer(analysis.study) as pool:
        assert pool is not None
        together = [file.relative_to(tmp_path / "both") for file in analysis.write(tmp_path / "both", pool=pool)]
    assert alone == together
    assert content_of(tmp_path / "alone") == content_of(tmp_path / "both")


@pytest.mark.slow
@pytest.mark.usefixtures("worth_it")
def test_a_process_that_dies_leaves_its_work_to_this_one(tmp_path: Path, analysis: geo.Analysis) -> None:
    with beside.writer(analysis.study) as pool:
        assert pool is not None
        os.kill(pool.submit(os.getpid).result(), signal.SIGKILL)
        with pytest.raises(BrokenProcessPool):
            pool.submit(os.getpid).result()
        files = analysis.write(tmp_path / "out", pool=pool)
    assert "report.docx" in {file.name for file in files if file.is_file()}


@pytest.mark.slow
@pytest.mark.usefixtures("worth_it")
def test_what_fails_here_leaves_nothing_of_the_other_process(
    tmp_path: Path, analysis: geo.Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> str:
        raise MemoryError

    monkeypatch.setattr("geo.maps.map_page", failing)
    with beside.writer(analysis.study) as pool, pytest.raises(MemoryError):
        analysis.write(tmp_path / "out", pool=pool)
    assert everything_below(tmp_path) == []

"""Pictures hold the numbers of the tables; panel, HTML and bars say the same to everybody."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib import font_manager
from small_county import write_county

import geo
from geo import bars, plots, scenarios
from geo.errors import GeoValueError

if TYPE_CHECKING:
    from pathlib import Path

    from geo.analysis import Analysis

HOSTILE = "<script>alert(1)</script> $x^2$ {{7*7}}"
HAS_CJK = any(font.name in plots.CJK for font in font_manager.fontManager.ttflist)


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return geo.analyse(write_county(tmp_path_factory.mktemp("county")))


def words(figure: object) -> str:
    from matplotlib.text import Text  # noqa: PLC0415

    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.skipif(not HAS_CJK, reason="no Chinese font is installed")
@pytest.mark.parametrize("kind", plots.KINDS)
def test_a_picture_is_drawn_without_a_warning_and_says_its_basis(analysis: Analysis, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = analysis.plot(kind)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=40)
    assert file.getvalue().startswith(b"\x89PNG")
    for word in ("小县", "2026-12-31", "路网时间"):
        assert word in words(figure)
    again = io.BytesIO()
    analysis.plot(kind).savefig(again, format="png", dpi=40)
    assert again.getvalue() == file.getvalue()


def test_the_maps_bear_the_share_of_the_table(analysis: Analysis) -> None:
    share = geo.what_if(analysis, "gig_station").served()["share"]
    assert f"{share:.1%}" in words(analysis.plot("maps", lang="en"))


def test_what_is_not_assessed_is_told_from_what_is_not_served(analysis: Analysis) -> None:
    table = analysis.coverage.copy()
    community = analysis.units.loc[analysis.units["unit_kind"] == "community", "unit_id"].iloc[0]
    table.loc[(table["unit_kind"] == "community") & (table["unit_id"] == community), ["status", "share"]] = [
        "not_assessed",
        float("nan"),
    ]
    unknown = replace(analysis, coverage=table)
    for kind in ("maps", "matrix"):
        assert "not assessed" not in words(plots.plot(analysis, kind, lang="en"))
        assert "not assessed" in words(plots.plot(unknown, kind, lang="en"))
    shapes = plots._not_assessed(unknown, plots._rows(unknown, unknown.services["gig_station"]))
    assert shapes["unit_id"].tolist() == [community]


def test_the_curve_at_the_limit_is_the_coverage(analysis: Analysis) -> None:
    service = analysis.services["gig_station"]
    minutes, share = plots.reached_share(analysis.demand, service)
    at = share[np.searchsorted(minutes, service.limit, side="right") - 1]
    assert at == pytest.approx(geo.what_if(analysis, "gig_station").served()["share"])


def test_names_are_text(analysis: Analysis) -> None:
    units = analysis.units.assign(unit_name=HOSTILE)
    head = analysis.study.head.model_copy(update={"name": HOSTILE})
    study = analysis.study.model_copy(update={"head": head})
    hostile = replace(analysis, units=units, study=study, coverage=analysis.coverage.assign(unit_name=HOSTILE))
    assert hostile.plot("matrix", lang="en").get_size_inches()[0] > 0
    shown = hostile._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_wrong_kinds_and_services_are_told(analysis: Analysis) -> None:
    with pytest.raises(GeoValueError, match="maps, matrix, curve, gaps"):
        analysis.plot("pie")
    with pytest.raises(GeoValueError, match=r"'nix'.*gig_station"):
        analysis.plot("maps", services=["nix"])


def test_the_analysis_says_what_it_holds(analysis: Analysis) -> None:
    assert repr(analysis).startswith("<Analysis small 2026Q4:")
    shown = analysis._repr_html_()
    for word in ("小县", "零工驿站", "<code>.coverage</code>", "EPSG:"):
        assert word in shown


def test_every_change_of_a_control_reaches_map_and_table(analysis: Analysis) -> None:
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
    box = geo.panel(analysis, lang="en")
    service, mode, limit, speed = box.children[0].children
    headline, (picture, table) = box.children[1], box.children[2].children
    seen = set()
    for control, value in ((limit, 4.0), (speed, 3.0), (mode, "ebike"), (service, "canteen_elder")):
        control.value = value
        kmh = None if speed.value == (analysis.study.modes[mode.value].speed_kmh or 0) else speed.value
        found = geo.what_if(analysis, service.value, mode=mode.value, limit=limit.value, speed_kmh=kmh)
        counts = found.served()
        for place in (headline.value, picture.value):
            assert f"{counts['people_served']:,.0f} of {counts['people']:,.0f}" in place
        rows = found.coverage
        kinds = rows["unit_kind"].isin(["community", "study"])
        rows = rows[kinds & (rows["demand"] == found.service.demand[0])]
        rows = rows[rows["limit_minutes"] == limit.value]
        assert sorted(re.findall(r"(?<=>)[\d.]+%(?=</td>)", table.value)) == sorted(
            f"{share:.1%}" for share in rows["share"]
        )
        seen.add(headline.value)
    assert len(seen) == 4
    assert (mode.value, limit.value) == ("elder", 15.0), "another service brings its own mode and limit"


def test_what_a_control_does_not_touch_is_not_computed_again(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
    done: list[str] = []
    for name in ("reach", "minutes_at"):
        real = getattr(scenarios, name)
        monkeypatch.setattr(
            scenarios, name, lambda *a, _real=real, _name=name, **k: (done.append(_name), _real(*a, **k))[1]
        )
    box = geo.panel(analysis, lang="en")
    _, mode, limit, speed = box.children[0].children
    speed.value = 3.25  # a speed that nobody asked for before: one search
    done.clear()
    limit.value = 7.0
    assert done == ["minutes_at"], "another limit is a count, not a search"
    mode.value = "ebike"
    mode.value = "walk"
    done.clear()
    speed.value = 3.25
    limit.value = 15.0
    assert "reach" not in done, "what was asked before is known"


def test_a_question_that_cannot_be_answered_leaves_no_old_answer(analysis: Analysis) -> None:
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
    box = geo.panel(analysis, lang="en")
    limit = box.children[0].children[2]
    headline, (picture, table) = box.children[1], box.children[2].children
    limit.set_trait("min", -1.0)
    limit.value = -1.0
    assert "limit is -1.0" in headline.value
    assert (picture.value, table.value) == ("", "")
    limit.value = 5.0
    assert "geo-headline" in headline.value
    assert "<img" in picture.value
    assert "geo-table" in table.value


def test_no_bar_where_output_is_piped(tmp_path: Path) -> None:
    folder = write_county(tmp_path / "small")
    code = f"import geo; geo.analyse({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert not bars.in_notebook()

"""Service points: which type, whether it works, whether it is counted."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo import catalogue
from geo.layers.findings import called, listed, near_ones, shown, too_many
from geo.layers.headers import EMPTY_WORDS
from geo.layers.values import yes_no

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from geo.catalogue import ServiceType
    from geo.layers.findings import Findings
    from geo.study_file import LayerSource

MOBILE_TYPE = "mobile_service"
_WORKING = (
    "在用",
    "运行",
    "运行中",
    "运营",
    "运营中",
    "正常",
    "正常运行",
    "正常运营",
    "正常使用",
    "正常开放",
    "已建",
    "已建成",
    "建成",
    "启用",
    "已启用",
    "已投用",
    "投用",
    "投入使用",
    "已投入使用",
    "使用中",
    "开放",
    "开放中",
    "已开放",
    "营业",
    "营业中",
)
_WORKING_EN = ("open", "active", "working", "operating", "operational", "in use")
_PLANNED = (
    "在建",
    "规划",
    "规划中",
    "拟建",
    "待建",
    "筹建",
    "建设中",
    "施工中",
    "在建中",
    "planned",
    "proposed",
    "construction",
    "under construction",
)
_CLOSED = (
    *(
        "停用",
        "已停用",
        "关闭",
        "已关闭",
        "拆除",
        "已拆除",
        "停业",
        "已停业",
        "关停",
        "已关停",
        "撤销",
        "已撤销",
        "闲置",
    ),
    *("暂停", "closed", "demolished", "inactive"),
)
_UNSAID = EMPTY_WORDS - {"无", "空"}
STATES = {
    **dict.fromkeys((*_WORKING, *_WORKING_EN), "working"),
    **dict.fromkeys(_PLANNED, "planned"),
    **dict.fromkeys(_CLOSED, "closed"),
}


def typed(
    table: pd.DataFrame,
    source: LayerSource,
    findings: Findings,
    *,
    rows: NDArray[np.int64],
    types: Mapping[str, ServiceType],
) -> pd.DataFrame:
    """Return service points with `type`, `type_original`, `state`, `mobile` and whether they may be `counted`.

    `counted` here says nothing of the place: a point without geometry is taken out once that is known.
    """
    original = table["type"]
    codes = _codes(original, source, findings, rows=rows, types=types)
    known = codes != ""
    state = _states(table["status"], findings, rows=rows)
    yes, unclear = yes_no(table["mobile"])
    findings.rows(rows[unclear], "doubtful", "unclear_mobile", given=table["mobile"][unclear], column=called("mobile"))
    mobile = yes | (codes == MOBILE_TYPE)
    state = np.where(known, state, "doubtful")
    return table.assign(
        type=pd.Series(codes, index=table.index, dtype="str"),
        type_original=original,
        state=pd.Series(state, index=table.index, dtype="str"),
        mobile=mobile,
        counted=known & (state == "working") & ~mobile,
    )


def _codes(
    original: pd.Series[str],
    source: LayerSource,
    findings: Findings,
    *,
    rows: NDArray[np.int64],
    types: Mapping[str, ServiceType],
) -> NDArray[np.object_]:
    """Return catalogue codes, "" where a name is unknown or empty.

    A name that is not known is a fault, even in one row: the service would be missing from every number.
    Only where the layer asks for it (`unknown = "report"`) is it set aside. Rows that say nothing are
    set aside as long as they are few.
    """
    index = catalogue.name_index(types.values())
    by_text = {text: index.get(catalogue.fold(text), "") for text in original.unique()}
    codes = original.map(by_text).to_numpy(dtype=object)
    unknown = codes == ""
    has_no_column = any(fault.message.key == "layers.missing_column" for fault in findings.faults)
    if has_no_column or not unknown.any():
        return codes
    count = int(unknown.sum())
    names = list(dict.fromkeys(original[unknown]))
    near = {name: catalogue.suggest(name, list(types.values())) if name else [] for name in names[:200]}
    if source.unknown != "report" and (any(names) or too_many(count, len(rows))):
        given = listed(f"{shown(name) or '—'} → {listed(near.get(name, []))}" for name in names)
        findings.fault("unknown_type_many", rows=rows[unknown], given=given, n=count, of=len(rows))
        return codes
    for row, name in zip(rows[unknown], original[unknown], strict=True):
        key = "unknown_type" if name else "no_type"
        findings.row(row, "doubtful", key, given=shown(name), near=near_ones(near.get(name, [])), column=called("type"))
    return codes


def state_of(status: str) -> str:
    """Return working | planned | closed | doubtful; an empty status is working.

    Examples
    --------
    >>> state_of(""), state_of("在建"), state_of("?")
    ('working', 'planned', 'doubtful')
    """
    word = " ".join(unicodedata.normalize("NFKC", status).split()).casefold()
    return "working" if word in _UNSAID else STATES.get(word, "doubtful")


def _states(status: pd.Series[str], findings: Findings, *, rows: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the state of every row; what cannot be told is a finding."""
    states = status.map({text: state_of(text) for text in status.unique()}).to_numpy(dtype=object)
    doubtful = states == "doubtful"
    findings.rows(rows[doubtful], "doubtful", "unknown_status", given=status[doubtful], column=called("status"))
    return states

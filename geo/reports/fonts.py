"""Which font of this machine can write Chinese on a static map? Asked of what matplotlib knows."""

from __future__ import annotations

from functools import cache

from matplotlib import font_manager

# By preference; the font of the Latin letters stands before them in every list.
_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "SimHei",
    "DengXian",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "STHeiti",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "SimSun",
    "FangSong",
    "KaiTi",
    "Arial Unicode MS",
    "Noto Sans CJK JP",  # what matplotlib calls a collection of all of them
    "Noto Sans CJK TC",
    "Noto Sans CJK HK",
    "Noto Sans CJK KR",
    "Noto Serif CJK SC",
    "Noto Serif CJK JP",
)
LATIN = "DejaVu Sans"


@cache
def chinese() -> str | None:
    """Return the name of a font that has Chinese, None where this machine has none."""
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    return next((name for name in _CHINESE if name in known), None)


def families() -> list[str]:
    """Return the fonts for the text of a map, in the order in which they are asked for a sign."""
    found = chinese()
    return [LATIN] if found is None else [LATIN, found]

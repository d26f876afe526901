"""In which unit a header says that its people are counted: ones, thousands or tens of thousands (万)."""

from __future__ import annotations

import re
import unicodedata

# Behind a header, in brackets or after a stroke: 常住人口（万人）, 人口/千人, population (thousands).
_SAID = re.compile(
    r"(?:[(\[【〔]|[/_,:;-])(?:单位:?|in)?(?:(万|10k|tenthousand)|(千|thousands?))(?:人|个|people|persons)?[)\]】〕]?$"
    r"|(?:(万)|(千))人$"
)
# 单位：万人, but 填报单位 is an office.
_TITLE = re.compile(r"(?<!填报)(?<!报送)(?<!编制)(?<!制表)(?<!责任)单位:(?:(万)|(千))人(?![\u4e00-\u9fff])")
TEN_THOUSAND, THOUSAND = 10_000, 1_000
MOST_PEOPLE = 10_000_000  # of one unit: no community or park has more, so such a number is no number of 万


def _folded(text: object) -> str:
    return "".join(unicodedata.normalize("NFKC", str(text)).split()).casefold()


def _factor(found: re.Match[str] | None) -> int:
    if found is None:
        return 1
    ten_thousand = any(found.groups()[0::2])
    return TEN_THOUSAND if ten_thousand else THOUSAND


def header(text: object) -> int:
    """Return by what the numbers below a header are to be multiplied to be people.

    Examples
    --------
    >>> [header(text) for text in ("常住人口（万人）", "人口/千人", "老年人口万人", "population (10k)", "常住人口（人）")]
    [10000, 1000, 10000, 10000, 1]
    """
    return _factor(_SAID.search(_folded(text)))


def without(text: str) -> str:
    """Return a header that is already plain without the unit behind it.

    Examples
    --------
    >>> without("常住人口万人"), without("人口/万人"), without("万人")
    ('常住人口', '人口', '万人')
    """
    return _SAID.sub("", text) or text


def title(cells: list[str]) -> int:
    """Return the same of the cells above a header (单位：万人).

    Examples
    --------
    >>> title(["各社区人口表", "单位：万人"]), title(["单位：某局"])
    (10000, 1)
    """
    return max((_factor(_TITLE.search(_folded(cell))) for cell in cells), default=1)


def below(text: str) -> int:
    """Return the same of a cell right below a header that names a unit (万人).

    Examples
    --------
    >>> below("（万人）"), below("人")
    (10000, 1)
    """
    return header(f"/{_folded(text).strip('()')}")

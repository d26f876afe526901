"""What columns are called: Chinese and English headers, and which of them are personal."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from geo import schema
from geo.layers import counted_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Headers under which a yes means that a service does not move.
FIXED = ("固定", "是否固定")
# Per canonical column the headers that mean it, the surest first; compared after `plain`.
ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("id", "编号", "编码", "设施编码", "设施编号", "单元编码"),
    "name": ("name", "名称", "设施名称", "单元名称", "名字", "站点名称", "点位名称", "单位名称", "name_zh", "mc"),
    "type": ("type", "类型", "服务类型", "设施类型", "类别", "服务类别", "设施类别", "service", "service_type", "kind"),
    "population": (
        "population",
        "常住人口",
        "人口",
        "常住人口数",
        "人口数",
        "总人口",
        "人数",
        "居民",
        "居民数",
        "pop",
        "residents",
        "people",
    ),
    "elders": (
        "elders",
        "老年人口",
        "60岁以上",
        "60岁及以上",
        "60岁以上人口",
        "60岁及以上人口",
        "65岁以上",
        "65岁及以上",
        "老年人",
        "老人",
        "老人数",
        "老年人数",
        "elderly",
    ),
    "workers": (
        "workers",
        "职工人数",
        "职工",
        "职工数",
        "企业职工",
        "企业职工数",
        "员工人数",
        "员工",
        "员工数",
        "从业人员",
        "从业人数",
        "用工人数",
        "employees",
        "jobs",
    ),
    "capacity": ("capacity", "容量", "座位", "座位数", "餐位", "餐位数", "床位", "床位数", "桩数", "车位数", "seats"),
    "hours": ("hours", "开放时间", "营业时间", "服务时间", "opening_hours"),
    "status": ("status", "状态", "运营状态", "运行状态", "使用状态", "建设状态"),
    "mobile": (
        "mobile",
        "移动",
        "流动",
        "固定/流动",
        "固定/移动",
        "流动/固定",
        "移动/固定",
        "是否流动",
        "是否移动",
        *FIXED,
    ),
    "venue": ("venue", "场所编码", "场所编号", "所属场所", "场所", "venue_id"),
    "district": ("district", "片区", "所属片区", "片区名称", "片区编码", "district_id"),
    "town": (
        "town",
        "乡镇",
        "街道",
        "镇",
        "乡镇街道",
        "乡镇/街道",
        "乡镇、街道",
        "镇街",
        "镇(街道)",
        "所属乡镇",
        "所属街道",
        "township",
    ),
    "area": ("area", "区位", "区域类型", "城区/其他"),
    "unit_id": ("unit_id", "所属单元", "单元编号", "所属单元编码", "单元", "unit"),
    "lon": (
        "lon",
        "经度",
        "lng",
        "long",
        "longitude",
        "x",
        "x坐标",
        "坐标x",
        "东坐标",
        "横坐标",
        "东坐标y",
        "横坐标y",
        "东经",
        "经度坐标",
        "gps经度",
        "point_x",
        "xcoord",
        "easting",
    ),
    "lat": (
        "lat",
        "纬度",
        "latitude",
        "y",
        "y坐标",
        "坐标y",
        "北坐标",
        "纵坐标",
        "北坐标x",
        "纵坐标x",
        "北纬",
        "纬度坐标",
        "gps纬度",
        "point_y",
        "ycoord",
        "northing",
    ),
}
# Where a kind of layer means something else by a header.
OF_KIND: dict[str, dict[str, tuple[str, ...]]] = {
    "venue": {
        "id": ("id", "场所编码", "场所编号", "venue_id", *ALIASES["id"][1:]),
        "name": ("name", "场所名称", "场所", *ALIASES["name"][1:]),
    },
    "district": {
        "id": ("id", "片区编码", "片区编号", "district_id", *ALIASES["id"][1:]),
        "name": ("name", "片区名称", "片区", *ALIASES["name"][1:]),
    },
    "community": {
        "id": ("id", "社区编码", "社区编号", "村编码", *ALIASES["id"][1:]),
        "name": ("name", "社区名称", "社区", "村", "社区/村", "村社区", "村名", *ALIASES["name"][1:]),
    },
    "park": {
        "id": ("id", "园区编码", "园区编号", *ALIASES["id"][1:]),
        "name": ("name", "园区名称", "园区", *ALIASES["name"][1:]),
        "workers": (*ALIASES["workers"], "人数"),
        "population": tuple(alias for alias in ALIASES["population"] if alias != "人数"),
    },
    "factory": {
        "id": ("id", "厂区编码", "厂区编号", "企业编码", *ALIASES["id"][1:]),
        "name": ("name", "厂区名称", "企业名称", "厂区", "企业", *ALIASES["name"][1:]),
        "workers": (*ALIASES["workers"], "人数"),
        "population": tuple(alias for alias in ALIASES["population"] if alias != "人数"),
    },
    "gate": {
        "unit_id": (*ALIASES["unit_id"], "单元编码", "所属社区", "所属园区"),
        "id": tuple(alias for alias in ALIASES["id"] if alias != "单元编码"),
    },
    "street": {
        "name": ("name", "名称", "道路名称", "路名", "road_name", "street"),
        "highway": (
            *("highway", "道路等级", "fclass", "道路类型", "道路级别", "技术等级", "道路分类", "行政等级"),
            *("等级", "级别", "类型", "类别", "road_class", "roadclass"),
        ),
        "oneway": (
            *("oneway", "单行", "单行道", "是否单行", "是否单行道", "单行线", "单向", "是否单向", "单向通行"),
            *(
                "是否单向通行",
                "通行方向",
                "行驶方向",
                "行车方向",
                "单行方向",
                "车行方向",
                "one_way",
                "方向",
                "direction",
            ),
        ),
        "bridge": ("bridge", "桥", "桥梁", "是否桥梁", "高架", "是否高架"),
        "tunnel": ("tunnel", "隧道", "是否隧道", "地道", "下穿"),
        "layer": (
            *("layer", "层", "层级", "层次", "层高", "立交层次", "立交层", "高程层", "立交层级", "道路层次"),
            *("桥隧", "桥隧类型", "level", "zlevel", "z_level"),
        ),
        "status": (
            *("status", "状态", "建设状态", "道路状态", "建设情况", "通车状态", "通行状态", "使用状态", "现状/规划"),
        ),
    },
}
# Headers of streets that may mean something else, so that the values are looked at.
MANIFOLD = frozenset({"方向", "direction"})
# Headers of columns that hold a whole place, and of those that say in words where something is.
PAIRS = frozenset(
    {
        "经纬度",
        "经纬度坐标",
        "坐标",
        "坐标位置",
        "位置坐标",
        "地理坐标",
        "点位坐标",
        "gps坐标",
        "lonlat",
        "lnglat",
        "coordinate",
        "coordinates",
        "location",
        "wkt",
        "geom",
    }
)
ADDRESSES = frozenset(
    {"地址", "详细地址", "设施地址", "单位地址", "企业地址", "所在地", "地点", "位置", "具体位置", "address", "addr"}
)
# Headers that look like one of ours and mean something else.
_OTHERS = frozenset(
    {
        "所属社区",
        "所属园区",
        "社区名称",
        "园区名称",
        "企业名称",
        "厂区名称",
        "场所名称",
        "单元名称",
        "所属单元",
        "村名称",
    }
)
EMPTY_WORDS = frozenset({"", "-", "--", "—", "——", "/", "\\", "无", "空", "n/a", "na", "nan", "none", "null"})
SUM_WORDS = frozenset({"合计", "总计", "小计", "共计", "总和", "汇总", "total", "sum", "subtotal", "grandtotal"})

_ALIKE = 0.5
_NEARLY_SAME = 0.75
_SHORTEST = 3
_QUOTES = str.maketrans("", "", "\"'“”‘’「」『』《》〈〉`´·")
_PERSONAL_ZH = re.compile(
    r"电话|手机|身份证|证件号|联系人|联系方式|联系号码|负责人|姓名|微信|邮箱|法定代表人|经办人|填报人|户主|家庭住址"
    r"|法人(?!单位|机构|类型|性质|组织|企业|库|登记|证|编码|代码|名录)|站长(?!度)|店长|楼长|管理员|联络员|网格员"
)
_PERSONAL_EN = frozenset(
    """
    phone phones telephone tel mobilephone cellphone contact contacts email wechat qq idcard passport
    phonenumber mobilenumber contactperson
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】|〔[^〔〕]*〕")
_PHONE = re.compile(r"^(?:\+?86[- ]?)?(?:1[3-9]\d(?:[- ]?\d{4}){2}|0\d{2,3}[- ]?\d{7,8}|\+?\d[\d -]{8,14}\d)$")
_CITIZEN = re.compile(r"^[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]$")
_MOBILE_PHONE = re.compile(r"^(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}$")


def plain(header: object) -> str:
    """Return a header as it is compared: NFKC, without bracketed units, quotes, spaces and case.

    Examples
    --------
    >>> plain(" 常住人口（人） "), plain("乡镇（街道）"), plain("“ＬＯＮ”")
    ('常住人口', '乡镇', 'lon')
    """
    wide = unicodedata.normalize("NFKC", str(header)).translate(_QUOTES)
    bare = _BRACKETS.sub("", wide)
    return counted_in.without("".join((bare if bare.strip() else wide).split()).strip(":;*").casefold())


@cache
def aliases(kind: str) -> Mapping[str, tuple[str, ...]]:
    """Return the headers that mean each canonical column in a kind of layer."""
    own = OF_KIND.get(kind, {})
    if kind == "street":  # its own `type` and `id` columns mean nothing canonical
        return {name: tuple(map(plain, known)) for name, known in own.items()}
    return {name: tuple(map(plain, own.get(name, ALIASES[name]))) for name in ALIASES}


def known_headers(kind: str) -> frozenset[str]:
    """Return every header that means something in a kind of layer, plain."""
    every = (*aliases(kind).values(), aliases("").get("id", ()))
    return frozenset(alias for names in every for alias in names) | {"序号", "备注"} | PAIRS | ADDRESSES


def canonical_names(kind: str) -> tuple[str, ...]:
    """Return the canonical columns of a kind of layer."""
    if kind == "street":
        return ("id", *schema.STREET_TAGS, "layer", "status", "lon", "lat")
    return schema.LAYER_COLUMNS


def match(headers: Sequence[str], kind: str, *, named: Mapping[str, str], skip: Iterable[str] = ()) -> dict[str, str]:
    """Return header → canonical column; of several headers that mean one column the surest is taken.

    Parameters
    ----------
    headers
        As the file has them.
    kind
        Kind of layer.
    named
        What the study file says: canonical column → header.
    skip
        Canonical columns that are not wanted.

    Examples
    --------
    >>> match(["序号", "设施名称", "名称", "经度"], "service", named={})
    {'名称': 'name', '经度': 'lon'}
    """
    taken = {resolve(header, headers): name for name, header in named.items()}
    found: dict[str, str] = {header: name for header, name in taken.items() if header is not None}
    by_plain: dict[str, str] = {}
    for header in headers:
        by_plain.setdefault(plain(header), header)
    unwanted = {*skip, *named}
    for name, known in aliases(kind).items():
        if name in unwanted:
            continue
        matching = (by_plain[alias] for alias in known if alias in by_plain)
        surest = next((header for header in matching if header not in found), None)
        if surest is not None:
            found[surest] = name
    return {header: found[header] for header in headers if header in found}


def resolve(wanted: str, headers: Sequence[str]) -> str | None:
    """Return the header that a study file names: the very one, else the one that reads the same."""
    if wanted in headers:
        return wanted
    return next((header for header in headers if plain(header) == plain(wanted)), None)


def near(wanted: str, headers: Sequence[str]) -> list[str]:
    """Return the headers that look most like one that is not there."""
    found = difflib.get_close_matches(plain(wanted), [plain(header) for header in headers], n=3, cutoff=0.4)
    return [next(header for header in headers if plain(header) == match) for match in found]


def is_personal(header: str) -> bool:
    """Say whether a header names personal data.

    Examples
    --------
    >>> [is_personal(header) for header in ("联系电话", "contact_person", "mobile", "牵头单位")]
    [True, True, False, False]
    """
    text = plain(header)
    words = re.split(r"[^a-z]+", text)
    joined = "".join(words)
    return bool(_PERSONAL_ZH.search(text)) or joined in _PERSONAL_EN or bool(_PERSONAL_EN & set(words))


def hold_phones(texts: Iterable[str], *, strictly: bool = False) -> bool:
    """Say whether at least half of some texts are telephone or identity-card numbers.

    Parameters
    ----------
    texts
        Values of a column; empty ones do not count.
    strictly
        Only mobile telephones and identity cards: for columns of any name, where other numbers are common.
    """
    counts = Counter(texts)  # a column has few different texts
    filled = {text: count for text, count in counts.items() if text and text.strip()}
    pattern = _MOBILE_PHONE if strictly else _PHONE
    hits = sum(count for text, count in filled.items() if pattern.match(text.strip()) or _CITIZEN.match(text.strip()))
    return bool(filled) and hits * 2 >= sum(filled.values())


def near_meaning(name: str, headers: Sequence[str], kind: str) -> list[str]:
    """Return the headers that may mean a canonical column which was not found, best first.

    Examples
    --------
    >>> near_meaning("type", ["名称", "服务的类型", "备注"], "service")
    ['服务的类型']
    """
    known = aliases(kind).get(name, (plain(name),))
    scored = [
        (max(difflib.SequenceMatcher(None, plain(header), alias).ratio() for alias in known), -number, header)
        for number, header in enumerate(headers)
    ]
    return [header for score, _, header in sorted(scored, reverse=True) if score >= _ALIKE][:3]


def nearly(header: str, kind: str, *, among: Iterable[str]) -> str | None:
    """Return the canonical column that an unknown header is probably a misspelling of; None for none.

    Parameters
    ----------
    header
        As the file has it.
    kind
        Kind of layer.
    among
        Canonical columns that the file has not.

    Examples
    --------
    >>> nearly("运营状况", "service", among=["status", "hours"]), nearly("备注", "service", among=["status"])
    ('status', None)
    """
    text = plain(header)
    if len(text) < _SHORTEST or text in known_headers(kind) | _OTHERS:
        return None
    known = aliases(kind)
    scored = [
        (difflib.SequenceMatcher(None, text, alias).ratio(), name)
        for name in among
        for alias in known.get(name, ())
        if len(alias) >= _SHORTEST
    ]
    score, name = max(scored, default=(0.0, ""))
    return name if score >= _NEARLY_SAME else None

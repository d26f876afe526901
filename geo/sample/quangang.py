"""The plan of the sample study quangang: villages far apart between hills and sea, ten 片区 that are lists of villages."""

from __future__ import annotations

from geo.sample.recipe import Community, District, Park, Recipe, River, Road, Service, Town

_NORTH, _MIDDLE, _SOUTH = "涂山示例镇", "前洋示例镇", "后湾示例镇"
_TOWN_OF = {
    "D01": _NORTH,
    "D02": _NORTH,
    "D03": _NORTH,
    "D04": _MIDDLE,
    "D05": _MIDDLE,
    "D06": _MIDDLE,
    "D07": _SOUTH,
    "D08": _SOUTH,
    "D09": _SOUTH,
    "D10": _SOUTH,
}

# name, east and north (km), people, 片区 (several joined with ";")
_VILLAGES = (
    ("前村", 7.0, 6.35, 3300, "D05;D06"),
    ("后埔村", 5.4, 5.9, 2600, "D05"),
    ("南洋村", 3.2, 4.75, 2100, "D04"),
    ("西坂村", 0.9, 3.75, 1700, "D04"),
    ("三柱村", 8.7, 7.7, 2900, "D06"),
    ("东岭村", 10.2, 9.5, 2300, "D03;D06"),
    ("石厝村", 11.3, 8.3, 1900, "D03"),
    ("坝头村", 11.0, 6.2, 2800, "D07"),
    ("盐田村", 12.3, 5.9, 1800, "D07"),
    ("湾尾村", 11.0, 4.2, 4600, "D08"),
    ("沙格角村", 12.4, 3.9, 2200, "D08"),
    ("东沙村", 10.4, 2.5, 3100, "D08;D09"),
    ("屿仔村", 11.5, 1.3, 1500, "D09"),
    ("南埕村", 10.0, 0.5, 1800, "D09"),
    ("下朱村", 8.6, 4.1, 2700, "D07"),
    ("田里村", 7.0, 4.4, 2000, "D05"),
    ("柳厝村", 8.9, 5.6, 1700, "D06;D07"),
    ("竹坑村", 5.0, 3.9, 1300, "D04"),
    ("樟脚村", 3.6, 2.7, 1600, "D10"),
    ("溪西村", 4.8, 1.1, 1900, "D10"),
    ("坑内村", 2.0, 1.7, 700, "D10"),
    ("白岩村", 6.7, 2.5, 1000, "D10"),
    ("大路村", 8.3, 1.9, 1400, "D09"),
    ("上宅村", 7.6, 0.4, 900, "D10"),
    ("岭下村", 4.5, 7.4, 1500, "D02"),
    ("黄田村", 3.5, 9.0, 1600, "D01"),
    ("涂山村", 2.9, 10.2, 3800, "D01"),
    ("汶阳村", 1.2, 9.4, 800, "D01"),
    ("寨后村", 1.5, 7.2, 900, "D02"),
    ("高厝村", 0.9, 5.5, 800, "D02;D04"),
    ("樟山村", 5.6, 9.1, 700, "D02"),
    ("小坝村", 7.1, 9.3, 900, "D03"),
    ("路口村", 8.6, 10.1, 1200, "D03"),
    ("陈岭村", 5.2, 10.4, 500, "D01"),
    ("天竺村", 2.9, 6.0, 500, "D02"),
    ("虎岩村", 6.4, 7.9, 600, "D06"),
)
_POINTS = ("天竺村", "虎岩村")
_ON_ROADS = (
    "前村",
    "后埔村",
    "南洋村",
    "西坂村",
    "三柱村",
    "东岭村",
    "石厝村",
    "坝头村",
    "湾尾村",
    "东沙村",
    "南埕村",
    "下朱村",
    "樟脚村",
    "溪西村",
    "岭下村",
    "黄田村",
    "涂山村",
    "田里村",
)

_ROADS = (
    Road(
        "示例国道",
        "primary",
        ((-2.3, 2.2), (0.5, 3.4), (3.0, 4.9), (5.2, 5.7), (7.2, 6.5), (9.0, 8.1), (10.5, 9.9), (11.6, 13.3)),
        cross=True,
        ref="G示例",
    ),
    Road(
        "示例滨海路",
        "secondary",
        ((9.6, -2.3), (10.1, 0.6), (10.35, 2.6), (10.9, 4.4), (11.2, 6.2), (11.35, 8.2), (10.5, 9.9)),
        cross=True,
    ),
    Road("示例中线路", "tertiary", ((5.2, 5.7), (6.9, 4.5), (8.7, 4.0), (10.9, 4.2)), cross=True),
    Road("示例西线路", "tertiary", ((3.0, 4.9), (3.5, 3.0), (4.8, 1.2), (6.1, -2.2)), cross=True),
    Road("示例涂山路", "tertiary", ((5.2, 5.7), (4.6, 7.4), (3.4, 9.2), (2.8, 10.6), (2.6, 13.2)), cross=True),
)


VALLEY_PEOPLE = 1650


def _town(name: str, east: float, north: float, people: int) -> Town:
    size = 0.13 + 0.0052 * people**0.5
    return Town(
        f"示例{name}",
        (east, north),
        (size, 0.78 * size),
        people,
        (37.0 * east + 53.0 * north) % 180,
        0.9,
        linked=name not in _ON_ROADS,
        flat=people > VALLEY_PEOPLE,
    )


def _community(number: int, name: str, at: tuple[float, float], district: str) -> Community:
    return Community(
        f"C{number:02d}",
        f"示例{name}",
        at,
        _TOWN_OF[district.split(";", maxsplit=1)[0]],
        "core" if name in {"湾尾村", "涂山村", "前村"} else "elsewhere",
        district,
        name in _POINTS,
    )


_COMMUNITIES = tuple(
    _community(number, name, (east, north), district)
    for number, (name, east, north, _, district) in enumerate(_VILLAGES, start=1)
)
_ID = {community.name.removeprefix("示例"): community.id for community in _COMMUNITIES}


def _ids(names: str) -> tuple[str, ...]:
    return tuple(_ID[name] for name in names.split())


_PARKS = (
    Park("P1", "前洋示例产业园", (7.3, 7.55), (0.68, 0.45), 16, 2, 40.0, "D06"),
    Park("P2", "滨海示例仓储园", (12.25, 7.2), (0.6, 0.5), 12, 2, 4.0, "D07"),
)

_DISTRICTS = tuple(
    District(f"D{number:02d}", f"{name}示例片区联合党委", drawn=False)
    for number, name in enumerate(
        ("涂山", "岭下", "东岭", "西坂", "后埔", "前洋", "坝头", "湾尾", "东沙", "溪西"), start=1
    )
)

_RIGHTS = _ids(
    "前村 后埔村 南洋村 三柱村 东岭村 坝头村 湾尾村 东沙村 下朱村 涂山村 溪西村 黄田村 石厝村 盐田村 南埕村 田里村"
)

_SERVICES = (
    Service(
        ("维权联系点", "新就业形态劳动者维权服务站", "邻里会客厅"),
        "维权联系点",
        (*_RIGHTS, "P1", "P1", "P2", "road:示例国道", "road:示例国道", "road:示例滨海路", "road:示例滨海路"),
        hosted="hall",
        status=("在用", "运行", ""),
    ),
    Service(("暖“新”驿站",), "暖新驿站", (f"road:示例国道@{_ID['前村']}",), capacity=(24, 24), hours="00:00-24:00"),
    Service(
        ("暖新驿站", "司机之家"), "暖新驿站", (*_ids("三柱村 湾尾村"), "P2"), capacity=(8, 20), hours="00:00-24:00"
    ),
    Service(
        ("零工驿站", "零工市场"),
        "零工驿站",
        (*_ids("前村 湾尾村 涂山村 东沙村"), "P1"),
        hosted="hall",
        hours="08:30-17:30",
    ),
    Service(
        ("充电桩", "公共充电桩"),
        "充电桩",
        (
            *_ids("前村 三柱村 湾尾村 坝头村 东沙村 涂山村 后埔村 下朱村"),
            "P1",
            "P2",
            "road:示例国道",
            "road:示例滨海路",
        ),
        capacity=(2, 16),
        hours="00:00-24:00",
    ),
    Service(
        ("长者食堂", "老年食堂", "助餐点"),
        "长者食堂",
        _ids("前村 南洋村 三柱村 湾尾村 东沙村 涂山村 下朱村 溪西村 坝头村 黄田村"),
        hosted="hall",
        capacity=(30, 80),
        hours="11:00-12:30",
    ),
    Service(
        ("“党建+”邻里中心", "邻里中心"),
        "邻里中心",
        _ids("前村 湾尾村 涂山村 东沙村 坝头村"),
        hosted="hall",
        capacity=(120, 260),
    ),
    Service(
        ("社区卫生服务", "卫生站"),
        "卫生站",
        _ids("前村 南洋村 东岭村 湾尾村 东沙村 涂山村 溪西村 下朱村 岭下村 大路村"),
    ),
    Service(
        ("睦邻驿站", "邻里驿站"),
        "睦邻驿站",
        _ids("前村 后埔村 三柱村 坝头村 湾尾村 东沙村 下朱村 涂山村 溪西村 黄田村 南洋村 南埕村"),
        hosted="hall",
    ),
    Service(("友好修车点", "修车点"), "友好修车点", ("road:示例国道", *_ids("三柱村 湾尾村"))),
    Service(("物流停车位",), "物流停车位", (*_ids("三柱村"), "P2"), capacity=(20, 60)),
    Service(("零工驿站",), "零工驿站（筹建）", _ids("坝头村"), status=("在建",)),
    Service(("长者食堂",), "长者食堂（二期）", _ids("寨后村 白岩村"), status=("规划",)),
    Service(("充电桩",), "充电桩（旧）", _ids("溪西村"), status=("停用",)),
    Service(("维权下乡", "流动服务"), "维权流动服务车", _ids("天竺村 陈岭村"), hours="周四 09:00-11:00"),
)

_VENUES = tuple((unit, "村级活动中心") for unit in _RIGHTS) + tuple((park.id, "园区服务中心") for park in _PARKS)

QUANGANG = Recipe(
    id="quangang",
    name="泉港区（示例）",
    code="350505",
    crs="EPSG:4549",
    seed=350505,
    lonlat=(118.90, 25.13),
    size_km=(14.0, 11.0),
    roads=_ROADS,
    towns=tuple(_town(*village[:4]) for village in _VILLAGES),
    parks=_PARKS,
    communities=_COMMUNITIES,
    districts=_DISTRICTS,
    services=_SERVICES,
    venues=_VENUES,
    outside_factories=14,
    rivers=(
        River(
            ((1.0, 13.2), (2.0, 10.6), (2.3, 8.6), (3.4, 7.2), (5.6, 6.6), (7.4, 5.5), (9.8, 5.1), (13.4, 5.2)), 36.0
        ),
    ),
    sea_km=(
        (12.2, -2.6),
        (12.5, 0.5),
        (12.1, 2.0),
        (12.9, 3.3),
        (13.5, 4.4),
        (13.0, 5.5),
        (13.5, 7.4),
        (13.1, 9.4),
        (13.9, 13.4),
        (17.0, 14.8),
        (19.5, 11.0),
        (20.0, 5.0),
        (19.0, -1.0),
        (15.5, -5.0),
        (12.8, -4.4),
    ),
    links_km=(((4.5, 7.4), (6.9, 9.2)), ((6.7, 2.5), (8.3, 1.9)), ((1.2, 9.4), (1.5, 7.2))),
    wild_km=((0.3, 0.6), (12.3, 10.4)),
    river_top_m=60.0,
    river_fall=0.0045,
    relief_m=360.0,
    valley_m=380.0,
    raster=False,
    service_crs="gcj02",
    toml_notes=(
        "# 服务设施坐标取自 GCJ-02（高德等地图），道路为 WGS 84，由 geo 换算。",
        "# 乡村还看电动自行车圈：",
        "# [services.gig_station]",
        '# also = [{ mode = "ebike", limit = 15 }]',
    ),
)

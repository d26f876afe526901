"""The plan of the sample study nanan: a town on a river, a railway through it, a bay; few venues with many services."""

from __future__ import annotations

from geo.sample.recipe import Community, District, Park, Recipe, River, Road, Service, Town

_CITY, _WEST, _COAST = "露江示例街道", "鼎诚示例镇", "水头示例镇"

_RIVERS = (
    River(
        (
            (-2.4, 8.75),
            (0.5, 8.2),
            (2.6, 7.2),
            (4.6, 6.85),
            (6.4, 5.95),
            (8.2, 5.35),
            (9.6, 4.3),
            (11.2, 3.4),
            (12.7, 1.9),
        ),
        120.0,
    ),
    River(((3.4, -2.3), (3.1, 0.6), (2.7, 2.6), (1.2, 4.3), (1.6, 6.1), (2.5, 7.2)), 26.0),
)

_SEA = (
    (8.6, -2.6),
    (9.4, -0.6),
    (10.6, 0.9),
    (12.0, 1.55),
    (12.8, 2.4),
    (13.9, 2.3),
    (14.9, 3.2),
    (16.2, 3.5),
    (17.2, 4.7),
    (18.8, 6.2),
    (21.0, 6.0),
    (23.0, 2.0),
    (21.5, -3.5),
    (15.0, -6.0),
    (10.0, -5.0),
)

_ROADS = (
    Road(
        "示例国道",
        "trunk",
        (
            (-2.3, 9.55),
            (0.3, 9.15),
            (2.7, 8.25),
            (4.7, 7.6),
            (6.5, 7.05),
            (8.6, 6.3),
            (10.3, 5.5),
            (12.2, 4.95),
            (13.6, 4.75),
            (15.4, 5.35),
            (18.3, 7.0),
        ),
        cross=True,
        ref="G示例",
    ),
    Road(
        "示例滨海路",
        "primary",
        (
            (7.5, -2.3),
            (8.1, 0.2),
            (8.6, 2.2),
            (8.1, 3.7),
            (7.5, 4.8),
            (7.4, 5.7),
            (7.25, 6.8),
            (7.0, 8.2),
            (7.4, 9.8),
            (8.2, 13.2),
        ),
        cross=True,
    ),
    Road(
        "示例南岸路",
        "secondary",
        ((-2.3, 5.7), (0.5, 5.5), (3.2, 5.2), (5.4, 4.75), (7.5, 4.8), (8.7, 4.0), (9.7, 3.0), (10.0, 2.2)),
        cross=True,
    ),
    Road("示例海口路", "secondary", ((9.75, 2.9), (10.4, 3.7), (11.1, 4.4), (11.6, 5.1)), cross=True),
    Road("示例西桥路", "secondary", ((3.3, 9.2), (3.35, 8.1), (3.4, 7.0), (3.3, 5.15)), cross=True),
    Road("示例北门路", "tertiary", ((5.5, 7.3), (5.45, 8.2), (5.6, 9.0), (6.3, 9.6), (7.55, 9.6)), cross=True),
    Road("示例环湾路", "tertiary", ((11.7, 5.05), (11.9, 3.9), (12.6, 3.1), (13.7, 2.9), (14.5, 3.6), (14.6, 5.0))),
    Road("示例步行桥", "footway", ((5.5, 7.2), (5.5, 6.5), (5.6, 5.6), (5.6, 4.75)), cross=True),
)

_TOWNS = (
    Town(_CITY, (6.3, 7.3), (1.5, 0.9), 29000, -14.0, 0.22, (105.0, 120.0), linked=False, flat=True),
    Town("示例北门片", (6.3, 8.9), (0.95, 0.55), 7400, -14.0, 0.4, (100.0, 110.0), linked=False, flat=True),
    Town("示例江滨片", (6.2, 4.85), (1.3, 0.55), 10500, -8.0, 0.5, (100.0, 110.0), linked=False, flat=True),
    Town(_WEST, (2.9, 8.3), (0.9, 0.65), 10500, -18.0, 0.9, (88.0, 98.0), linked=False, flat=True),
    Town(_COAST, (13.0, 4.0), (1.15, 0.85), 17000, 14.0, 1.2, (85.0, 95.0), linked=False, flat=True),
    Town("示例东村", (10.6, 7.4), (0.42, 0.32), 2400, 20.0, 0.9, flat=True),
    Town("示例坂头村", (14.8, 7.4), (0.38, 0.32), 2100, 40.0, 1.0),
    Town("示例海边村", (9.2, 1.9), (0.42, 0.36), 2700, 70.0, 0.9, linked=False, flat=True),
    Town("示例田中村", (2.2, 5.25), (0.42, 0.3), 2300, 0.0, 0.9, linked=False, flat=True),
    Town("示例后山村", (10.9, 9.6), (0.3, 0.26), 1300, 30.0, 1.3),
    Town("示例岭尾村", (12.8, 9.3), (0.2, 0.18), 420, 30.0, 1.3),
    Town("示例西山村", (0.9, 2.4), (0.24, 0.2), 520, 30.0, 1.3),
    Town("示例南埕村", (5.4, 1.8), (0.28, 0.22), 800, 30.0, 1.2),
    Town("示例邻市村", (-1.3, 9.35), (0.35, 0.25), 1200, 170.0, 1.0, linked=False, flat=True),
)

_PARKS = (
    Park("P1", "露江示例工业区", (9.6, 6.55), (0.75, 0.42), 15, 3, -24.0),
    Park("P2", "鼎诚示例工业园", (1.75, 9.45), (0.8, 0.5), 13, 3, -14.0),
    Park("P3", "水头示例滨海片区", (15.35, 4.4), (0.85, 0.5), 12, 2, 12.0, "D7"),
    Park("P4", "北山示例产业园", (4.45, 9.75), (0.6, 0.42), 7, 2, -10.0),
    Park("P5", "南岸示例石材园", (3.8, 4.35), (0.6, 0.42), 6, 2, -10.0, "D8"),
)

_COMMUNITIES = (
    Community("C01", "示例西门社区", (5.3, 7.7), _CITY, "core"),
    Community("C02", "示例中心社区", (6.5, 7.3), _CITY, "core"),
    Community("C03", "示例东门社区", (7.6, 6.8), _CITY, "core"),
    Community("C04", "示例北门社区", (6.4, 9.0), _CITY, "core"),
    Community("C05", "示例江滨社区", (5.3, 4.9), _CITY, "core"),
    Community("C06", "示例江南社区", (7.2, 4.6), _CITY, "core"),
    Community("C07", "示例鼎诚社区", (2.8, 8.5), _WEST, "core"),
    Community("C08", "示例水头社区", (12.3, 4.2), _COAST, "core", "D7"),
    Community("C09", "示例湾边社区", (13.8, 4.0), _COAST, "core", "D7"),
    Community("C10", "示例东村社区", (10.6, 7.4), _CITY),
    Community("C11", "示例坂头社区", (14.6, 7.4), _COAST, "elsewhere", "D7"),
    Community("C12", "示例海边社区", (9.2, 1.9), _COAST),
    Community("C13", "示例田中社区", (2.2, 5.1), _WEST, "elsewhere", "D8"),
    Community("C14", "示例后山社区", (11.0, 9.4), _CITY),
)

_DISTRICTS = (
    District("D1", "露江示例片区", ("C02", "C03", "P1")),
    District("D2", "西门示例片区", ("C01", "C02")),
    District("D3", "北门示例片区", ("C04", "P4")),
    District("D4", "江滨示例片区", ("C05", "C06")),
    District("D5", "鼎诚示例片区", ("C07", "P2")),
    District("D6", "东山示例片区", ("C10", "C14", "P1")),
    District("D7", "水头示例片区", ("C08", "C09", "C11", "P3"), drawn=False),
    District("D8", "田中示例片区", ("C13", "P5"), drawn=False),
)

_EVERY = tuple(community.id for community in _COMMUNITIES)
_INDUSTRY = tuple(park.id for park in _PARKS)

_SERVICES = (
    Service(
        ("零工驿站", "零工市场", "零工站"),
        "零工驿站",
        (*_EVERY, *_INDUSTRY),
        hosted="hall",
        hours="08:30-17:30",
        status=("在用", "运行"),
    ),
    Service(("党群服务中心", "党群阵地"), "党群服务中心", (*_EVERY, *_INDUSTRY), hosted="hall"),
    Service(("睦邻驿站", "邻里驿站"), "睦邻驿站", _EVERY, hosted="hall"),
    Service(("亲清茶室", "企业茶室"), "亲清茶室", _INDUSTRY, hosted="hall"),
    Service(
        ("共享食堂",),
        "共享食堂",
        ("P1", "P2", "P3", "C02"),
        hosted="any",
        capacity=(160, 380),
        hours="11:00-13:00;17:00-19:00",
    ),
    Service(("充电站",), "充电站", ("P2",), hosted="any", capacity=(12, 12), hours="00:00-24:00"),
    Service(("共享仓",), "共享仓", ("P2",), hosted="any", capacity=(900, 900)),
    Service(("共享堆场",), "共享堆场", ("P3",), hosted="any", capacity=(1500, 1500)),
    Service(
        ("充电桩", "公共充电桩"),
        "充电桩",
        ("P3", "P1", "C01", "C02", "C03", "C07", "C08"),
        hosted="any",
        capacity=(4, 20),
        hours="00:00-24:00",
    ),
    Service(
        ("邻里中心", "“党建+”邻里中心"),
        "邻里中心",
        ("C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09"),
        hosted="any",
        capacity=(150, 400),
    ),
    Service(
        ("共享托管服务中心", "四点半课堂"),
        "共享托管服务中心",
        ("C01", "C02", "C03", "C04", "C05", "C07", "C08", "C09"),
        hosted="any",
        capacity=(30, 90),
        hours="16:30-20:00",
    ),
    Service(
        ("长者食堂", "老年食堂", "厝边灶"),
        "长者食堂",
        _EVERY[:13],
        hosted="hall",
        capacity=(40, 120),
        hours="11:00-12:30",
    ),
    Service(
        ("暖新驿站", "暖“新”驿站", "骑手驿站"),
        "暖新驿站",
        ("C01", "C02", "C03", "C06", "C07", "C08", "P1", "P3"),
        hosted="any",
        capacity=(8, 30),
        hours="00:00-24:00",
    ),
    Service(("园区政务服务平台", "便民服务点"), "便民服务点", (*_INDUSTRY, "C02"), hosted="hall"),
    Service(("居家养老服务站", "日间照料"), "居家养老服务站", _EVERY[:10], hosted="hall", capacity=(10, 40)),
    Service(("社区卫生服务", "卫生站"), "卫生站", (*_EVERY[:11], "C12"), hosted="any"),
    Service(("邻里夜市", "夜市"), "邻里夜市", ("C02", "C05", "C08"), hosted="any", hours="18:00-23:00"),
    Service(("人才之家", "技能培训共建基地"), "人才之家", ("P1", "P2", "C02"), hosted="any"),
    Service(
        ("联盟商家", "友好商家"),
        "友好商家",
        ("C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09", "C10", "C12"),
        hosted="any",
    ),
    Service(("邻里中心",), "邻里中心（新址）", ("C12",), status=("在建",), capacity=(200, 200)),
    Service(("共享食堂",), "共享食堂（二期）", ("P4",), status=("规划",), capacity=(300, 300)),
    Service(("充电桩",), "充电桩（旧）", ("C05",), status=("停用",)),
    Service(("长者食堂",), "长者食堂（核实中）", ("C14",), status=("待核实",)),
    Service(("大篷车",), "便民大篷车", ("C11",), hours="周二 09:00-11:00"),
)

_VENUES = (
    *((unit, "党群活动中心") for unit in _EVERY),
    *((unit, "园区服务中心") for unit in _INDUSTRY),
    *((unit, "邻里综合楼") for unit in ("C01", "C02", "C03", "C05", "C07", "C08", "C09")),
    ("P2", "闲置厂房"),
    ("P3", "共享货场"),
)

NANAN = Recipe(
    id="nanan",
    name="南安市（示例）",
    code="350583",
    crs="EPSG:4548",
    seed=350583,
    lonlat=(118.39, 24.96),
    size_km=(16.0, 11.0),
    roads=_ROADS,
    towns=_TOWNS,
    parks=_PARKS,
    communities=_COMMUNITIES,
    districts=_DISTRICTS,
    services=_SERVICES,
    venues=_VENUES,
    outside_factories=7,
    rivers=_RIVERS,
    sea_km=_SEA,
    wild_km=((0.6, 2.2), (5.0, 2.0), (14.0, 9.6), (0.2, 7.0), (0.6, 10.6), (8.8, 10.6)),
    rail_km=((-2.4, 11.3), (1.5, 10.7), (4.1, 9.0), (6.4, 8.15), (8.8, 7.35), (11.0, 6.35), (13.5, 6.05), (18.4, 8.4)),
    roundabout_km=(7.2, 6.9),
    links_km=(((9.2, 1.9), (10.0, 2.3)), ((12.8, 9.3), (14.8, 7.4)), ((5.4, 1.8), (3.3, 4.0))),
    river_top_m=46.0,
    river_fall=0.0026,
    relief_m=380.0,
    dem_crs="EPSG:4326",
    service_encoding="gb18030",
)

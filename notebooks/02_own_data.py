# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 自己的数据 · Your own data
#
# 手里有两份从网上地图导出的数据：一份是全县的服务设施，坐标是高德的（GCJ-02），文件里却没有说；
# 一份是抄下来的早餐点，有重复行，有空坐标，还是一种目录里没有的服务。
# 这一本把它们变成一个可以算的研究。示例数据，虚构地点。

# %%
import shutil
import tempfile
from pathlib import Path

import geopandas as gpd
import pandas as pd

import geo
from geo import crs

folder = Path(tempfile.mkdtemp()) / "my-county"
shutil.copytree("../layers/yongchun", folder)
study_file = folder / "study.toml"
text = study_file.read_text(encoding="utf-8")
points_line = 'service_points = { path = "service_points.csv", crs = "EPSG:4326" }'

# %% [markdown]
# ## Are these coordinates shifted?
#
# 这里故意把全县设施挪到 GCJ-02（约五百米），存成 GeoJSON——这种格式默认是 WGS 84，谁也看不出来。

# %%
stations = pd.read_csv(folder / "service_points.csv", dtype={"设施编码": str})
shifted = gpd.points_from_xy(*crs.to_gcj02(stations.pop("经度"), stations.pop("纬度")))
gpd.GeoDataFrame(stations, geometry=shifted, crs=4326).to_file(folder / "stations.geojson")


def analyse_with(service_points: str, more: str = "") -> geo.Analysis:
    """Name another layer of service points in study.toml, and compute."""
    study_file.write_text(text.replace(points_line, f"service_points = {service_points}") + more, encoding="utf-8")
    return geo.analyse(folder)


try:
    analyse_with('"stations.geojson"')
except geo.InputFaultsError as error:
    print(error.text("zh"))

# %% [markdown]
# 程序不悄悄纠偏，也不带着五百米的误差算下去：两种读法各有多少点落在道路 50 米以内，摆在一起，由人决定。
# 终端里 `geo check my-county` 说的是同一句话。写明 `crs = "gcj02"` 之后再算：

# %%
mended = analyse_with('{ path = "stations.geojson", crs = "gcj02" }')
mended.plot("maps", services=["gig_station", "canteen_elder"])

# %% [markdown]
# ## A dirty table, and a new service type
#
# 名称、类型、经度、纬度：中文表头照用。目录里没有“便民早餐点”，在 `study.toml` 里加一种服务就有了。

# %%
places = pd.DataFrame(
    {
        "名称": ["早餐点一", "早餐点二", "早餐点二", "早餐点三", "早餐点四"],
        "类型": ["便民早餐点"] * 5,
        "经度": [118.3225, 118.2838, 118.2838, None, 118.3380],
        "纬度": [25.3205, 25.2983, 25.2983, None, 25.3233],
        "状态": ["在用", "在用", "在用", "在用", "在建"],
    }
)
places.to_csv(folder / "breakfast.csv", index=False, encoding="utf-8-sig")
places

# %%
both = '[{ path = "service_points.csv", crs = "EPSG:4326" }, { path = "breakfast.csv", crs = "gcj02" }]'
breakfast = '\n[services.breakfast]\nlabel = "便民早餐点"\nmode = "walk"\nlimit = 10\n'

# %% [markdown]
# ## Faults are told all together
#
# 一行没有坐标：程序不猜，也不悄悄丢，而是说出文件、行号和怎么补。

# %%
try:
    analyse_with(both, breakfast)
except geo.InputFaultsError as error:
    print(error.text("zh"))

# %% [markdown]
# 核实之后，这一行先撤下，再算。

# %%
places.dropna(subset=["经度"]).to_csv(folder / "breakfast.csv", index=False, encoding="utf-8-sig")
analysis = analyse_with(both, breakfast)
analysis

# %% [markdown]
# 这一次的设施表是没有挪过的那一份：写明坐标系的 GCJ-02 与它给出同样的人数。

# %%
served = {"GCJ-02，已写明": mended, "没有挪过": analysis}
pd.DataFrame({name: geo.what_if(one, "零工驿站").served() for name, one in served.items()}).T

# %% [markdown]
# ## The repair report
#
# 没有一行会悄悄消失：重复的、在建的，都在修复报告里，说明原因和怎么补。

# %%
report = analysis.repairs[analysis.repairs["source"] == "breakfast.csv"]
report.assign(message=report["message"].astype(str))[["row", "action", "message"]]

# %% [markdown]
# ## Where the new service stands

# %%
analysis.plot("maps", services=["breakfast", "gig_station"])

# %% [markdown]
# ## Out to QGIS
#
# 表是 GeoDataFrame，坐标系随表走；`analysis.write(...)` 写出的 `layers.gpkg` 拖进 QGIS 即可。

# %%
analysis.gaps.drop(columns="demand_ids").to_file(folder / "gaps.gpkg", layer="gaps")
gpd.read_file(folder / "gaps.gpkg").crs.name

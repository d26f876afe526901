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
# 手里有一份从网上地图抄下来的表：坐标是高德的（GCJ-02），有重复行，有空坐标，有一种目录里没有的服务。
# 这一本把它变成一个可以算的研究。示例数据，虚构地点。

# %%
import shutil
import tempfile
from pathlib import Path

import geopandas as gpd
import pandas as pd

import geo

folder = Path(tempfile.mkdtemp()) / "my-county"
shutil.copytree("../layers/yongchun", folder)

# %% [markdown]
# ## A dirty table
#
# 名称、类型、经度、纬度：中文表头照用。这张表里的坐标偏移了大约五百米——高德的坐标都是这样。

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

# %% [markdown]
# ## A new service type, and GCJ-02
#
# 在 `study.toml` 里加一层数据、一种新服务。`crs = "gcj02"` 就是纠偏。

# %%
study_file = folder / "study.toml"
text = study_file.read_text(encoding="utf-8")
old = 'service_points = { path = "service_points.csv", crs = "EPSG:4326" }'
new = f'{old[:17]}[{old[17:]}, {{ path = "breakfast.csv", crs = "gcj02" }}]'
service = '[services.breakfast]\nlabel = "便民早餐点"\nmode = "walk"\nlimit = 10\n'
study_file.write_text(text.replace(old, new) + "\n" + service, encoding="utf-8")

# %% [markdown]
# ## Faults are told all together
#
# 一行没有坐标：程序不猜，也不悄悄丢，而是说出文件、行号和怎么补。

# %%
try:
    geo.analyse(folder)
except geo.InputFaultsError as error:
    print(error.text("zh"))

# %% [markdown]
# 核实之后，这一行先撤下，再算。

# %%
places.dropna(subset=["经度"]).to_csv(folder / "breakfast.csv", index=False, encoding="utf-8-sig")
# %%
analysis = geo.analyse(folder)
analysis

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

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
# # 04 一个真实城市 · A real city
#
# 不建研究也能问：有一张路网、两组点，就有分钟数。
# 路网可以是任何 `.osm.pbf`。设环境变量 `GEO_SHARED` 指到测试数据时，用巴西阿雷格里港（© OpenStreetMap contributors, ODbL）；
# 否则用示例县的路网，步骤一模一样。
#
# **只有下载新城市需要网络**：终端里 `geo fetch "Porto Alegre" --out layers/poa`（或 `geo.fetch_study("Porto Alegre", "layers/poa")`）
# 从 OpenStreetMap 取来路网、社区与设施，写成一个研究文件夹；取来之后，`geo.analyse("layers/poa")` 和本笔记都不再联网。

# %%
import os
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import shapely
from matplotlib.patches import Patch

import geo

city = Path(os.environ.get("GEO_SHARED", "")) / "data/portoalegre/poa_osm.pbf"
real = "GEO_SHARED" in os.environ and city.is_file()
streets = geo.read_streets(city if real else "../layers/yongchun/streets.osm.pbf", mode="walk")
streets

# %% [markdown]
# ## Two sets of points
#
# 两千个随机街角当作住处，十二个当作诊所（位置为随机抽取，只为演示）。

# %%
draw = np.random.default_rng(4)
corners = streets.node_xy[draw.choice(len(streets.node_xy), 2012, replace=False)]
points = gpd.GeoDataFrame(geometry=shapely.points(corners), crs=streets.crs)
homes, clinics = points.iloc[12:].reset_index(drop=True), points.iloc[:12].reset_index(drop=True)

# %% [markdown]
# ## Minutes
#
# 每个住处到最近诊所的分钟数。超过时限为 inf，没有坐标为 NaN。

# %%
nearest = geo.nearest_minutes(streets, homes, clinics, limit=60)
nearest.head(8)

# %% [markdown]
# ## Isochrones, and the same numbers as a picture

# %%
bands = {15: "#c6dbef", 10: "#6baed6", 5: "#08519c"}
rings = geo.isochrones(streets, clinics, minutes=[*bands], combine="dissolve").set_index("limit_minutes")
with plt.rc_context({"font.family": ["DejaVu Sans", "Noto Sans CJK SC"]}):
    figure, axes = plt.subplots(figsize=(9, 6.5), layout="constrained")
    for minutes, colour in bands.items():
        rings.loc[[minutes]].plot(ax=axes, color=colour)
    homes.plot(ax=axes, color="#999999", markersize=2)
    clinics.plot(ax=axes, color="#d95f0e", markersize=30, edgecolor="white")
    shown = [Patch(color=colour, label=f"步行 {minutes} 分钟以内") for minutes, colour in bands.items()]
    axes.legend(handles=shown, frameon=False, loc="lower left")
    axes.set_axis_off()
    axes.set_title(f"到最近诊所的路网时间（灰点为住处，橙点为诊所；{'© OpenStreetMap' if real else '示例数据'}）")
    plt.show()

# %% [markdown]
# ## Every pair within the limit
#
# 长表 `origin, destination, minutes`：接着用 pandas 就能算“15 分钟内有几家可选”。

# %%
pairs = geo.minutes_matrix(streets, homes, clinics, limit=15)
pairs.groupby("origin").size().value_counts().rename("住处数").rename_axis("15 分钟内的诊所数").to_frame()

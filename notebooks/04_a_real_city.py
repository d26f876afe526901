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
# 否则用示例县的路网，步骤一模一样。**下载**新城市需要网络（在研究文件里写 `streets = {place = "城市名"}`），本笔记不联网。

# %%
import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

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
rings = geo.isochrones(streets, clinics, minutes=[5, 10, 15], combine="dissolve")
axes = rings.iloc[::-1].plot("limit_minutes", cmap="Blues_r", figsize=(9, 8), legend=True)
clinics.plot(ax=axes, color="black", markersize=12)
axes.set_axis_off()
axes.set_title("walk 5, 10, 15 min, minutes on the streets")
# %% [markdown]
# ## Every pair within the limit
#
# 长表 `origin, destination, minutes`：接着用 pandas 就能算“15 分钟内有几家可选”。

# %%
pairs = geo.minutes_matrix(streets, homes, clinics, limit=15)
pairs.groupby("origin").size().value_counts().rename("住处数").rename_axis("15 分钟内的诊所数").to_frame()

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
# # 01 第一张覆盖图 · A first map
#
# 十行之内：读取一个研究，算出每个人到最近设施的分钟数，看地图，取走表格。
# 数据为**示例数据**（程序生成），不代表任何真实地点。

# %%
import geo

analysis = geo.analyse("../layers/yongchun")
analysis

# %% [markdown]
# ## The map
#
# 地图是一个离线文件：右侧选服务，点缺口飞过去。图上的数字与下面的表格出自同一次计算。

# %%
analysis.map()

# %% [markdown]
# ## One picture for a slide
#
# 每类服务一张小图：深浅是 5、10、15 分钟，黑点是设施，斜线是缺口。口径写在图下。

# %%
analysis.plot("maps")

# %% [markdown]
# ## Who is not served
#
# 缺口按人数排序；`minutes_to_nearest` 为 inf 表示一小时内到不了。

# %%
analysis.plot("gaps")

# %%
analysis.gaps.drop(columns="geometry").nlargest(10, "people")

# %% [markdown]
# ## Coverage by community
#
# 口径：路网时间，方式、时限与人群写在每一列上；未评估的社区没有覆盖率。

# %%
analysis.plot("matrix")

# %%
analysis.plot("curve")

# %% [markdown]
# ## Take it away
#
# `analysis.write("文件夹")` 写出地图、报表、GeoPackage 和栅格；在终端里等于 `geo run layers/yongchun`。
# 每张表都是 GeoDataFrame：`.explore()`、`.to_file()`、`.to_crs()` 都能直接用。

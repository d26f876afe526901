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
# # 03 缺口与选址 · Gaps and sites
#
# 老年人走得慢：每秒 0.8 米。哪些老人 15 分钟走不到一个长者食堂？再建三处，建在哪里？
# 示例数据，虚构地点。

# %%
import matplotlib.pyplot as plt

import geo

analysis = geo.analyse("../layers/yongchun")
analysis.plot("gaps", services=["canteen_elder"])

# %% [markdown]
# ## Three more canteens
#
# 候选点是**现有的、有空间的场所**：盘活，不新建。现有设施不动，分钟数与覆盖率用的是同一套算法。

# %%
sites = geo.suggest_sites(analysis, "长者食堂", add=3)
sites.drop(columns=["geometry", "model"])

# %% [markdown]
# ## The scenario
#
# 把建议的点放进去重新算一遍：人数与上表最后一行的累计数完全相同。

# %%
then = geo.what_if(analysis, "长者食堂", sites=sites)
assert then.served()["people_served"] == sites["people_served_cumulative"].iloc[-1]
then.plot()

# %% [markdown]
# ## How many are enough
#
# 每多建一处，多覆盖多少老人？曲线变平的地方，就是该停下来、改用流动服务的地方。

# %%
places = {"现有场所": "venues", "任意临街点": "streets"}
curves = {name: geo.coverage_by_sites(analysis, "长者食堂", most=12, candidates=kind) for name, kind in places.items()}
with plt.rc_context({"font.family": ["DejaVu Sans", "Noto Sans CJK SC"]}):
    figure, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    for name, curve in curves.items():
        axes.plot(curve["sites"], curve["share"], marker="o", label=name)
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.set(xlabel="新建处数", ylabel="老年人覆盖率", title="长者食堂：老年人步行15分钟，路网时间（示例数据）")
    axes.legend(frameon=False)
    plt.show()

# %% [markdown]
# ## Other questions, other models
#
# `mclp` 覆盖的人最多；`p_median` 让所有人走的总分钟最少；`lscp` 问要覆盖所有能覆盖的人最少几处。

# %%
needed = geo.suggest_sites(analysis, "长者食堂", model="lscp")
nearer = geo.suggest_sites(analysis, "长者食堂", add=3, model="p_median")
f"全覆盖需要 {len(needed)} 处，最多到 {needed['share_cumulative'].iloc[-1]:.1%}；人均分钟 {nearer['minutes_mean'].iloc[-1]:.1f}"

# %% [markdown]
# ## Turn the knobs
#
# 服务、方式、时限、速度四个旋钮；地图和表跟着变，没有变的不重算。

# %%
geo.panel(analysis)

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
# # 05 批量与对比 · Batch, and two quarters
#
# 三个示例县放在一张表里；再把同一个县的两个季度放在一起看：上季度的缺口，这季度还在不在。
# 示例数据，虚构地点。终端里的批量命令是 `geo batch layers`。

# %%
import pandas as pd

import geo

counties = {name: geo.analyse(f"../layers/{name}") for name in ("yongchun", "nanan", "quangang")}

# %% [markdown]
# ## Three counties side by side
#
# 口径相同才能比：同一服务、同一方式、同一时限、同一人群。

# %%
rows = [
    table[(table["unit_kind"] == "study") & table["limit_minutes"].notna()].assign(county=one.study.head.name)
    for one in counties.values()
    for table in [pd.DataFrame(one.coverage.drop(columns="geometry"))]
]
whole = pd.concat(rows)
whole = whole[(whole["limit_minutes"] == 15) & (whole["mode"] == "walk")]
whole.pivot_table("share", ["service", "demand"], "county", sort=False).style.format("{:.1%}", na_rep="—")

# %% [markdown]
# ## Two quarters
#
# 下一季度在建议的三处场所建成零工驿站。每处缺口按人核对：原来的人现在在不在时限内。

# %%
now = counties["yongchun"]
sites = geo.suggest_sites(now, "零工驿站", add=3)
later = geo.what_if(now, "零工驿站", sites=sites)
before = now.gaps[now.gaps["service"] == "gig_station"]
gone = set(later.gaps["demand_ids"].str.split(";").explode())
left = before["demand_ids"].str.split(";").apply(lambda ids: sum(one in gone for one in ids) / len(ids))
state = pd.cut(left, [-1, 0, 0.999, 1], labels=["销号建议", "改善", "持续"])
before.assign(state=state)[["gap_id", "people", "state"]].head(12)

# %%
state.value_counts().rename("缺口数").to_frame()

# %% [markdown]
# ## The picture of the next quarter

# %%
later.plot()

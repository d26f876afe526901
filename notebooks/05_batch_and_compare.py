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
import shutil
import tempfile
from pathlib import Path

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
# 下一季度在建议的三处场所建成零工驿站：表里添三行，期次改成 2027Q1，再算一遍。
# 每季度各写一个结果文件夹；`geo.compare` 只读这两个文件夹（终端里是 `geo compare 旧 新`）。

# %%
now = counties["yongchun"]
results = Path(tempfile.mkdtemp())
files = now.write(results / "2026Q4")

study = results / "yongchun"
shutil.copytree("../layers/yongchun", study)
sites = geo.suggest_sites(now, "零工驿站", add=3).to_crs(4326)
new = pd.DataFrame(
    {"名称": sites["candidate_name"] + "零工驿站", "类型": "零工驿站", "场所编码": sites["candidate_id"]}
)
new = new.assign(经度=sites.geometry.x, 纬度=sites.geometry.y, 设施编码=["N1", "N2", "N3"], 状态="在用")
points = pd.concat([pd.read_csv(study / "service_points.csv", dtype=str), new])
points.to_csv(study / "service_points.csv", index=False, encoding="utf-8-sig")
study_file = study / "study.toml"
study_file.write_text(study_file.read_text(encoding="utf-8").replace('"2026Q4"', '"2027Q1"'), encoding="utf-8")

later = geo.analyse(study)
files = later.write(results / "2027Q1")

# %% [markdown]
# ## What became of each gap
#
# 按人核对：上季度缺口里的人，现在有多少在时限内。先说输入与参数变了什么，再说进展。

# %%
changes = geo.compare(results / "2026Q4", results / "2027Q1")
for message in changes.changes:
    print(message.text("zh"))

# %%
states = {"closing": "销号建议", "better": "改善", "new": "新增", "returned": "反弹", "lasting": "持续"}
gaps = changes.table.assign(state=changes.table["state"].replace(states))
columns = ["gap_id", "state", "people_before", "people_now", "minutes_before", "minutes_now"]
gaps.loc[gaps["service"] == "gig_station", columns].head(12).round(1)

# %%
counts = pd.crosstab(gaps["service"], gaps["state"])
counts.reindex(columns=[state for state in states.values() if state in counts])

# %% [markdown]
# ## The picture of the next quarter

# %%
geo.what_if(later, "零工驿站").plot()

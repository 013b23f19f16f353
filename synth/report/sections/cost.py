"""What the replies cost, by stage and model."""

from typing import Final

from synth.report.blocks import Block, Column, Figure, Section, Table, figure, share, whole
from synth.report.charts import ACCENT, DIM, bars
from synth.report.clip import name
from synth.report.facts import ReportFacts
from synth.report.words import Words

_MOST: Final = 40


def section(facts: ReportFacts, words: Words) -> Section | None:
    """Replies, tokens and cost of a run by stage and model; None where nothing was spent."""
    import pandas as pd

    spent = facts.all("spent")
    if not spent:
        return None
    frame = pd.DataFrame(spent)[["stage", "model", "calls", "prompt_tokens", "completion_tokens", "cost"]]
    frame["cost"] = pd.to_numeric(frame["cost"])
    table = frame.groupby(["stage", "model"], sort=True).sum(min_count=1).reset_index()
    table["tokens"] = table["prompt_tokens"] + table["completion_tokens"]
    table = table.sort_values(["tokens", "stage", "model"], ascending=[False, True, True], kind="stable")
    every = max(1, table["tokens"].sum())
    rows = [
        (
            name(one["stage"]),
            name(one["model"]),
            whole(one["calls"]),
            whole(one["prompt_tokens"]),
            whole(one["completion_tokens"]),
            share(one["tokens"] / every),
            figure(None if pd.isna(one["cost"]) else one["cost"], 4),
        )
        for _, one in table.iloc[:_MOST].iterrows()
    ]
    heads = [Column(words("stage"), numeric=False), Column(words("model"), numeric=False)]
    heads += [Column(words(key)) for key in ("replies", "tokens_in", "tokens_out", "part", "cost")]
    stages = table.groupby("stage")[["prompt_tokens", "completion_tokens"]].sum()
    stages = stages.loc[stages.sum(axis=1).sort_values(ascending=False, kind="stable").index[:_MOST]] / 1e6
    series = {words("tokens_in"): list(stages["prompt_tokens"]), words("tokens_out"): list(stages["completion_tokens"])}
    drawn = bars([name(one) for one in stages.index], series, [DIM, ACCENT])
    total = facts.told("total")
    title = words("cost_table", replies=whole(total.get("calls")), tokens=whole(total.get("tokens")))
    blocks: list[Block] = [
        Figure(words("cost_figure"), drawn),
        Table(title, heads, rows, max(0, len(table) - _MOST)),
    ]
    return Section("cost", words("cost_title"), words("cost_look"), blocks)

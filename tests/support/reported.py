"""Run folders to make reports of: one with everything a report tells, and one in which hostile texts stand wherever a text can stand."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from synth.dataset.shards import write_split
from tests.support.datasets import row

MEGABYTE = "<img src=x onerror=alert('long')>" * 32_000
HOSTILE = (
    "<script>alert('element')</script>",
    "</script><script>alert('ended')</script>",
    "<img src=x onerror=alert('handler')>",
    "\"><svg onload=alert('attribute')>",
    "' autofocus onfocus='alert(1)",
    "javascript:alert('address')",
    "<a href='javascript:alert(1)'>安全</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>@import 'http://127.0.0.1:9/a.css'</style>",
    "url(http://127.0.0.1:9/a.png)",
    "<link rel=stylesheet href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "{{ 7 * 7 }}{% raw %}${alert(1)}",
    "<!--<script>-->]]>",
    "$\\frac{1}{0}$ $x_$",
    "\u202e倒转\u2066\u200b",
    "\u2028line\u2029\x00\x1b[31m",
    "__proto__",
    MEGABYTE,
)
"""What a page may take for more than text, a formula or a direction; the last is a cell of a megabyte."""


def facts(**changes: Any) -> dict[str, Any]:
    """What run.json tells of a run of two cells, one short."""
    cell = {
        "scenario": "one",
        "subcategory": "one.a",
        "name": "类a",
        "query_type": "harmful",
        "tokens": 900,
        "cost": 0.5,
    }
    told = {
        "recipe": {"name": "little", "labels": {}},
        "cells": [
            cell | {"label": "unsafe", "target": 4, "accepted": 4, "status": "met", "slots": 9, "hits": 4},
            cell | {"label": "safe", "target": 4, "accepted": 3, "status": "exhausted: novelty", "slots": 9, "hits": 3},
        ],
        "splits": {"train": 7},
        "counts": {
            "born": 20,
            "accepted": 7,
            "surplus": 3,
            "hard": 1,
            "dropped": 9,
            "unanswered": 2,
            "aside": {"hard": 1},
        },
        "dropped": {"query.refusal": 2, "dedup.near_duplicate": 4, "judge.no_verdict": 2, "accept.family": 1},
        "rounds": [
            {"round": 0, "lanes": 1, "asked": 10, "new": 9, "accepted": 5},
            {"round": 1, "lanes": 1, "asked": 10, "new": 2, "accepted": 2},
        ],
        "total": {"calls": 40, "tokens": 900, "cost": 0.5, "metered": True, "whole": True, "priced": True},
        "spent": [
            {
                "scenario": "one",
                "stage": stage,
                "model": "m",
                "calls": 20,
                "prompt_tokens": 400,
                "completion_tokens": 50,
                "cost": 0.25,
            }
            for stage in ("query", "judge")
        ],
        "coverage": coverage("task", "region"),
        "agreement": agreement(("judge_a", "judge_b"), "one.a", ("m", "n")),
        "controls": [control("judge_a")],
        "doubts": [doubt("judge_a")],
        "notes": ["a note of the run"],
        "diversity": diversity("one.a/harmful"),
        "stopped": None,
    }
    return told | changes


def coverage(*axes: str) -> dict[str, Any]:
    pair = {"axes": list(axes[:2]), "possible": 20, "asked": 9, "got": 4}
    return {"axes": [{"axis": axis, "values": 5, "asked": [1, 3], "got": [0, 2]} for axis in axes], "pairs": [pair]}


def agreement(judges: Sequence[str], subcategory: str, answerers: Sequence[str]) -> dict[str, Any]:
    one = {"n": 9, "agreed": 0.7, "kappa": 0.4, "ac1": 0.5, "rare": False}
    biased = [{"judge": judge, "unsafe": 0.5, "bias": 0.12} for judge in judges]
    return {
        "judges": [
            {"judge": judge, "model": judge, "n": 9, "no_verdict": 0.1, "unsafe": 0.5, "bias": 0.12} for judge in judges
        ],
        "overall": one,
        "alpha": {"n": 9, "value": 0.4},
        "pairs": [{"judges": list(judges), **one}],
        "subcategories": [{"subcategory": subcategory, **one}],
        "answerers": [{"answerer": name, **one, "judges": biased} for name in answerers],
    }


def control(model: str) -> dict[str, Any]:
    shares = {"right": 90, "n": 100, "low": 0.82, "high": 0.95}
    return {"role": "judge_a", "model": model, **shares, "verdict": "doubtful", "lately": None, "samples": []}


def doubt(model: str, text: str = "一处样本的话") -> dict[str, Any]:
    return {
        "kind": "no_verdict",
        "role": "judge_a",
        "model": model,
        "count": 3,
        "n": 9,
        "words": "3 of 9 times there was no verdict (33%)",
        "mend": "give the role another model",
        "samples": [{"place": "one.a/harmful#0.1", "text": text}],
        "whole": True,
        "share": 0.3333,
    }


def diversity(lane: str) -> dict[str, Any]:
    measured = {
        "n": 200,
        "length": 40.0,
        "distinct_2": 0.4,
        "self_bleu": 0.6,
        "vendi": 90.0,
        "nearest": 0.2,
        "openings": 0.5,
        "opening": 0.2,
    }
    answers = {
        label: {"n": 9, "length": 80.0, "lengths": {"to 100": 9}, "lines": 2.0, "lists": 0.1}
        for label in ("unsafe", "safe")
    }
    kind = {
        "rows": 9,
        "measures": measured,
        "matched": measured,
        "forms": {"question": 0.5, "order": 0.25, "statement": 0.25},
        "lengths": {},
        "found": {},
        "answers": answers,
        "telling": {"mark": 0.9, "length": 0.5, "list": 0.5, "opening": 0.5},
    }
    behaviours = {
        "possible": 9,
        "reached": 4,
        "cells": 2,
        "over": 1,
        "largest": [{"cell": f"{lane}/safe", "behaviour": "做甲事", "count": 3, "n": 4}],
    }
    return {
        "kinds": {"harmful": kind},
        "lanes": {lane: measured, f"{lane} again": measured},
        "behaviours": behaviours,
        "real": [],
    }


def rows() -> list[dict[str, Any]]:
    """Nine rows of two cells and of the hard pile, each text of which stands nowhere else."""
    return [
        row(
            f"q{at}.1",
            f"第{at}个问题是怎样的？",
            f"第{at}个回答在这里。",
            "safe" if at % 2 else "unsafe",
            analysis=f"第{at}条分析的话。",
            stance="natural",
            generator="writer-model",
            votes=[{"judge": "judge_a", "label": "safe", "analysis": f"第{at}票的理由。"}],
            elements=[{"axis": "task", "value": f"第{at}件事"}, {"axis": "region", "value": "某地"}],
            notes=[{"stage": "grade", "key": "why", "value": f"第{at}条附注。"}],
            context=[{"role": "user", "content": f"第{at}句开场。"}],
        )
        for at in range(8)
    ] + [row("q9.1", "难分的问题？", "难分的回答。", None, analysis="难分的分析。", votes=[])]


def drop(kind: str, text: str, at: int = 0, lane: str = "one.a/harmful") -> dict[str, Any]:
    stage, _, reason = kind.partition(".")
    vote = {"judge": f"{text}", "label": "safe", "analysis": f"{text}"}
    told = {
        "stage": stage,
        "reason": reason,
        "lane": lane,
        "place": f"{lane}#{at}",
        "wanted": "safe",
        "stance": "natural",
    }
    return told | {"text": f"错在{text}", "query": f"{text}", "response": f"{text}", "votes": [vote]}


def folder_of(
    folder: Path,
    rows: Iterable[Mapping[str, Any]],
    drops: Mapping[str, Iterable[Mapping[str, Any]]],
    run: Mapping[str, Any],
) -> Path:
    """A run's folder with these rows (those without a label in the split `hard`), drops by reason, and run.json."""
    (folder / "dataset" / "data").mkdir(parents=True)
    (folder / "drops").mkdir()
    (folder / "dataset" / "README.md").touch()
    held = [dict(one) for one in rows]
    for split, ours in (
        ("train", [one for one in held if one["label"]]),
        ("hard", [one for one in held if not one["label"]]),
    ):
        if ours:
            write_split(folder / "dataset" / "data", split, iter(ours), len(ours), 10_000)
    for kind, fell in drops.items():
        lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in fell]
        (folder / "drops" / f"{kind}.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(run, ensure_ascii=False), encoding="utf-8")
    return folder


def little(folder: Path, **changes: Any) -> Path:
    """A small run's folder with something to tell in every section but the probe's."""
    told = facts(**changes)
    drops = {
        kind: [drop(kind, f"丢弃{kind}第{at}条", at) for at in range(count)] for kind, count in told["dropped"].items()
    }
    return folder_of(folder, rows(), drops, told)


def hostile(folder: Path, times: int = 20) -> Path:
    """A run's folder in which every hostile text stands so many times in every place where a report can show a text."""
    made, drops = [], {}
    for kind, text in enumerate(HOSTILE):
        made += [_hostile_row(f"{kind:04x}{at:04x}.1", text, "safe" if at % 2 else "unsafe") for at in range(times)]
        for half in range(2):
            reason = f"judge.r{kind}x{half}"
            drops[reason] = [drop(reason, text, at, f"{text}/harmful") for at in range(half, times, 2)]
    told = facts(
        recipe={"name": MEGABYTE, "labels": {}},
        cells=[
            cell | {"subcategory": text, "name": text, "scenario": text}
            for text in HOSTILE
            for cell in facts()["cells"]
        ],
        dropped={reason: len(fell) for reason, fell in drops.items()} | {f"query.{text}": 1 for text in HOSTILE},
        spent=[{**facts()["spent"][0], "stage": text, "model": text} for text in HOSTILE],
        coverage=coverage(*HOSTILE[:11]),
        agreement=agreement(HOSTILE, HOSTILE[0], HOSTILE),
        controls=[control(text) for text in HOSTILE],
        doubts=[doubt(text, text) | {"kind": text, "words": text, "mend": text} for text in HOSTILE],
        notes=list(HOSTILE),
        diversity=diversity(HOSTILE[1]),
        stopped=f"stopped: {HOSTILE[2]}",
    )
    return folder_of(folder, made, drops, told)


WHOLE = 40
"""Characters of a hostile text that stand whole in a name that is `repeated`."""


def repeated(folder: Path, text: str, times: int = 20) -> Path:
    """A run's folder in which one hostile text, cut where a name of it would be, stands under so many names in every table, figure
    and list of a report: a number after its first `WHOLE` characters tells them apart."""
    names = [f"{text[:WHOLE]}{at}{text[WHOLE:2_000]}" for at in range(times)]
    rows = [_hostile_row(f"{at:08x}.1", one, "safe" if at % 2 else "unsafe") for at, one in enumerate(names)]
    cell = facts()["cells"][1]
    told = facts(
        recipe={"name": text, "labels": {}},
        cells=[cell | {"subcategory": one, "name": one, "scenario": one} for one in names],
        dropped={f"query.{one}": 1 for one in names},
        spent=[{**facts()["spent"][0], "stage": one, "model": one} for one in names],
        agreement=agreement(names, text, names),
        controls=[control(one) for one in names],
        doubts=[doubt(one, one) | {"kind": one, "words": one, "mend": one} for one in names],
        notes=names,
    )
    return folder_of(folder, rows, {}, told)


def _hostile_row(id: str, text: str, label: str) -> dict[str, Any]:
    names = dict.fromkeys(
        ("scenario", "subcategory", "subcategory_name", "generator", "responder", "attack", "response_class", "stance"),
        text,
    )
    return row(
        id,
        text,
        text,
        label,
        analysis=text,
        votes=[{"judge": text, "label": label, "analysis": text}],
        elements=[{"axis": text, "value": text}],
        notes=[{"stage": text, "key": text, "value": text}],
        context=[{"role": text, "content": text}],
        **names,
    )

"""`synth audit --to argilla | labelstudio`: the rows of an audit handed to a label tool, whose export `synth audit --read` takes."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any, Final

from synth.dataset.policies import Policy
from synth.dataset.reader import Dataset
from synth.exporters._label_tools import argilla, label_studio, write_folder
from synth.quality.draw import Drawn
from synth.report.label_page import word_of
from synth.report.label_words import WORDS

TOOLS: Final = ("argilla", "labelstudio")


def write_for_tool(made: Dataset, drawn: Drawn, out: Path, *, tool: str, lang: str, readers: int) -> list[str]:
    """Writes a dataset's drawn rows as a folder that a label tool imports, without the labels that they bear; gives the lines that say
    how. `readers` is how many are to label each. ConfigError where something stands there."""
    scheme, words = made.labels, WORDS[lang]
    labels = {label: word_of(scheme, label, lang) for label in reversed(scheme.names)}
    question = words["ask_prompt" if scheme.of == "prompt" else "ask_response"]
    rows = [_blocks(row, made.policies.of(row), words) for row in drawn.rows]
    name = f"synth-{drawn.name}"
    if tool == "argilla":
        write_folder(argilla(rows, labels, words, name=name, question=question, readers=readers), out)
        return [
            f'into Argilla 2: `import argilla as rg; rg.Dataset.from_disk("{out}", client=rg.Argilla(api_url=…, api_key=…))`',
            f'back: `dataset.records.to_json("labelled.json")`, then `synth audit {quote(str(made.folder))} --read labelled.json`',
        ]
    write_folder(label_studio(rows, labels, words, question=question), out)
    where = f"labelling interface {out / 'interface.xml'} (Settings, Labeling Interface, Code), {readers} annotations a task"
    return [
        f"into Label Studio: a project with the {where}; import {out / 'tasks.json'}",
        f"back: export as JSON, JSON-MIN or CSV, then `synth audit {quote(str(made.folder))} --read FILE`",
    ]


def _blocks(row: Mapping[str, Any], policy: Policy, words: Mapping[str, str]) -> dict[str, str]:
    rules = [f"{words[key]}: {getattr(policy, key)}" for key in ("definition", "unsafe", "safe", "borderline")]
    speakers = {who: words[who] for who in ("user", "assistant")}
    return {
        "id": row["id"],
        "category": "\n".join((f"{policy.name} ({policy.subcategory})", *rules)),
        "context": "\n".join(
            f"{speakers.get(one['role'], one['role'])}: {one['content']}" for one in row.get("context") or ()
        ),
        "query": row["query"],
        "response": row["response"] or "",
    }

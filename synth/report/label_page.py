"""`synth audit --page`: one HTML file to label rows on by keys; it holds no label, and what it saves `synth audit --read` takes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth import aside
from synth.dataset.policies import Policy
from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.quality.draw import Drawn
from synth.recipe.labels import LabelScheme
from synth.report.label_words import WORDS
from synth.report.page import page

KEYS = 9
"""Labels that there are keys for."""


def write_page(made: Dataset, drawn: Drawn, out: Path, *, lang: str) -> None:
    """Writes the page on which a dataset's drawn rows are labelled. ConfigError for a file that is there already, and for more labels than
    there are keys."""
    if out.exists():
        raise ConfigError(
            f"{out}: is there already; choose another -o, or remove it (labels are in the files that it saved)"
        )
    text = label_page(made, drawn, lang)
    out.parent.mkdir(parents=True, exist_ok=True)
    with aside.file(out) as new:
        new.write_text(text, encoding="utf-8")


def label_page(made: Dataset, drawn: Drawn, lang: str) -> str:
    """The page as HTML, in the language `zh` or `en`."""
    scheme, words = made.labels, WORDS[lang]
    if len(scheme.names) > KEYS:
        raise ConfigError(
            f"{made.folder}: has {len(scheme.names)} labels, and the page has keys for {KEYS}; use -o sheet.csv"
        )
    given, rows = list[Policy](), list[dict[str, Any]]()
    for row in drawn.rows:
        if (policy := made.policies.of(row)) not in given:
            given.append(policy)
        rows.append(_shown(row) | {"policy": given.index(policy)})
    data = {
        "sheet": drawn.name,
        "labels": [{"name": label, "word": word_of(scheme, label, lang)} for label in reversed(scheme.names)],
        "policies": [policy_of(policy) for policy in given],
        "rows": rows,
    }
    question = words["ask_prompt" if scheme.of == "prompt" else "ask_response"]
    return page("label", lang="zh-CN" if lang == "zh" else "en", words=words, data=data, values={"question": question})


def word_of(scheme: LabelScheme, label: str, lang: str) -> str:
    """What a label is called before people who label."""
    return scheme.word(label) if lang == "zh" else label


def policy_of(policy: Policy) -> dict[str, str]:
    """What a reader is told of a row's category."""
    return {
        name: getattr(policy, name) for name in ("subcategory", "name", "definition", "unsafe", "safe", "borderline")
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of a row what is to be judged, and nothing that says what others made of it."""
    return {
        "id": row["id"],
        "context": [[turn["role"], turn["content"]] for turn in row.get("context") or ()],
        "query": row["query"],
        "response": row["response"],
    }

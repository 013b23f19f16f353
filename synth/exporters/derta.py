"""Training data of DeRTa (decoupled refusal training), whose models learn to refuse in the middle of an unsafe answer: helpful answers, safe
answers after the first characters of an unsafe one, and unsafe answers in which every position is to turn to refusal."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.exporters.files import Counts, Record
from synth.hashing import unit
from synth.recipe.guard.truth import refuses
from synth.recipe.labels import LabelScheme
from synth.sanitize import as_turn

FILE = "jsonl"
_THIRD: Final = 3
"""Of so many safe answers one stands after no character of the unsafe one: plain safety training."""


def records(
    dataset: Dataset,
    *,
    seed: int = 0,
    wrapper: str = r"[INST] {query} [\INST]",
    end: str = "<|end_of_text|>",
    counts: Counts,
) -> Iterator[tuple[str, Record]]:
    """Records as the published trainer reads them, `prefix`, `text` and `safe`, and beside them `kind` and `cut`: how many
    characters of the unsafe answer the prefix ends in. Characters, since Chinese has no spaces to cut at. Each harmful
    query with a safe and an unsafe answer gives one record `prefix` and one `rto`, each safe answer to a benign query
    one `helpful`. `wrapper` (published: with this backslash) and `end` are those of the model to train."""
    if "{query}" not in wrapper:
        raise ConfigError(f"--to derta: wrapper: needs {{query}}, where the query goes (got {wrapper!r})")
    labels = dataset.labels
    for split in dataset.labelled():
        for group in dataset.groups(split, "query_id"):
            prompt = wrapper.replace("{query}", as_turn(group[0]["query"]))
            if group[0]["query_type"] == "benign":
                for row in group:
                    if _helps(row, labels):
                        counts["helpful"] += 1
                        yield split, _record(row, "helpful", prompt, as_turn(row["response"]) + end)
                continue
            safe, unsafe = _answers(group, labels)
            if safe is None or unsafe is None:
                counts["alone"] += 1
                continue
            harm = as_turn(unsafe["response"])
            cut = _cut(harm, counts["pairs"], seed, group[0]["query_id"])
            counts["pairs"] += 1
            yield split, _record(safe, "prefix", prompt + harm[:cut], as_turn(safe["response"]) + end, cut)
            yield split, _record(unsafe, "rto", prompt, harm + end)


def _record(row: Mapping[str, Any], kind: str, prefix: str, text: str, cut: int = 0) -> Record:
    """`safe` is the published trainer's word for an answer whose every position is to turn to refusal."""
    safe = "true" if kind == "rto" else "false"
    return {"id": row["id"], "kind": kind, "prefix": prefix, "text": text, "safe": safe, "cut": cut}


def _answers(
    group: list[dict[str, Any]], labels: LabelScheme
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """A safe answer and a most severe one that is long enough to be cut, where a query has them."""
    rows = [row for row in group if row["response"]]
    safe = next((row for row in rows if row["label"] == labels.safe), None)
    unsafe = next((row for row in rows if row["label"] == labels.names[0] and len(row["response"]) > _THIRD - 1), None)
    return safe, unsafe


def _cut(harm: str, number: int, seed: int, query: str) -> int:
    """Uniform in [1, length - 2] as published; 0 for every third pair."""
    return 0 if number % _THIRD == 0 else 1 + int(unit("derta", seed, query) * (len(harm) - 2))


def _helps(row: Mapping[str, Any], labels: LabelScheme) -> bool:
    return bool(row["response"]) and row["label"] == labels.safe and not refuses(row)


def last_words(dataset: Dataset, *, counts: Counts) -> list[str]:
    """How many records of each kind there are for DeRTa, beside how many were published."""
    del dataset
    pairs, alone = counts["pairs"], counts["alone"]
    return [
        f"{counts['helpful']} helpful records, {pairs} prefix and {pairs} rto; {alone} harmful queries lack a safe or an unsafe answer",
        "published were 3,000 prefix and 3,000 rto to 60,000 helpful ones: mix in dialogues of your own, and train with DeRTa's script",
    ]

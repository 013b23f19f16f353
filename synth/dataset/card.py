"""The dataset card: README.md with the metadata that makes the folder a Hugging Face dataset repository, and what a reader must know."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synth.dataset.card_agreement import agreement_section
from synth.dataset.card_controls import controls_section
from synth.dataset.card_diversity import diversity_section
from synth.dataset.card_doubts import doubts_section
from synth.dataset.card_floors import floors_section
from synth.dataset.card_mark import mark_line
from synth.dataset.card_metadata import metadata
from synth.dataset.cell import in_cell as _cell
from synth.dataset.cell import in_paragraphs
from synth.dedup.decontaminate import Source
from synth.recipe.labels import UNANIMOUS
from synth.recipe.role import Role
from synth.recipe.routing import told
from synth.recipe.schema import Recipe

_WARNING = """> **Content warning.** These rows show harmful requests and unsafe attitudes on purpose, so that a classifier can learn to
> recognise them. Operative detail is left out. Everything was written by language models; nothing here is advice."""

_USE = """Intended use: training and testing classifiers that decide whether a conversation with a language model is safe.
Out of scope: training a model to answer such requests, and reading labels as legal or medical judgement.

This is a table, not a dialogue: some trainers (ms-swift) take any table with a query and a response for one, and train a model to give the
unsafe answers. `synth export DIR --to sft`, `classify`, `preference` … write what trainers should be given."""

_LEAST_BENIGN = 0.2
"""Of the safe rows those that answer benign queries, below which the card warns: docs/decisions/010."""

_MARK = re.compile(r"\A---\n.*?^- synth\n.*?^---\n.*^- seed \d+, fingerprint `", re.MULTILINE | re.DOTALL)
_SAMPLING = frozenset(
    (
        *(
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "typical_p",
            "max_tokens",
            "max_completion_tokens",
            "min_tokens",
            "stop",
            "seed",
        ),
        *(
            "presence_penalty",
            "frequency_penalty",
            "repetition_penalty",
            "length_penalty",
            "no_repeat_ngram_size",
            "n",
            "best_of",
        ),
        *("reasoning_effort", "enable_thinking", "thinking_budget", "dimensions"),
    )
)

_AVOIDED = "no query is nearly one of its queries, and no query or answer holds one of its own"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the dataset card tells of a run besides its recipe."""

    splits: Mapping[str, int]
    content: str
    """Hash of the shards."""
    cells: Sequence[Mapping[str, Any]]
    dropped: Mapping[str, int]
    fingerprint: str
    versions: Mapping[str, str]
    prompts: Mapping[str, str]
    stopped: str | None
    avoided: Sequence[Source] = ()
    agreement: Mapping[str, Any] = field(default_factory=dict)
    controls: Sequence[Mapping[str, Any]] = ()
    doubts: Sequence[Mapping[str, Any]] = ()
    diversity: Mapping[str, Any] = field(default_factory=dict)
    asked_without: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def card(recipe: Recipe, facts: Facts) -> str:
    """The dataset card of a run, the text of README.md with its metadata for Hugging Face."""
    return (
        "\n".join(
            [
                *(metadata(recipe, facts.splits, facts.content), *_opening(recipe, facts)),
                *(*doubts_section(facts.doubts), *_how(recipe, facts), *agreement_section(facts.agreement)),
                *(*controls_section(facts.controls), *diversity_section(facts.diversity)),
                *(*floors_section(facts.cells), *_tables(facts)),
            ]
        )
        + "\n"
    )


def is_card(text: str) -> bool:
    """Whether a README.md is a dataset card that synth wrote, an earlier version included."""
    return _MARK.match(text) is not None


def content_of(text: str) -> str | None:
    """The hash of the shards of which a dataset card tells; None for a dataset without rows."""
    found = re.search(r"^  description: content ([0-9a-f]{16})$", text, re.MULTILINE)
    return found and found[1]


def _opening(recipe: Recipe, facts: Facts) -> list[str]:
    lines = [f"# {_cell(recipe.name)}", "", in_paragraphs(recipe.about), "", _WARNING, "", _USE, ""]
    if facts.stopped:
        lines += [f"**Not finished**: {_cell(facts.stopped)}. The same command goes on from here.", ""]
    safe = [cell for cell in facts.cells if cell["label"] == recipe.scheme.safe]
    rows, benign = (
        sum(cell["accepted"] for cell in some) for some in (safe, [c for c in safe if c["query_type"] == "benign"])
    )
    if benign < _LEAST_BENIGN * rows:
        few = f"of {rows} safe rows {benign} answer benign queries"
        why = "A guard trained on these alone may call every helpful answer unsafe; `synth probe` measures it"
        lines += [f"**Few helpful answers**: {few}. {why}.", ""]
    return lines


def _how(recipe: Recipe, facts: Facts) -> list[str]:
    offline = any(role.answerer == "offline" for role in recipe.models.values())
    lines = ["## How it was made", ""]
    if offline:
        lines += [
            "Written by synth's embedded offline backend: sentence frames, **not a language model**. For trying things out, not for training.",
            "",
        ]
    lines += ["| role | model | sampling |", "|---|---|---|"]
    lines += [
        f"| {_cell(name)} | {_cell(role.model)} | {_cell(_sampling(role))} |" for name, role in recipe.models.items()
    ]
    lines += [f"| {_cell(name)} | {_cell(told(role))} | |" for name, role in recipe.composed.items()]
    filters = [
        f"`{place}.{_cell(use.name)}`"
        for place in ("query", "response", "row")
        for use in getattr(recipe.filters, place)
    ]
    dedup = recipe.dedup
    near = (
        f"Jaccard {dedup.threshold:g} or more over character {dedup.ngram}-grams of the normalised query, within one query"
        " type; a query and its own augmentations are one family and exempt"
    )
    if dedup.passages:
        near += "; passages that many rows of the file share are left out"
    if dedup.short:
        near += f"; queries of at most {dedup.short} characters only where no word that matters differs"
    if dedup.semantic:
        near += (
            f"; and of queries that differ by that, a cosine of {dedup.semantic.threshold:g} or more between their vectors of "
            f"{_cell(recipe.models[dedup.semantic.model].model)}"
        )
    return [
        *lines,
        "",
        f"- seed {recipe.seed}, fingerprint `{facts.fingerprint}`, {_pairs(facts.versions)}",
        *(
            f"- {_cell(model)} was asked with {_cell(without(fields))}: its server does not take it otherwise"
            for model, fields in facts.asked_without.items()
        ),
        f"- near-duplicates dropped: {near}",
        mark_line(recipe.output.mark),
        f"- judges: {_verdict(recipe)} have no label and stand in `hard`",
        *(
            [f"- held out of training, in `test`: {_cell(', '.join(recipe.output.held_out))}"]
            if recipe.output.held_out
            else []
        ),
        *(
            f"- checked against `{_cell(it.name)}` ({it.rows} rows, hash `{it.hash}`): {_AVOIDED}"
            for it in facts.avoided
        ),
        *([_found(recipe, facts.dropped)] if facts.avoided else []),
        f"- filters: {', '.join(filters) or 'none'}",
        f"- prompts: {_pairs(facts.prompts)}",
        "",
    ]


def without(fields: Mapping[str, str]) -> str:
    """What a model's server does not take, and what is done about it, in words for a dataset card: by field of a request's body."""
    return ", ".join(f"{name} {what}" for name, what in sorted(fields.items()))


def _sampling(role: Role) -> str:
    """`extra` may hold anything; the card is public, so of its fields those alone are told that say how a model samples."""
    return ", ".join(f"{name} {value}" for name, value in role.params.items() if name in _SAMPLING)


def _verdict(recipe: Recipe) -> str:
    """How many judges there are, what makes a label of their votes, and which rows have none."""
    blocks = recipe.blocks()
    if "judge" not in blocks:  # another package's stage, whose ways are its own
        names = " and ".join(f"`{_cell(name)}`" for name, (stage, _) in blocks.items() if stage.says("judges"))
        return f"by the stage {names}; rows to which that gives none"
    _, judge = blocks["judge"]
    if judge.verdict == UNANIMOUS and judge.quorum is None:
        return f"{len(judge.models)}, all must agree; rows on which they differ"
    chosen = {judge.verdict: None} if isinstance(judge.verdict, str) else judge.verdict
    rule = ", ".join(name if value is None else f"{name}: {value}" for name, value in chosen.items())
    quorum = f"at least {judge.quorum or len(judge.models)} must give a verdict"
    return f"{len(judge.models)}, of whom {quorum}; the label is by `{_cell(rule)}`; rows to which that gives none"


def _found(recipe: Recipe, dropped: Mapping[str, int]) -> str:
    """What was dropped because it would have come again, by how it was found."""
    ways = {"near": "nearly the same", "contained": "with a whole one inside", "disguised": "in evasive spelling"}
    told = []
    steps = {"respond", *(name for name, (stage, _) in recipe.blocks().items() if stage.kind == "step")}
    others = {key.partition(".")[0] for key in dropped} - steps
    for what, stages in (("queries", others), ("answers", steps)):
        counts = {way: sum(dropped.get(f"{stage}.avoided.{way}", 0) for stage in stages) for way in ways}
        each = ", ".join(f"{count} {ways[way]}" for way, count in counts.items() if count)
        told.append(f"{sum(counts.values())} {what}" + (f" ({each})" if each else ""))
    return f"- dropped for that: {', '.join(told)}"


def _tables(facts: Facts) -> list[str]:
    lines = ["## Rows", "", "| split | rows |", "|---|---|"]
    lines += [f"| {_cell(split)} | {count} |" for split, count in facts.splits.items() if count]
    lines += ["", "| subcategory | query | label | accepted | target | status |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {_cell(cell['subcategory'])} {_cell(cell['name'])} | {cell['query_type']} | {_cell(cell['label'])} | {cell['accepted']} | "
        f"{'all' if cell['target'] is None else cell['target']} | {_cell(cell['status'])}{', doubtful' if cell.get('doubtful') else ''} |"
        for cell in facts.cells
    ]
    lines += ["", "## Dropped", "", "| stage.reason | count |", "|---|---|"]
    return lines + [f"| {_cell(reason)} | {count} |" for reason, count in facts.dropped.items()]


def _pairs(values: Mapping[str, str]) -> str:
    return ", ".join(f"{_cell(name)} {_cell(value)}" for name, value in values.items())

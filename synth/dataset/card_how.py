"""How a data set was made, as the facts of its card: roles and sampling, near-duplicates, verdicts, filters, what it was checked against."""

from collections.abc import Mapping
from typing import Any, Final

from synth.dataset.card_facts import Facts
from synth.recipe.labels import UNANIMOUS
from synth.recipe.routing import told
from synth.recipe.schema import Recipe

_SAMPLING: Final = frozenset(
    (
        *("temperature", "top_p", "top_k", "min_p", "typical_p", "max_tokens", "max_completion_tokens", "min_tokens"),
        *("stop", "seed", "presence_penalty", "frequency_penalty", "repetition_penalty", "length_penalty", "n"),
        *("no_repeat_ngram_size", "best_of", "reasoning_effort", "enable_thinking", "thinking_budget", "dimensions"),
    )
)
"""`extra` may hold anything; the card is public, so of its fields those alone are told that say how a model samples."""
_WAYS: Final = ("near", "contained", "disguised")


def how_made(recipe: Recipe, facts: Facts) -> dict[str, Any]:
    """How the rows of a recipe's run were made, as a card's facts have it."""
    return {
        "seed": recipe.seed,
        "fingerprint": facts.fingerprint,
        "versions": [{"name": name, "version": version} for name, version in facts.versions.items()],
        "roles": [
            {"role": name, "model": role.model, "sampling": _sampling(role.params)}
            for name, role in recipe.models.items()
        ],
        "composed": [{"role": name, "made": told(role)} for name, role in recipe.composed.items()],
        "asked_without": [{"model": model, "fields": without(names)} for model, names in facts.asked_without.items()],
        "dedup": _near(recipe),
        "mark": recipe.output.mark,
        "personal": recipe.filters.personal,
        "redact": [recipe.models[leaf].model for leaf in _redactors(recipe)],
        "verdict": verdict(recipe),
        "held_out": list(recipe.output.held_out),
        "avoided": [{"name": one.name, "rows": one.rows, "hash": one.hash} for one in facts.avoided],
        "again": again(recipe, facts.dropped) if facts.avoided else [],
        "filters": [
            f"{place}.{use.name}" for place in ("query", "response", "row") for use in getattr(recipe.filters, place)
        ],
        "prompts": [{"name": name, "hash": hash} for name, hash in facts.prompts.items()],
    }


def without(fields: Mapping[str, str]) -> str:
    """What a model's server does not take, and what is done about it, in words for a dataset card: by field of a request's body."""
    return ", ".join(f"{name} {what}" for name, what in sorted(fields.items()))


def verdict(recipe: Recipe) -> dict[str, Any]:
    """For a dataset card, how many judges a recipe has and what makes a label of their votes; or the stages of another package that do,
    whose ways are their own."""
    blocks = recipe.blocks()
    if "judge" not in blocks:
        stages = [name for name, (stage, _) in blocks.items() if stage.says("judges")]
        return {"stages": stages, "judges": 0, "unanimous": False, "quorum": 0, "rule": ""}
    _, judge = blocks["judge"]
    chosen = {judge.verdict: None} if isinstance(judge.verdict, str) else judge.verdict
    return {
        "stages": [],
        "judges": len(judge.models),
        "unanimous": judge.verdict == UNANIMOUS and judge.quorum is None,
        "quorum": judge.quorum or len(judge.models),
        "rule": ", ".join(name if value is None else f"{name}: {value}" for name, value in chosen.items()),
    }


def again(recipe: Recipe, dropped: Mapping[str, int]) -> list[dict[str, Any]]:
    """For a dataset card, what was dropped because it would have come again: of queries and of answers, by how it was found."""
    steps = {"respond", *(name for name, (stage, _) in recipe.blocks().items() if stage.kind == "step")}
    others = {key.partition(".")[0] for key in dropped} - steps
    found = []
    for what, stages in (("queries", others), ("answers", steps)):
        counts = {way: sum(dropped.get(f"{stage}.avoided.{way}", 0) for stage in stages) for way in _WAYS}
        each = [{"way": way, "count": count} for way, count in counts.items() if count]
        found.append({"what": what, "count": sum(counts.values()), "each": each})
    return found


def _sampling(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in params.items() if name in _SAMPLING)


def _near(recipe: Recipe) -> dict[str, Any]:
    found = recipe.dedup
    semantic = found.semantic and {
        "threshold": found.semantic.threshold,
        "model": recipe.models[found.semantic.model].model,
    }
    named = {name: getattr(found, name) for name in ("threshold", "ngram", "passages", "short")}
    return named | {"semantic": semantic}


def _redactors(recipe: Recipe) -> list[str]:
    """The roles that take out of answers what could be done, before anybody judges them."""
    stages = {name for name, (stage, _) in recipe.blocks().items() if stage.says("redacts")}
    return [leaf for place, leaf in recipe.role_uses() if place.partition(".")[0] in stages]

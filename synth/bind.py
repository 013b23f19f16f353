"""From a recipe to the things that run it: lanes, stages, rules, all checked before anything is paid for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synth import backends, composed, filters, prompt, taxonomy
from synth.composed import Mix
from synth.dedup.avoid import Avoided
from synth.errors import ConfigError
from synth.filters.personal import personal, replaced
from synth.fold.work import Work
from synth.plan.lanes import BEHAVIOUR, Brief, check_mixture, elements, lanes
from synth.prices import Prices, prices
from synth.recipe import SEMANTIC, Recipe, fingerprint
from synth.stages.augment import TACTIC, Augmenter
from synth.stages.calling import Caller
from synth.stages.embed import Embedder
from synth.stages.judge import Panel
from synth.stages.ledger import Ledger
from synth.stages.line import Lines, alone, chained, mixed
from synth.stages.own import OwnFile
from synth.stages.query import Writer
from synth.stages.respond import Responder
from synth.taxonomy import Taxonomy
from synth.types import Element, Message


@dataclass(frozen=True)
class Bound:
    """A recipe whose every name has been found and checked."""

    recipe: Recipe
    briefs: list[Brief]
    work: Work
    names: Mapping[str, tuple[str, str]]
    """Chinese names of scenario and subcategory, by subcategory id."""
    prompts: Mapping[str, str]
    """Hash of every prompt in use, by name."""
    identity: Mapping[str, str]
    """What bears on the data, by dotted name: keys of the recipe, taxonomies, prompts, the user's own file."""
    prices: Prices
    """Of the models."""

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.identity)


def bind(recipe: Recipe) -> Bound:
    """Loads taxonomies and prompts, binds roles and filters, renders every prompt. ConfigError for the first thing wrong."""
    _check_backends(recipe)
    harm = taxonomy.load_all(recipe.taxonomies)
    if not recipe.query:
        harm = taxonomy.together([harm, taxonomy.load_shipped("own")])
    ordinary = taxonomy.load("ordinary") if recipe.query and recipe.ordinary else None
    briefs = lanes(recipe, harm, ordinary)
    work, briefs = _work(recipe, harm, briefs)
    check_mixture(recipe, briefs)
    prompts = {template.name: template.hash for template in work.prompts()}
    bound = Bound(
        recipe=recipe,
        briefs=briefs,
        work=work,
        names={
            brief.lane.subcategory: (str(brief.scenario["name"]), str(brief.subcategory["name"])) for brief in briefs
        },
        prompts=prompts,
        identity=_leaves(recipe.identity())
        | {f"taxonomy {name.name}": fingerprint(name.model_dump(mode="json")) for name in (harm, ordinary) if name}
        | {f"prompt {name}": hash for name, hash in prompts.items()}
        | ({"own file": work.source.hash} if isinstance(work.source, OwnFile) else {})
        | ({"avoided": work.avoided.hash} if work.avoided else {}),
        prices=prices(recipe.models),
    )
    for _ in rendered(bound, briefs):
        pass
    return bound


def rendered(bound: Bound, briefs: Sequence[Brief]) -> Iterator[tuple[str, Sequence[Message]]]:
    """Every prompt on every one of these lanes that it is used in, with elements drawn and stand-ins for what models write."""
    for brief in briefs:
        drawn = elements(bound.recipe.seed, brief, 0)
        told = brief.variables | {
            "bank": BEHAVIOUR,
            "items": ("……",),
            "elements": drawn,
            "n": 10,
            "query": "（某条问题）",
            "response": "（某个回答）",
            "messages": (Message("user", "（某条问题）"),),
        }
        stances = {stance for mix in brief.cells.values() for stance in mix}
        for template in bound.work.prompts():
            kind, _, name = template.name.partition("/")
            used = {
                "query": bound.work.source.asks(brief, template.name),
                "augment": name in brief.operators,
                "respond": name in stances,
            }
            if used.get(kind, True):
                tactic = {"elements": (*drawn, Element(TACTIC, "……"))} if kind == "augment" else {}
                yield f"{template.name} @ {brief.lane.id}", template.render(told | tactic)


def _leaves(data: Any, path: str = "") -> dict[str, str]:
    """The single values in nested mappings, as JSON, by dotted path."""
    if not isinstance(data, dict):
        return {path: json.dumps(data, ensure_ascii=False)}
    return {
        leaf: value
        for key, below in data.items()
        for leaf, value in _leaves(below, f"{path}.{key}" if path else str(key)).items()
    }


def _work(recipe: Recipe, harm: Taxonomy, briefs: list[Brief]) -> tuple[Work, list[Brief]]:
    source: Writer | OwnFile
    ledger = Ledger()
    if recipe.query:
        source = Writer(
            _lines(recipe, recipe.query.model, ledger),
            recipe.query.prompts,
            per_call=recipe.query.per_call,
            seed=recipe.seed,
        )
    else:
        path = recipe.pairs or recipe.queries or ""
        source = OwnFile(path, briefs, pairs=recipe.pairs is not None, seed=recipe.seed)
        briefs = [brief for brief in briefs if brief.lane.id in source.lanes]
        if missing := source.lanes - {brief.lane.id for brief in briefs}:
            raise ConfigError(
                f"{path}: rows of {min(missing)} have no cell in the recipe; add one under `cells`, or drop those rows"
            )
    private = [("personal", personal())] if recipe.filters.personal == "drop" else []
    work = Work(
        source=source,
        panel=Panel(
            [_lines(recipe, role, ledger) for role in recipe.judge.models], _judges(recipe), recipe.judge.prompt
        ),
        augmenter=_augmenter(recipe, harm, ledger),
        embedder=_embedder(recipe, ledger),
        responder=Responder([_lines(recipe, role, ledger) for role in recipe.respond.models], seed=recipe.seed)
        if recipe.respond
        else None,
        query_rules=[*private, *filters.bind("text", recipe.filters.query, "query")],
        response_rules=[*private, *filters.bind("text", recipe.filters.response, "response")],
        row_rules=filters.bind("row", recipe.filters.row, "row", _rule_texts(briefs)),
        avoided=Avoided(recipe.avoid, ngram=recipe.dedup.ngram, threshold=recipe.dedup.threshold)
        if recipe.avoid
        else None,
        tidy=replaced if recipe.filters.personal == "replace" else None,
        plain=[
            _plain(name)
            for name in sorted({recipe.models[role].completion or "" for _, role in recipe.role_uses()})
            if name
        ],
        seed=recipe.seed,
        ledger=ledger,
    )
    return work, briefs


def _rule_texts(briefs: Sequence[Brief]) -> dict[str, str]:
    """By subcategory what its judges are told of it."""
    return {
        brief.lane.subcategory: "\n".join([brief.subcategory["definition"], *brief.subcategory["rule"].values()])
        for brief in briefs
    }


def _augmenter(recipe: Recipe, harm: Taxonomy, ledger: Ledger) -> Augmenter | None:
    if recipe.augment is None:
        return None
    lines = _lines(recipe, recipe.augment.model, ledger)
    return Augmenter(lines, recipe.augment.operators, tactics=harm.banks.get(TACTIC, ()), seed=recipe.seed)


def _embedder(recipe: Recipe, ledger: Ledger) -> Embedder | None:
    if recipe.dedup.semantic is None:
        return None
    name = recipe.dedup.semantic.model
    role = recipe.models[name]
    caller = Caller(name, role.model, backends.family(role), role.extra, ledger=ledger)
    return Embedder(caller, threshold=recipe.dedup.semantic.threshold)


def _check_backends(recipe: Recipe) -> None:
    for place, name in recipe.role_uses():
        role, what = recipe.models[name], "vectors" if place == SEMANTIC else "words"
        if not backends.gives(role, what):
            others = (
                "embeddings (a server's model) or local (one in a folder)" if place == SEMANTIC else "openai or vllm"
            )
            raise ConfigError(
                f"models.{name}: backend {role.backend} gives no {what}, and {place} needs them; use {others}"
            )


def _judges(recipe: Recipe) -> list[tuple[str, str]]:
    """Role and model of every seat of the panel; of a role made of others, all their models."""
    seats = {role: composed.leaves(role, recipe.composed) for role in recipe.judge.models}
    return [(role, " / ".join(recipe.models[leaf].model for leaf in seats[role])) for role in recipe.judge.models]


def _lines(recipe: Recipe, name: str, ledger: Ledger) -> Lines:
    role = recipe.composed.get(name)
    if role is None:
        return alone(_caller(recipe, name, ledger))
    if isinstance(role, Mix):
        return mixed(name, role.mix, {member: _lines(recipe, member, ledger) for member in role.mix})
    return chained([_lines(recipe, member, ledger) for member in role.chain], frozenset(role.on))


def _caller(recipe: Recipe, role: str, ledger: Ledger) -> Caller:
    chosen = recipe.models[role]
    return Caller(
        role,
        chosen.model,
        backends.family(chosen),
        chosen.params,
        chosen.system,
        chosen.prefill,
        _plain(chosen.completion) if chosen.completion else None,
        ledger,
    )


def _plain(name: str) -> prompt.Prompt:
    return prompt.load(f"completion/{name}", {"messages"})

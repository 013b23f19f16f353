"""From a recipe to the things that run it: lanes, stages, rules, all checked before anything is paid for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synth import __version__, backends, filters
from synth.errors import ConfigError
from synth.filters.personal import personal, replaced
from synth.journal.usage import Prices, prices
from synth.plan.lanes import BEHAVIOUR, LaneSpec, check_mixture, elements, lanes
from synth.recipe import routing
from synth.recipe.library import Inputs, Library
from synth.recipe.prompt import Load, Prompt
from synth.recipe.routing import Mix
from synth.recipe.schema import SEMANTIC, Recipe, fingerprint
from synth.recipe.taxonomy import Taxonomy
from synth.stages.augment import TACTIC, Augmenter
from synth.stages.embed import Embedder
from synth.stages.fallback import Router, alone, chained, mixed
from synth.stages.flow import Flow
from synth.stages.judge import Panel
from synth.stages.own_file import OwnFile
from synth.stages.query import Writer
from synth.stages.reply_stats import ReplyStats
from synth.stages.requester import Requester
from synth.stages.respond import Responder
from synth.tables.avoid import avoided
from synth.types import Element, Message


@dataclass(frozen=True)
class CompiledRecipe:
    """A recipe whose every name has been found and checked."""

    recipe: Recipe
    specs: list[LaneSpec]
    flow: Flow
    names: Mapping[str, tuple[str, str]]
    """Chinese names of scenario and subcategory, by subcategory id."""
    prompts: Mapping[str, str]
    """Hash of every prompt in use, by name."""
    identity: Mapping[str, str]
    """What bears on the data, by dotted name: keys of the recipe, taxonomies, prompts, the user's own file."""
    inputs: Inputs = field(repr=False)
    """All that was read."""
    prices: Prices
    """Of the models."""

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.identity)


def compile_recipe(recipe: Recipe, kept: Inputs | None = None) -> CompiledRecipe:
    """Loads taxonomies and prompts, binds roles and filters, renders every prompt. With `kept` the texts are those that a journal
    holds, whatever stands in the folders. ConfigError for the first thing wrong."""
    _check_backends(recipe)
    library = Library(kept)
    harm, ordinary = library.taxonomies_of(recipe)
    specs = lanes(recipe, harm, ordinary)
    flow, specs = _flow(recipe, harm, specs, library)
    check_mixture(recipe, specs)
    prompts = {template.name: template.hash for template in flow.prompts()}
    lists = ({"own file": flow.source.hash} if isinstance(flow.source, OwnFile) else {}) | (
        {"avoided": flow.avoided.hash} if flow.avoided else {}
    )
    compiled = CompiledRecipe(
        recipe=recipe,
        specs=specs,
        flow=flow,
        names={spec.lane.subcategory: (str(spec.scenario["name"]), str(spec.subcategory["name"])) for spec in specs},
        prompts=prompts,
        identity=_leaves(recipe.identity())
        | {f"taxonomy {name.name}": fingerprint(name.model_dump(mode="json")) for name in (harm, ordinary) if name}
        | {f"prompt {name}": hash for name, hash in prompts.items()}
        | lists,
        inputs=library.inputs(recipe, lists, __version__),
        prices=prices(recipe.models),
    )
    for _ in rendered(compiled, specs):
        pass
    return compiled


def rendered(compiled: CompiledRecipe, specs: Sequence[LaneSpec]) -> Iterator[tuple[str, Sequence[Message]]]:
    """Every prompt on every one of these lanes that it is used in, with elements drawn and stand-ins for what models write."""
    for spec in specs:
        drawn = elements(compiled.recipe.seed, spec, 0)
        told = spec.variables | {
            "bank": BEHAVIOUR,
            "items": ("……",),
            "elements": drawn,
            "n": 10,
            "query": "（某条问题）",
            "response": "（某个回答）",
            "messages": (Message("user", "（某条问题）"),),
        }
        stances = {stance for mix in spec.cells.values() for stance in mix}
        for template in compiled.flow.prompts():
            kind, _, name = template.name.partition("/")
            used = {
                "query": compiled.flow.source.asks(spec, template.name),
                "augment": name in spec.operators,
                "respond": name in stances,
            }
            if used.get(kind, True):
                tactic = {"elements": (*drawn, Element(TACTIC, "……"))} if kind == "augment" else {}
                yield f"{template.name} @ {spec.lane.id}", template.render(told | tactic)


def _leaves(data: Any, path: str = "") -> dict[str, str]:
    """The single values in nested mappings, as JSON, by dotted path."""
    if not isinstance(data, dict):
        return {path: json.dumps(data, ensure_ascii=False)}
    return {
        leaf: value
        for key, below in data.items()
        for leaf, value in _leaves(below, f"{path}.{key}" if path else str(key)).items()
    }


def _flow(recipe: Recipe, harm: Taxonomy, specs: list[LaneSpec], library: Library) -> tuple[Flow, list[LaneSpec]]:
    source: Writer | OwnFile
    ledger, load = ReplyStats(), library.prompt
    if recipe.query:
        source = Writer(
            _lines(recipe, recipe.query.model, ledger, load),
            recipe.query.prompts,
            per_call=recipe.query.per_call,
            seed=recipe.seed,
            load=load,
        )
    else:
        path = recipe.pairs or recipe.queries or ""
        source = OwnFile(path, specs, pairs=recipe.pairs is not None, seed=recipe.seed)
        specs = [spec for spec in specs if spec.lane.id in source.lanes]
        if missing := source.lanes - {spec.lane.id for spec in specs}:
            raise ConfigError(
                f"{path}: rows of {min(missing)} have no cell in the recipe; add one under `cells`, or drop those rows"
            )
    private = [("personal", personal())] if recipe.filters.personal == "drop" else []
    flow = Flow(
        source=source,
        panel=Panel(
            [_lines(recipe, role, ledger, load) for role in recipe.judge.models],
            _judges(recipe),
            recipe.judge.prompt,
            load,
        ),
        augmenter=_augmenter(recipe, harm, ledger, load),
        embedder=_embedder(recipe, ledger),
        responder=Responder(
            [_lines(recipe, role, ledger, load) for role in recipe.respond.models], seed=recipe.seed, load=load
        )
        if recipe.respond
        else None,
        query_rules=[*private, *filters.bind("text", recipe.filters.query, "query", prompts=library.shown)],
        response_rules=[*private, *filters.bind("text", recipe.filters.response, "response", prompts=library.shown)],
        row_rules=filters.bind("row", recipe.filters.row, "row", _rule_texts(specs)),
        avoided=avoided(recipe.avoid, ngram=recipe.dedup.ngram, threshold=recipe.dedup.threshold)
        if recipe.avoid
        else None,
        tidy=replaced if recipe.filters.personal == "replace" else None,
        plain=[
            _plain(name, load)
            for name in sorted({recipe.models[role].completion or "" for _, role in recipe.role_uses()})
            if name
        ],
        seed=recipe.seed,
        ledger=ledger,
    )
    return flow, specs


def _rule_texts(specs: Sequence[LaneSpec]) -> dict[str, str]:
    """By subcategory what its judges are told of it."""
    return {
        spec.lane.subcategory: "\n".join([spec.subcategory["definition"], *spec.subcategory["rule"].values()])
        for spec in specs
    }


def _augmenter(recipe: Recipe, harm: Taxonomy, ledger: ReplyStats, load: Load) -> Augmenter | None:
    if recipe.augment is None:
        return None
    lines = _lines(recipe, recipe.augment.model, ledger, load)
    return Augmenter(lines, recipe.augment.operators, tactics=harm.banks.get(TACTIC, ()), seed=recipe.seed, load=load)


def _embedder(recipe: Recipe, ledger: ReplyStats) -> Embedder | None:
    if recipe.dedup.semantic is None:
        return None
    name = recipe.dedup.semantic.model
    role = recipe.models[name]
    caller = Requester(name, role.named, backends.family(role), role.extra, ledger=ledger, revision=role.revision or "")
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
    seats = {role: routing.leaves(role, recipe.composed) for role in recipe.judge.models}
    return [(role, " / ".join(recipe.models[leaf].named for leaf in seats[role])) for role in recipe.judge.models]


def _lines(recipe: Recipe, name: str, ledger: ReplyStats, load: Load) -> Router:
    role = recipe.composed.get(name)
    if role is None:
        return alone(_caller(recipe, name, ledger, load))
    if isinstance(role, Mix):
        return mixed(name, role.mix, {member: _lines(recipe, member, ledger, load) for member in role.mix})
    return chained([_lines(recipe, member, ledger, load) for member in role.chain], frozenset(role.on))


def _caller(recipe: Recipe, role: str, ledger: ReplyStats, load: Load) -> Requester:
    chosen = recipe.models[role]
    return Requester(
        role,
        chosen.named,
        backends.family(chosen),
        chosen.params,
        chosen.system,
        chosen.prefill,
        _plain(chosen.completion, load) if chosen.completion else None,
        ledger,
        chosen.revision or "",
    )


def _plain(name: str, load: Load) -> Prompt:
    return load(f"completion/{name}", {"messages"})

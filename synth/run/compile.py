"""From a recipe to the things that run it: lanes, stages, rules, all checked before anything is paid for."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from synth import __version__, backends
from synth.dataset import card_trial
from synth.dataset.reader import Dataset
from synth.dedup.decontaminate import Avoided
from synth.errors import ConfigError, did_you_mean
from synth.filters.personal import replaced
from synth.journal.usage import Prices, prices
from synth.plan.lanes import LaneSpec, check_mixture, elements, lanes
from synth.plan.quota import check_axes
from synth.recipe import routing
from synth.recipe.backend import VECTORS, WORDS, giving
from synth.recipe.checks import SEMANTIC, check_begun
from synth.recipe.library import Inputs, Library
from synth.recipe.prompt import Load, Prompt
from synth.recipe.routing import Mix
from synth.recipe.schema import Recipe, fingerprint
from synth.recipe.sections import Filters
from synth.recipe.taxonomy import Taxonomy
from synth.run.rules import bound_rules
from synth.sanitize import as_data, as_tagged, as_turn
from synth.stages import guarded
from synth.stages.contract import Context, Source
from synth.stages.embed import Embedder
from synth.stages.fallback import Router, alone, chained, mixed
from synth.stages.flow import Bound, Flow
from synth.stages.reply_stats import ReplyStats
from synth.stages.requester import Requester
from synth.tables.avoid import avoided
from synth.types import Message

QUERY, RESPONSE = "（某条问题）", "（某个回答）"
"""The stand-ins for texts that models write, where a prompt is rendered to see whether it can be."""


@dataclass(frozen=True)
class CompiledRecipe:
    """A recipe with every name found and checked: its lanes, flow, prompts, inputs and prices, ready to run."""

    recipe: Recipe
    specs: list[LaneSpec]
    flow: Flow
    names: Mapping[str, tuple[str, str]]
    """The Chinese names of scenario and subcategory, by subcategory id."""
    prompts: Mapping[str, str]
    """The hash of every prompt in use, by name."""
    identity: Mapping[str, str]
    """What changes the data, by dotted name: keys of the recipe, taxonomies, prompts, the user's own file."""
    inputs: Inputs = field(repr=False)
    """All files and texts that were read to compile the recipe."""
    prices: Prices
    """The prices of the recipe's models."""

    @property
    def fingerprint(self) -> str:
        """A hash of the compiled recipe's identity and of how its rows go out, 16 hex digits."""
        return fingerprint(self.identity, self.recipe.output.mark)


def compile_recipe(
    recipe: Recipe, kept: Inputs | None = None, *, tried: Callable[[CompiledRecipe], bool] = lambda _: False
) -> CompiledRecipe:
    """The recipe compiled: taxonomies and prompts loaded, stages and filters bound, every prompt rendered once, unless the
    very same was `tried` before. With `kept` the texts are those that a journal holds, whatever stands in the folders.
    ConfigError for the first thing wrong."""
    _check_backends(recipe)
    library = Library(kept)
    harm, ordinary = library.taxonomies_of(recipe)
    flow, specs = _flow(recipe, harm, lanes(recipe, harm, ordinary), library)
    check_mixture(recipe, specs)
    check_axes(recipe.mixture.at_least, specs, answers=recipe.answers)
    prompts = {template.name: template.hash for template in flow.prompts()}
    _check_prompts(recipe, flow)
    lists = ({"own file": flow.source.hash} if flow.source.hash else {}) | (
        {"avoided": flow.avoided.hash} if flow.avoided else {}
    )
    compiled = CompiledRecipe(
        recipe=recipe,
        specs=specs,
        flow=flow,
        names={spec.lane.subcategory: (str(spec.scenario["name"]), str(spec.subcategory["name"])) for spec in specs},
        prompts=prompts,
        identity=_leaves(recipe.identity())
        | {f"taxonomy {name.name}": fingerprint(name.identity()) for name in (harm, ordinary) if name}
        | {f"prompt {name}": hash for name, hash in prompts.items()}
        | lists,
        inputs=library.inputs(recipe, lists, __version__),
        prices=prices(recipe.models),
    )
    if not tried(compiled):
        for _ in rendered(compiled, specs):
            pass
        card_trial.tried(recipe)
    return compiled


def rendered(compiled: CompiledRecipe, specs: Sequence[LaneSpec]) -> Iterator[tuple[str, Sequence[Message]]]:
    """Every prompt of a compiled recipe rendered on every one of these lanes that uses it, with elements drawn and
    stand-ins for what models write."""
    for spec in specs:
        for bound in compiled.flow.stages:
            for prompt, variables in stand_ins(compiled, spec, bound):
                if bound.stage.uses(spec, prompt.name):
                    yield f"{prompt.name} @ {spec.lane.id}", prompt.render(variables)
        for prompt in compiled.flow.plain:
            yield f"{prompt.name} @ {spec.lane.id}", prompt.render({"messages": (Message("user", QUERY),)})


def stand_ins(
    compiled: CompiledRecipe,
    spec: LaneSpec,
    bound: Bound,
    query: str = QUERY,
    response: str = RESPONSE,
    *,
    call: int = 0,
) -> Iterator[tuple[Prompt, dict[str, Any]]]:
    """What a prompt is rendered with as a recipe is compiled: each prompt of a stage, with a value for every variable
    it may use: the lane's, these stand-in texts, the stage's own examples. Elements among the examples are added to the
    ones drawn for the writer's `call`."""
    drawn = elements(compiled.recipe.seed, spec, call)
    usual = spec.variables | {"n": 10, "query": query, "response": response}
    if bound.stage.kind == "source":
        usual |= bound.stage.variables(spec, call)
    usual["conversation"] = (Message("user", query), Message("assistant", response))
    for entry in bound.prompts:
        examples = {name: value for name, value in entry.examples.items() if name not in usual and value is not None}
        if rows := examples.get("rows"):
            examples["rows"] = [row | {"query": query, "response": response} for row in rows]
        yield entry.prompt, usual | examples | {"elements": (*drawn, *examples.get("elements", ()))}


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
    """Every stage bound, one after the other, with the rules around them; and the lanes, as far as the source has rows for them."""
    context = _context(recipe, harm, specs, library.prompt)
    stages = []
    for name, (stage, options) in recipe.blocks().items():
        own = replace(context, name=name, prompts=[])
        stages.append(Bound(name, guarded.bind(name, stage, options, own), own.prompts))
    source = stages[0].stage
    texts = Filters() if source.from_run else recipe.filters  # what a run has made has passed them
    if source.from_file:
        specs = _with_rows(specs, frozenset(source.lanes), stages[0].name)
    flow = Flow(
        source=source,
        stages=stages,
        embedder=_embedder(recipe, source, context.stats),
        rules=bound_rules(recipe, texts, specs, library),
        avoided=_avoided(recipe),
        tidy=replaced if texts.personal == "replace" else None,
        plain=_plain_prompts(recipe, library.prompt),
        labels=recipe.scheme,
        answers=recipe.answers,
        seed=recipe.seed,
        sparing=recipe.assumed_yield is not None and not source.from_file,
        children=recipe.accept.children,
        stats=context.stats,
    )
    return flow, [replace(spec, operators=flow.shares(spec)) for spec in specs]


def _avoided(recipe: Recipe) -> Avoided | None:
    told = recipe.dedup
    if not recipe.avoid:
        return None
    return avoided(recipe.avoid, ngram=told.ngram, threshold=told.threshold, unmarked=told.unmarked)


def _context(recipe: Recipe, harm: Taxonomy, specs: Sequence[LaneSpec], load: Load) -> Context:
    stats = ReplyStats()
    return Context(
        name="",
        seed=recipe.seed,
        labels=recipe.scheme,
        taxonomy=harm,
        specs=specs,
        answers=recipe.answers,
        stats=stats,
        router=lambda role: router_of(recipe, role, stats, load),
        model_of=lambda role: " / ".join(recipe.models[leaf].named for leaf in routing.leaves(role, recipe.composed)),
        max_tokens=lambda role: min(recipe.models[leaf].max_tokens for leaf in routing.leaves(role, recipe.composed)),
        load=load,
        as_data=as_data if recipe.plain_turns else as_tagged,
        as_turn=as_turn if recipe.plain_turns else str,
        passages=recipe.dedup.passages,
        made=partial(_made, recipe),
    )


def _made(recipe: Recipe, folder: str, split: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a split of another run's dataset, their texts as they were judged. ConfigError where the recipe would part train and
    validation otherwise than that run did."""
    dataset = Dataset(Path(folder))
    if split not in (found := dataset.filled()):
        raise ConfigError(f"{folder}: its dataset has no split {split!r}; {did_you_mean(split, found)}")
    told = dataset.facts().get("recipe") or {}
    output = told.get("output") or {}
    for key, ours in (("validation", recipe.output.validation), ("held_out", list(recipe.output.held_out))):
        if key in output and output[key] != ours:
            raise ConfigError(
                f"output.{key}: is {ours!r}, and {output[key]!r} in {folder}, so rows would be trained on that stood apart there; "
                f"say --set output.{key}={json.dumps(output[key], ensure_ascii=False)}"
            )
    yield from dataset.rows(split, marked=True)


def _with_rows(specs: Sequence[LaneSpec], lanes: frozenset[str], source: str) -> list[LaneSpec]:
    found = [spec for spec in specs if spec.lane.id in lanes]
    if missing := lanes - {spec.lane.id for spec in found}:
        raise ConfigError(
            f"{source}: rows of {min(missing)} have no cell in the recipe; add one under `cells`, or drop those rows"
        )
    return found


def _embedder(recipe: Recipe, source: Source, stats: ReplyStats) -> Embedder | None:
    if (told := recipe.dedup.semantic) is None:
        return None
    name, role = told.model, recipe.models[told.model]
    caller = Requester(name, role.named, backends.family(role), role.extra, stats=stats, revision=role.revision or "")
    return Embedder(caller, threshold=told.threshold, passages=source.passages)


def _check_backends(recipe: Recipe) -> None:
    for place, name in recipe.role_uses():
        role, what = recipe.models[name], VECTORS if place == SEMANTIC else WORDS
        if not backends.gives(role, what):
            raise ConfigError(
                f"models.{name}: backend {role.backend} gives no {what}, and {place} needs them; use {giving(what)}"
            )
        try:
            check_begun(name, role)  # the command line may have named another backend
        except ValueError as error:
            raise ConfigError(str(error)) from error


def _check_prompts(recipe: Recipe, flow: Flow) -> None:
    """Every role can answer the prompts of the stages that ask it."""
    for place, name in recipe.role_uses():
        asked = [] if place == SEMANTIC else flow.prompts(place.partition(".")[0])
        if wrong := recipe.models[name].settings.objection([prompt.name for prompt in asked]):
            raise ConfigError(f"models.{name}: {wrong}")


def router_of(recipe: Recipe, name: str, stats: ReplyStats, load: Load) -> Router:
    """Whom a role of a compiled recipe asks: one model, a mixture's by weight, or a chain's in order."""
    role = recipe.composed.get(name)
    if role is None:
        return alone(_caller(recipe, name, stats, load))
    if isinstance(role, Mix):
        return mixed(name, role.mix, {member: router_of(recipe, member, stats, load) for member in role.mix})
    return chained([router_of(recipe, member, stats, load) for member in role.chain], frozenset(role.on))


def _caller(recipe: Recipe, role: str, stats: ReplyStats, load: Load) -> Requester:
    chosen = recipe.models[role]
    return Requester(
        role,
        chosen.named,
        backends.family(chosen),
        chosen.params,
        chosen.system,
        chosen.prefill,
        _plain(chosen.completion, load) if chosen.completion else None,
        stats,
        chosen.revision or "",
        recipe.clean_replies,
        chosen.unasked,
    )


def _plain_prompts(recipe: Recipe, load: Load) -> list[Prompt]:
    """What makes plain text of conversations, for all roles in use that are asked so."""
    names = {recipe.models[role].completion or "" for _, role in recipe.role_uses()}
    return [_plain(name, load) for name in sorted(names) if name]


def _plain(name: str, load: Load) -> Prompt:
    return load(f"completion/{name}", {"messages"})

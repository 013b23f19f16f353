"""From a recipe to the things that run it: lanes, stages, rules, all checked before anything is paid for."""

from collections.abc import Mapping
from dataclasses import dataclass

from synth import backends, filters, taxonomy
from synth.errors import ConfigError
from synth.fold.work import Work
from synth.plan.lanes import Brief, lanes
from synth.recipe import Recipe, fingerprint
from synth.stages.augment import TACTIC, Augmenter
from synth.stages.calling import Caller
from synth.stages.judge import Panel
from synth.stages.own import OwnFile
from synth.stages.query import Writer
from synth.stages.respond import Responder
from synth.taxonomy import Taxonomy


@dataclass(frozen=True)
class Bound:
    """A recipe whose every name has been found and checked."""

    recipe: Recipe
    briefs: list[Brief]
    work: Work
    operators: Mapping[str, float]
    names: Mapping[str, tuple[str, str]]
    """Chinese names of scenario and subcategory, by subcategory id."""
    prompts: Mapping[str, str]
    """Hash of every prompt in use, by name."""
    fingerprint: str


def bind(recipe: Recipe) -> Bound:
    """Loads taxonomies and prompts, binds roles and filters. ConfigError for the first thing wrong."""
    harm = taxonomy.load_all(recipe.taxonomies)
    if not recipe.query:
        harm = taxonomy.load_all([*recipe.taxonomies, "own"])
    ordinary = taxonomy.load("ordinary") if recipe.query and recipe.ordinary else None
    briefs = lanes(recipe, harm, ordinary)
    work, briefs = _work(recipe, harm, briefs)
    prompts = {template.name: template.hash for template in work.prompts()}
    return Bound(
        recipe=recipe,
        briefs=briefs,
        work=work,
        operators=recipe.augment.operators if recipe.augment else {},
        names={
            brief.lane.subcategory: (str(brief.scenario["name"]), str(brief.subcategory["name"])) for brief in briefs
        },
        prompts=prompts,
        fingerprint=fingerprint(
            recipe.identity(), harm.model_dump(mode="json"), ordinary and ordinary.model_dump(mode="json"), prompts
        ),
    )


def _work(recipe: Recipe, harm: Taxonomy, briefs: list[Brief]) -> tuple[Work, list[Brief]]:
    source: Writer | OwnFile
    if recipe.query:
        source = Writer(
            _caller(recipe, recipe.query.model), recipe.query.prompts, per_call=recipe.query.per_call, seed=recipe.seed
        )
    else:
        path = recipe.pairs or recipe.queries or ""
        source = OwnFile(path, briefs, pairs=recipe.pairs is not None, seed=recipe.seed)
        briefs = [brief for brief in briefs if brief.lane.id in source.lanes]
        if missing := source.lanes - {brief.lane.id for brief in briefs}:
            raise ConfigError(
                f"{path}: rows of {min(missing)} have no cell in the recipe; add one under `cells`, or drop those rows"
            )
    work = Work(
        source=source,
        panel=Panel([_caller(recipe, role) for role in recipe.judge.models], recipe.judge.prompt),
        augmenter=_augmenter(recipe, harm),
        responder=Responder([_caller(recipe, role) for role in recipe.respond.models], seed=recipe.seed)
        if recipe.respond
        else None,
        query_rules=filters.bind("text", recipe.filters.query, "query"),
        response_rules=filters.bind("text", recipe.filters.response, "response"),
        row_rules=filters.bind("row", recipe.filters.row, "row"),
        seed=recipe.seed,
    )
    return work, briefs


def _augmenter(recipe: Recipe, harm: Taxonomy) -> Augmenter | None:
    if recipe.augment is None:
        return None
    caller = _caller(recipe, recipe.augment.model)
    return Augmenter(caller, recipe.augment.operators, tactics=harm.banks.get(TACTIC, ()), seed=recipe.seed)


def _caller(recipe: Recipe, role: str) -> Caller:
    chosen = recipe.models[role]
    return Caller(role, chosen.model, backends.family(chosen), chosen.params, chosen.system)

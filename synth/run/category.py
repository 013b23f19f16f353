"""`synth new category`: a policy's paragraph becomes a drafted category, shown beside its neighbours and tried on judged queries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from synth.engine.budget import UNBOUNDED, Bounds
from synth.errors import ConfigError, ParseError, Stopped
from synth.hashing import short_hash
from synth.journal.usage import UsageTotal
from synth.recipe.library import Library
from synth.recipe.schema import Recipe
from synth.recipe.taxonomy import Scenario, Subcategory, Taxonomy
from synth.run import category_confusion, category_draft, category_file, category_queries
from synth.run.category_asking import STAGE, AskedRoles, Spending, asking, roles_of
from synth.run.category_confusion import Confusion, confusion
from synth.run.category_draft import Draft, read_draft
from synth.run.category_near import SHOWN, Neighbour, Neighbourhood, neighbours
from synth.run.category_policy import policy_in, refuse_forbidden
from synth.run.category_queries import ALL, BESIDE, written
from synth.stages.fallback import ask_with_fallback
from synth.stages.parsing import meaning_of
from synth.stages.reply_stats import PromptUse
from synth.types import Ask

PROMPTS: Final[Mapping[str, frozenset[str]]] = {
    category_draft.PROMPT: category_draft.OFFERED,
    **dict.fromkeys(category_queries.PROMPTS.values(), category_queries.OFFERED),
    category_confusion.PROMPT: category_confusion.OFFERED,
}
"""The prompts that a category is drafted and tried by, each with the variables it is offered."""
INTERRUPTED, SHORT = 130, 3


@dataclass(frozen=True)
class CategoryOptions:
    """What the user asks of one draft of a category."""

    given: str
    """The policy: its text, `-`, or a file's name."""
    out: Path | None = None
    """The file to write; None: the first free name in ./taxonomies."""
    bounds: Bounds = UNBOUNDED
    say: Callable[[str], None] = lambda _: None


@dataclass
class CategoryOutcome:
    """What came of drafting a category: as much as there is, and why there is no more."""

    folder: Path
    """The folder of the journal, by which the same command goes on."""
    draft: Draft | None = None
    around: Neighbourhood | None = None
    """The categories that the draft stands among."""
    table: Confusion | None = None
    path: Path | None = None
    """The file that was written."""
    frames: bool = False
    """Whether the draft was made of sentence frames, by no model."""
    calls: int = 0
    spent: UsageTotal = field(default_factory=UsageTotal)
    message: str = ""
    """Why there is no draft or no table yet."""
    status: int = 0


def draft_category(recipe: Recipe, options: CategoryOptions) -> CategoryOutcome:
    """Drafts a category of a policy by a recipe's writer, and tries it on its judges. ConfigError for what the user must mend, a
    policy of a refuse-only subject among it."""
    policy = policy_in(options.given)
    library = Library()
    taxonomy, _ = library.taxonomies_of(recipe)
    refuse_forbidden(policy, taxonomy)
    name = short_hash(policy)[:8]
    category_file.check_target(options.out, name)
    roles = roles_of(recipe, library, PROMPTS)
    found = CategoryOutcome(Path("runs") / f"new-{name}", frames=roles.stand_in)
    spending, drafting = Spending(options.bounds), _Drafting(roles, taxonomy, policy, found, options.say)
    try:
        asking(roles, found.folder, drafting.all, spending, say=options.say)
    except Stopped as stopped:
        how = "with a wider bound the same command" if stopped.why == "budget" else "the same command"
        again = "" if "same command" in str(stopped) else f"; {how} goes on from here"
        found.message = f"{stopped}{again}"
        found.status = INTERRUPTED if stopped.why == "interrupted" else SHORT if found.draft else 1
    found.calls, found.spent = spending.calls, spending.total
    if found.draft is not None:
        found.path = category_file.write(
            found.draft, recipe.taxonomies, name, _about(found.draft, found.frames), options.out
        )
    return found


@dataclass(frozen=True)
class _Drafting:
    """One draft under way."""

    roles: AskedRoles
    taxonomy: Taxonomy
    policy: str
    found: CategoryOutcome
    say: Callable[[str], None]

    async def all(self, ask: Ask) -> None:
        """Puts into `found` what there is, as it comes: the draft, its neighbours, the table."""
        found = self.found
        found.draft = draft = await self._draft(ask)
        found.around = neighbours(draft.subcategory, self.taxonomy)
        rivals = rivals_of(draft, found.around.near)
        self.say(f"drafted {draft.subcategory.id}; {ALL} queries are to be written and judged")
        if queries := await written(self.roles, rivals, ask):
            found.table = await confusion(self.roles, rivals, queries, ask)
        else:
            self.say(
                "the writer gave no query that can be used, so there is no table; take another model, or another --seed"
            )

    async def _draft(self, ask: Ask) -> Draft:
        roles, seed = self.roles, self.roles.recipe.seed
        prompt = roles.prompts[category_draft.PROMPT]
        messages = prompt.render(category_draft.variables(self.policy, self.taxonomy))
        schema, draw = category_draft.schema(self.taxonomy), (STAGE, seed)
        try:
            _, draft = await ask_with_fallback(
                ask,
                roles.routers[roles.writer](seed, self.policy, STAGE),
                PromptUse(STAGE, prompt.name, STAGE),
                lambda caller: caller.request(messages, schema, draw),
                lambda turn, reply: read_draft(self.taxonomy, turn.caller.model, reply),
            )
        except ParseError as error:
            told, way_out = meaning_of(error.reason) or (error.reason, "")
            raise ConfigError(
                f"writer {error.model or roles.writer!r} gave no draft: its replies were {told}; {way_out or 'take another model'}, or another --seed"
            ) from error
        return draft


def rivals_of(draft: Draft, near: Sequence[Neighbour]) -> list[tuple[Scenario, Subcategory]]:
    """The drafted category and the neighbours that it is tried against, with their scenarios: the nearest of which unsafe answers may
    be written."""
    beside = [(one.scenario, one.subcategory) for one in near if not one.subcategory.refuse_only]
    return [(draft.scenario, draft.subcategory), *beside[:BESIDE]]


def _about(draft: Draft, frames: bool) -> str:
    if frames:
        return "由离线句式拼成的样子，只供试用：换一个模型重新起草，或逐项改写。"
    return f"由模型 {draft.model} 依据一段政策起草，须由人逐字读过、改过再用。"


def as_json_of(found: CategoryOutcome, commands: Sequence[str]) -> dict[str, Any]:
    """What came of drafting a category as one JSON object: `commands` are what to do next."""
    draft, table = found.draft, found.table
    return {
        "file": str(found.path) if found.path else None,
        "frames": found.frames,
        "model": draft.model if draft else None,
        "scenario": {"id": draft.scenario.id, "name": draft.scenario.name, "new": draft.new} if draft else None,
        "category": draft.subcategory.model_dump(mode="json", exclude={"codes"}) if draft else None,
        "neighbours": [_neighbour(one, found.around) for one in found.around.near[:SHOWN]] if found.around else [],
        "usual_similarity": found.around.usual if found.around else None,
        "queries": [_landed(one) for one in table.landed] if table else [],
        "confusion": {
            "names": dict(table.names),
            "placed": table.placed,
            "meant": table.meant,
            "of": len(table.landed),
            "advice": table.advice(),
        }
        if table
        else None,
        "journal": str(found.folder),
        "calls": found.calls,
        "tokens": found.spent.tokens,
        "cost": found.spent.cost if found.spent.priced else None,
        "message": found.message,
        "next": list(commands),
    }


def _neighbour(one: Neighbour, around: Neighbourhood) -> dict[str, Any]:
    return {
        "id": one.subcategory.id,
        "name": one.subcategory.name,
        "refuse_only": one.subcategory.refuse_only,
        "similarity": one.similarity,
        "collides": around.collides(one),
        "behaviours": [{"own": pair.own, "theirs": pair.theirs, "similarity": pair.similarity} for pair in one.pairs],
    }


def _landed(one: category_confusion.Landed) -> dict[str, Any]:
    return {
        "query": one.written.query,
        "written_for": one.written.subcategory,
        "kind": one.written.kind,
        "category": one.category,
        "label": one.label,
        "votes": [list(vote) for vote in one.votes],
    }

"""What `check` and `preview` do: a recipe tried on stand-ins, without a call."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from synth.backends import _terms as terms
from synth.cli.say import complain
from synth.cli.show import readable
from synth.dataset import card_text
from synth.dataset.policies import Policy, united
from synth.dataset.rows import COLUMNS, PROVENANCE
from synth.errors import ConfigError
from synth.recipe import files, load, plugins, prompt, taxonomy
from synth.recipe.guard import load as load_guard
from synth.recipe.guard.trial import codes_to_try, tried
from synth.recipe.schema import Recipe
from synth.run import trial
from synth.run.compile import compile_recipe, rendered
from synth.run.resolve import wanted


@dataclass(frozen=True)
class Good:
    """One thing that `synth check` found good: its kind and name, and what was tried."""

    kind: str
    name: str
    tried: str = ""
    terms: Sequence[str] = ()
    """Under whose terms the rows of a recipe's models stand, a line each."""

    def __str__(self) -> str:
        good = f"{self.kind} {self.name}: good{f' ({self.tried})' if self.tried else ''}"
        return "\n".join([good, *(f"terms of what it writes: {line}" for line in self.terms)])


def check(recipe: Recipe | None) -> Iterator[Good]:
    """What `synth check` does: checks one recipe, or everything there is, and gives each thing found good.
    ConfigError for the first that is not."""
    if recipe is None:
        for line in plugins.lost():
            raise ConfigError(line)
        for name in files.names("taxonomies"):
            taxonomy.load(name)
            yield Good("taxonomy", name)
        for name in files.names("prompts"):
            if name.startswith("guard/"):
                yield Good("guard", name, _tried(name))
            elif name.startswith("card/"):
                card_text.load()
                yield Good("card", name)
            else:
                prompt.parse(name)
                yield Good("prompt", name)
    for loaded in [recipe] if recipe else map(load.load, files.names("pipelines")):
        found = trial.check(loaded)
        for line in found.notes:
            complain(line)
        made = f"{found.lanes:,} lanes, {found.prompts:,} prompts rendered, {found.rows:,} rows made offline, no server asked"
        yield Good("recipe", found.name, made, [str(writer) for writer in terms.writers(loaded)] if recipe else [])


def _tried(name: str) -> str:
    """What became of a guard's file on a stand-in of a row with each label; ConfigError if a verdict is not read back as it was."""
    guard = load_guard(name, COLUMNS)
    texts = ("（某个子类）", "（某个子类）", "（定义）", "（不安全）", "（安全）", "（边界）")
    told = Policy(*texts, hash="0" * 16, codes=codes_to_try(guard))
    row = dict.fromkeys(COLUMNS, "（某项）") | {
        **{column: [] for column in ("context", "notes", "marks", "categories")},
        "votes": [{"judge": "（评审）", "label": "safe", "analysis": "（分析）"}],
        "elements": [{"axis": "behaviour", "value": "（行为）"}],
        "provenance": {**dict.fromkeys(PROVENANCE, "（来历）"), "rule": told.subcategory, "rule_hash": told.hash},
        "subcategory": told.subcategory,
    }
    labels = [label for label, _ in tried(guard.with_policies(united([told])), row)]
    return f"{', '.join(labels)} {'written and read back' if guard.reads else 'written; it has no block to read them back'}"


def preview(recipe: Recipe, only: tuple[str, ...], rows: int) -> Iterator[str]:
    """A recipe to be checked by eye, as `synth preview` shows it: every prompt of the first lane that matches,
    rendered; then a few finished rows."""
    compiled = compile_recipe(recipe)
    chosen, _ = wanted(compiled, None, only)
    first = chosen[0].lane.subcategory
    for name, messages in rendered(compiled, [spec for spec in chosen if spec.lane.subcategory == first]):
        yield f"--- {name} ---"
        for message in messages:
            yield f"[{message.role}]\n{message.content}\n"
    for row in islice(trial.trial_rows(recipe, (first,)) if rows else (), rows):
        yield f"--- row {row['id']} ---\n{readable(row)}\n"

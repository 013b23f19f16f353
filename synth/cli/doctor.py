"""What `doctor` says: a line on each role with its reasons and samples, and what N rows will cost and take."""

from collections.abc import Iterator
from math import ceil

from synth.cli.run import _warn
from synth.quality.fitness import Fitness
from synth.recipe.schema import Recipe
from synth.run.checkup import Checkup
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.doctor import examine
from synth.run.estimate import estimate, seconds
from synth.run.options import RunOptions
from synth.run.resolve import wanted
from synth.sanitize import for_terminal

OK, SHORT = 0, 3


def doctor(recipe: Recipe, options: RunOptions, time: float) -> tuple[list[str], int]:
    """What `synth doctor` does: examines a recipe's models for about `time` seconds; gives the lines to show and the
    exit status, 0 where every role is fit and else 3."""
    compiled = compile_recipe(recipe)
    _warn(compiled)
    found = examine(compiled, options, time)
    lines = [for_terminal(line) for one in found.roles for line in _role(one, found)]
    return [*lines, *_outlook(compiled, options, found)], OK if found.fit else SHORT


def _role(one: Fitness, found: Checkup) -> Iterator[str]:
    facts = one.facts
    verdict: str = one.verdict
    if one.missing is not None:
        seen, needed = one.missing
        verdict += f" ({seen} of {needed}; {_more(seen, needed, found)})"
    speed = (
        f"{facts.speed:,.{int(facts.speed < 10)}f} tokens/s an answer"
        if facts.speed
        else "from the journal"
        if facts.reused
        else ""
    )
    told = [f"{facts.replies} replies", speed, f"longest prompt {facts.longest:,} tokens" if facts.longest else ""]
    yield f"{facts.role} ({facts.model}): {verdict}; {', '.join(part for part in told if part)}"
    yield from (f"  {reason}" for reason in (*one.reasons, *facts.said))
    yield from (f"    e.g. {sample}" for sample in one.samples)


def _more(seen: int, needed: int, found: Checkup) -> str:
    if found.stopped:
        return "raise the bound"
    minutes = found.minutes(seen, needed)
    return (
        "give --seconds more"
        if minutes is None
        else f"about {minutes:,} {'minute' if minutes == 1 else 'minutes'} more"
    )


def _outlook(compiled: CompiledRecipe, options: RunOptions, found: Checkup) -> Iterator[str]:
    """What the slots asked for came to, and what N rows will take by what the replies took."""
    if found.stopped:
        yield f"ended early: {for_terminal(found.stopped)}"
    if found.rows:
        yield "slots: " + ", ".join(f"{name} {count}" for name, count in found.rows.most_common())
    if (tokens := found.tokens_a_row) is not None:
        yield f"tokens a row: {tokens:,.0f}, of prompts and answers; controls apart"
    chosen, targets = wanted(compiled, options.n, options.only)
    yield f"{sum(count or 0 for cells in targets.values() for count in cells.values()):,} rows, by these replies:"
    yield estimate(compiled, chosen, targets, found.stages)
    if (times := seconds(compiled, chosen, targets, found.stages)) is not None:
        low, high = (ceil(time / found.at_once / 60) for time in times)
        yield f"time: {low:,} to {high:,} minutes with {found.at_once:.1f} answers at once, as here; with more, less"

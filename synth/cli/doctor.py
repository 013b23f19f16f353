"""What `doctor` says: a line on each role with its reasons and samples, and what N rows will cost and take."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from synth.cli.run import _warn
from synth.errors import UNREACHABLE, ConfigError
from synth.quality.fitness import Fitness
from synth.quality.grid import Grid
from synth.recipe.schema import Recipe
from synth.run.checkup import Checkup
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.doctor import examine
from synth.run.estimate import estimate, seconds
from synth.run.options import RunOptions
from synth.run.resolve import wanted
from synth.sanitize import for_terminal


@dataclass(frozen=True)
class Diagnosis:
    """What `synth doctor` found: whether every role is fit, the facts for `--json`, and the same for the terminal."""

    fit: bool
    facts: dict[str, Any]
    parts: list[str | Grid]


def doctor(recipe: Recipe, options: RunOptions, time: float) -> Diagnosis:
    """What `synth doctor` does: examines a recipe's models for about `time` seconds."""
    compiled = compile_recipe(recipe)
    _warn(compiled)
    found = examine(compiled, options, time)
    _refuse_unreachable(found)
    lines = [for_terminal(line) for one in found.roles for line in _role(one, found)]
    coming = _Outlook(compiled, options, found)
    return Diagnosis(found.fit, _facts(found, coming), [*lines, *coming.parts()])


def _refuse_unreachable(found: Checkup) -> None:
    """ConfigError where no server answered at all: of models nothing was learnt then, and of what N rows cost neither."""
    failed = [one.facts.failed for one in found.roles if one.facts.failed]
    if failed and all(UNREACHABLE in line for line in failed) and not any(one.facts.replies for one in found.roles):
        raise ConfigError(f"no model answered: {failed[0]}", status=3)


def _facts(found: Checkup, coming: "_Outlook") -> dict[str, Any]:
    roles = [
        {
            "role": one.facts.role,
            "model": one.facts.model,
            "verdict": one.verdict,
            "reasons": [*one.reasons, *one.facts.said],
            "samples": [*one.samples],
            "replies": one.facts.replies,
            "tokens_a_second": one.facts.speed,
            "longest_prompt": one.facts.longest,
        }
        for one in found.roles
    ]
    return {
        "fit": found.fit,
        "roles": roles,
        "slots": dict(found.rows),
        "tokens_a_row": found.tokens_a_row,
        "stopped": found.stopped or None,
        **coming.facts(),
    }


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


class _Outlook:
    """What the slots asked for came to, and what N rows will take by what the replies took."""

    def __init__(self, compiled: CompiledRecipe, options: RunOptions, found: Checkup) -> None:
        chosen, targets = wanted(compiled, options.n, options.only)
        self._found = found
        self._rows = sum(count or 0 for cells in targets.values() for count in cells.values())
        self._estimate = estimate(compiled, chosen, targets, found.stages)
        self._seconds = seconds(compiled, chosen, targets, found.stages)

    def facts(self) -> dict[str, Any]:
        """The same for `--json`; minutes from low to high, with as many answers at once as were waited for here."""
        return {
            "rows": self._rows,
            "estimate": asdict(self._estimate),
            "minutes": self._minutes(),
            "at_once": self._found.at_once,
        }

    def parts(self) -> Iterator[str | Grid]:
        """The same for the terminal."""
        found = self._found
        if found.stopped:
            yield f"ended early: {for_terminal(found.stopped)}"
        if found.rows:
            told = ", ".join(f"{name} {count:,}" for name, count in found.rows.most_common())
            yield f"answers that were to become rows: {told}"
        if (tokens := found.tokens_a_row) is not None:
            yield f"tokens a row: {tokens:,.0f}, of prompts and answers; controls apart"
        yield f"{self._rows:,} rows, by these replies:"
        yield from self._estimate.parts()
        if (times := self._minutes()) is not None:
            low, high = times
            told = (
                f"{low:,} to {high:,} minutes" if low < high else f"about {low:,} {'minute' if low == 1 else 'minutes'}"
            )
            yield f"time: {told} with {found.at_once:.1f} answers at once, as here; with more, less"

    def _minutes(self) -> tuple[int, int] | None:
        if self._seconds is None:
            return None
        low, high = (ceil(time / self._found.at_once / 60) for time in self._seconds)
        return low, high

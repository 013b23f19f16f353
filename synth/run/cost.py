"""What a folder's replies cost, over its whole life: by scenario, stage and model, and by cell."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from synth.fold.acceptor import Acceptor
from synth.journal.usage import Prices, Usage, UsageTotal, bill
from synth.types import Label


def by_scenario(lines: Iterable[Usage], scenarios: Mapping[str, str], prices: Prices) -> list[dict[str, Any]]:
    """What a folder's replies cost, as a table: a row for each scenario, stage and model. `scenarios` are those of the
    lanes; a lane that is gone counts under the first part of its id."""
    grouped: dict[tuple[str, str, str], list[Usage]] = defaultdict(list)
    for line in lines:
        grouped[scenarios.get(line.lane, line.lane.partition(".")[0]), line.stage, line.model].append(line)
    return [
        {
            "scenario": scenario,
            "stage": stage,
            "model": model,
            "calls": sum(line.calls for line in group),
            "prompt_tokens": sum(line.prompt_tokens for line in group),
            "completion_tokens": sum(line.completion_tokens for line in group),
            "cost": bill(group, prices).cost if model in prices else None,
        }
        for (scenario, stage, model), group in sorted(grouped.items())
    ]


def by_cell(lane: Acceptor, lines: Sequence[Usage], prices: Prices) -> dict[Label, dict[str, Any]]:
    """What a lane's replies cost, by label: split over its cells by the slots asked for each label, evenly before any
    was; and the cost of one accepted row of the lane."""
    whole, cells = bill(lines, prices), list(lane.targets)
    slots = {
        label: sum(tally.slots[label].total() for tally in lane.tallies if label in tally.slots) for label in cells
    }
    asked, accepted = sum(slots.values()), lane.counts.accepted.total()
    found: dict[Label, dict[str, Any]] = {}
    passed = 0.0
    for label in cells:
        before, passed = passed, passed + (slots[label] / asked if asked else 1 / len(cells))
        found[label] = {
            "tokens": round(whole.tokens * passed) - round(whole.tokens * before),  # the parts add up
            "cost": whole.cost * (passed - before) if whole.priced else None,
            "cost_per_row": whole.cost / accepted if whole.priced and accepted else None,
        }
    return found


def in_words(spent: UsageTotal) -> str:
    """A cost (a usage total) as text for the user: tokens and cost, with `at least` where not all of it is known."""
    tokens, cost = ("" if known else "at least " for known in (spent.metered, spent.whole))
    told = f"{spent.calls:,} replies, {tokens}{spent.tokens:,} tokens"
    return f"{told}, cost {cost}{spent.cost:,.4f}" if spent.priced else told

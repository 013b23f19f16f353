"""What a run may spend is never passed, nothing is left lying that would still have fitted, and a larger budget goes on."""

import contextlib
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from synth.engine.budget import Bounds, Budget, check_bounds, most_completion
from synth.errors import ConfigError
from synth.journal.store import Journal
from synth.journal.usage import Usage, UsageLog, bill, prices
from synth.recipe.role import Price, Role
from synth.run.compile import compile_recipe
from synth.run.cost import in_words
from synth.run.result import FAILED, OK, SHORT, Result
from synth.types import Message, Reply, Request
from tests.conftest import Lab, tiny_recipe
from tests.support.virtual import heavy_tailed
from tests.support.world import World

PRICE = {"input": 2.0, "output": 8.0}


@dataclass
class Metered(World):
    """Counts a token a character, like a server; answers are as long as `wordy` times what they may be, at most."""

    wordy: float = 0.2

    async def complete(self, request: Request, key: str) -> Reply:
        reply = await super().complete(request, key)
        told = sum(len(message.content) for message in request.messages)
        return replace(reply, prompt_tokens=told, completion_tokens=int(self.wordy * request.params["max_tokens"]))


def models(**price: Any) -> dict[str, Any]:
    return {
        role: {"backend": "offline", "model": role, "max_tokens": 300, **({"price": price} if price else {})}
        for role in ("writer", "a", "b", "j1", "j2")
    }


def spent(lab: Lab) -> tuple[int, float]:
    """Tokens and cost, by the journal's own rows."""
    with contextlib.closing(Journal(lab.folder / "run")) as journal:
        whole = bill(journal.spent(), prices({name: Role(**role) for name, role in models(**PRICE).items()}))
    return whole.tokens, whole.cost


@pytest.mark.parametrize(("concurrency", "wordy"), [(1, 0.01), (64, 1.0), (256, 0.2)])
def test_no_bound_is_passed_and_what_fits_is_spent(lab: Lab, concurrency: int, wordy: float) -> None:
    lab.world = Metered(wordy=wordy)
    law = heavy_tailed(1.0)
    calm = lab.run(40, concurrency=concurrency, out="calm", models=models(**PRICE))
    result: Result | None = None
    for share in (0.001, 0.3, 0.7):
        bounds = Bounds(cost=share * calm.total["cost"])
        result = lab.run(40, concurrency=concurrency, bounds=bounds, latency=law, faults=0.1, models=models(**PRICE))
        _, cost = spent(lab)
        assert result.stopped == "stopped: budget"
        assert result.status == (SHORT if any(result.splits.values()) else FAILED)
        assert bounds.cost is not None
        assert cost <= bounds.cost
        assert bounds.cost - cost < 0.06, "more is left than one call may cost"
        assert result.total["cost"] == pytest.approx(cost)
        assert result.message is not None
        assert "rows are lacking; run the same command with a larger one to go on" in result.message
    result = lab.run(40, concurrency=concurrency, models=models(**PRICE))
    assert result.status == OK
    assert lab.bytes() == lab.bytes("calm")


def test_tokens_have_a_bound_of_their_own(lab: Lab) -> None:
    lab.world = Metered()
    for most in (50_000, 100_000):
        result = lab.run(60, concurrency=64, bounds=Bounds(tokens=most), models=models())
        assert result.stopped == "stopped: budget"
        assert most - 8_000 < spent(lab)[0] <= most
    assert result.message is not None
    assert result.message.startswith("--max-tokens 100000 are spent: ")
    assert not result.total["priced"]


def test_a_bound_that_was_reached_asks_for_nothing_more_and_a_finished_run_needs_none(lab: Lab) -> None:
    lab.world = Metered()
    lab.run(60, bounds=Bounds(tokens=50_000), models=models())
    again = lab.run(60, bounds=Bounds(tokens=50_000), models=models())
    assert again.calls < 8
    assert spent(lab)[0] <= 50_000
    assert lab.run(60, models=models()).status == OK
    done = lab.run(60, bounds=Bounds(tokens=1), models=models())
    assert (done.status, done.calls) == (OK, 0)


def test_a_reply_over_what_it_was_held_for_is_held_for_more_from_then_on() -> None:
    budget = Budget(Bounds(tokens=10_000), {}, UsageLog())
    request = Request("model", "m", (Message("user", "问"),), {"max_tokens": 100}, None, ())
    before = budget.reservation(request)
    budget.hold(before)
    budget.settle(before, Reply("x", prompt_tokens=10, completion_tokens=2 * before.tokens))
    assert budget.reservation(request).tokens > 2 * before.tokens
    assert budget.tokens == 2 * before.tokens + 10


@pytest.mark.parametrize(
    ("params", "most"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_tokens": None, "max_completion_tokens": 7}, 7),
        ({"max_tokens": 5, "n": 3}, 15),
        ({"max_tokens": None}, None),
        ({"max_tokens": "5"}, None),
        ({}, None),
    ],
)
def test_the_most_that_a_completion_may_count(params: dict[str, Any], most: int | None) -> None:
    assert most_completion(params) == most


PRICED = {"m": Price(input=1, output=1)}


@pytest.mark.parametrize(
    ("bounds", "role", "line", "complaint"),
    [
        (Bounds(cost=1), {"model": "n"}, None, "--max-cost: models.w has no price; give `price"),
        (Bounds(cost=float("nan")), {"model": "m"}, None, "--max-cost nan: must be a number"),
        (Bounds(tokens=9), {"model": "m", "extra": {"max_tokens": None}}, None, "models.w: nothing bounds its answers"),
        (Bounds(cost=1), {"model": "m"}, ("old", 5, 0), "the journal holds replies of model 'old', which has no price"),
        (Bounds(tokens=9), {"model": "m"}, ("m", 0, 2), "the server of model 'm' told no tokens for 2 replies"),
        (Bounds(tokens=9), {"model": "n"}, ("old", 5, 0), None),
    ],
)
def test_a_bound_that_cannot_be_kept_is_one_line(
    bounds: Bounds, role: dict[str, Any], line: tuple[str, int, int] | None, complaint: str | None
) -> None:
    lines = [Usage("a.b/benign", "query", line[0], 1, line[1], 0, line[2])] if line else []
    with pytest.raises(ConfigError, match=complaint) if complaint else contextlib.nullcontext():
        check_bounds(bounds, {"w": Role(**role)}, PRICED, UsageLog(lines))


def test_a_server_that_tells_no_tokens_stops_a_run_with_a_budget(lab: Lab) -> None:
    result = lab.run(60, bounds=Bounds(tokens=500_000), models=models())
    assert (result.status, result.calls <= 8) == (1, True)
    assert result.message is not None
    assert "tells no tokens, so no budget can be kept" in result.message


def test_one_model_at_two_prices_is_one_line(lab: Lab) -> None:
    two = {
        "j1": {"model": "j", "price": {"input": 1, "output": 2}},
        "j2": {"model": "j", "price": {"input": 1, "output": 3}},
    }
    with pytest.raises(ConfigError, match=r"models.j1 and models.j2: one model \(j\) at two prices; give it one"):
        compile_recipe(tiny_recipe(models=models() | two))


def test_costs_add_up_by_scenario_stage_model_and_cell_whatever_the_price(lab: Lab) -> None:
    lab.world = Metered()
    lab.run(60, interrupt=20.0, models=models(**PRICE))
    first = lab.run(60, models=models(**PRICE))
    dearer = lab.run(60, models=models(input=4.0, output=16.0))
    assert dearer.calls == 0
    assert dearer.total["cost"] == pytest.approx(2 * first.total["cost"])
    for result in (first, dearer):
        tokens, cost = spent(lab)[0], result.total["cost"]
        assert sum(row["prompt_tokens"] + row["completion_tokens"] for row in result.spent) == tokens
        assert sum(row["cost"] for row in result.spent) == pytest.approx(cost)
        assert sum(cell["tokens"] for cell in result.cells) == tokens
        assert sum(cell["cost"] for cell in result.cells) == pytest.approx(cost)
    written = json.loads((lab.folder / "run" / "run.json").read_text())
    assert (written["total"], written["spent"]) == (dearer.total, dearer.spent)
    half = lab.run(60, models=models() | {"j1": models(**PRICE)["j1"]})
    assert not half.total["whole"]
    assert {row["model"] for row in half.spent if row["cost"] is not None} == {"j1"}


@pytest.mark.parametrize(
    ("unmetered", "known", "words"),
    [
        (0, {}, "3 replies, 150 tokens"),
        (1, {}, "3 replies, at least 150 tokens"),
        (0, {"a": Price(input=1e4, output=1e4)}, "3 replies, 150 tokens, cost at least 1.0000"),
        (0, dict.fromkeys("ab", Price(input=1e4, output=1e4)), "3 replies, 150 tokens, cost 1.5000"),
        (1, dict.fromkeys("ab", Price(input=1e4, output=1e4)), "3 replies, at least 150 tokens, cost at least 1.5000"),
    ],
)
def test_only_what_is_not_known_whole_is_told_as_at_least_so_much(
    unmetered: int, known: dict[str, Price], words: str
) -> None:
    lines = [Usage("l", "judge", "a", 2, 60, 40, unmetered=unmetered), Usage("l", "judge", "b", 1, 30, 20)]
    assert in_words(bill(lines, known)) == words

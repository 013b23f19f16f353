"""Roles made of roles, on virtual time: shares as told, refusals routed around, outages journalled, the same bytes whatever the weather."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.errors import ConfigError
from synth.recipe import load
from synth.recipe.load import with_models
from synth.recipe.routing import Chain, Mix
from synth.recipe.schema import Recipe
from synth.run.compile import compile_recipe
from synth.run.estimate import estimate
from synth.run.lint import idle_chains, shared_judges
from synth.run.resolve import wanted
from synth.run.result import OK
from synth.stages.fallback import alone, mixed
from synth.stages.requester import Requester
from synth.types import Reply, Request
from tests.conftest import Lab, tiny_recipe
from tests.support.virtual import fixed, heavy_tailed
from tests.support.world import World

ROOT = Path(__file__).parents[2]
DECLINED = "抱歉，我不能协助编写这类内容。"


class Troupe(World):
    """Models that differ: each refuses so often, is away at such times or was never there."""

    def __init__(self, *, shy: dict[str, float] | None = None, **habits: Any) -> None:
        super().__init__(**{"refusing": 0.0} | habits)
        self.shy = shy or {}
        self.away: Callable[[str, float], Exception | None] = lambda model, now: None
        self.asked: Counter[str] = Counter()
        self.times: dict[str, list[float]] = {}

    async def complete(self, request: Request, key: str) -> Reply:
        now = asyncio.get_running_loop().time()
        self.times.setdefault(request.model, []).append(now)
        if error := self.away(request.model, now):
            raise error
        self.asked[request.model] += 1
        told_to_decline = any(mark in request.messages[0].content for mark in ("请明确拒绝", "不要一拒了之"))
        chance = random.Random(f"shy {key}")
        if chance.random() < self.shy.get(request.model, 0.0) and not told_to_decline:
            return Reply(DECLINED if request.schema else f"{DECLINED}{chance.random()}")
        return await super().complete(request, key)


def made_of(**composed: Any) -> dict[str, Any]:
    """The tiny recipe's models, with roles made of them."""
    return {**tiny_recipe().model_dump(mode="json")["models"], **composed}


def answered_by(lab: Lab, out: str = "run") -> Counter[str]:
    return Counter(row["responder"] for row in lab.rows(out).values())


# --- what a recipe may say ---


@pytest.mark.parametrize(
    ("composed", "expected"),
    [
        ({"c": {"mix": {}}}, "models.c: mix: .*at least 1 item"),
        ({"c": {"mix": {"a": 0}}}, "models.c: mix.a: .*greater than 0"),
        ({"c": {"mix": {"a": "much"}}}, "models.c: mix.a: .*number"),
        ({"c": {"chain": ["a"]}}, "models.c: chain: .*at least 2 items"),
        ({"c": {"chain": ["a", "b", "a"]}}, "models.c: chain: 'a' stands in it twice"),
        ({"c": {"chain": ["a", "b"], "on": []}}, "models.c: on: .*at least 1 item"),
        ({"c": {"chain": ["a", "b"], "on": ["refused"]}}, "models.c: on.0: .*'refusal'"),
        ({"c": {"chain": ["a", "b"], "to": 1}}, "models.c: to: unknown key 'to'"),
        ({"c": {"chain": ["a", "bb"]}}, "models.c: no model role 'bb'; did you mean 'b'"),
        ({"c": {"mix": {"a": 1, "w": 1}}}, "models.c: no model role 'w'"),
        ({"c": {"mix": {"d": 1}}, "d": {"chain": ["a", "c"]}}, "models.c: is made of itself .c → d → c."),
        ({"c": {"chain": ["a", "c"]}}, "models.c: is made of itself"),
        ({"c": {"chain": ["a", "d"]}, "d": {"chain": ["b", "writer"]}}, "models.c: a chain within a chain .'d'."),
        ({"c": {"mix": {"d": 1}}, "d": {"mix": {"a": 1}}}, "models.c: a mix within a mix .'d'."),
        ({"c": {"model": "m", "chain": ["a", "b"]}}, "models.c: model: unknown key 'model'"),
    ],
)
def test_a_role_that_cannot_be_made_is_one_line(lab: Lab, composed: dict[str, Any], expected: str) -> None:
    from synth.recipe.yaml import validate

    data = tiny_recipe().model_dump(mode="json") | {"models": made_of(**composed)}
    with pytest.raises(ConfigError, match=expected) as caught:
        validate(Recipe, data, "mine.yaml")
    assert "\n" not in str(caught.value)


def test_a_composed_role_may_stand_wherever_a_role_may_and_nest_once(lab: Lab) -> None:
    composed = {"mixed": {"mix": {"a": 1, "b": 1}}, "both": {"chain": ["mixed", "writer"]}}
    recipe = tiny_recipe(
        models=made_of(**composed),
        query={"model": "both"},
        augment={"model": "mixed", "operators": {"rewrite": 0.1}},
        respond={"models": ["both", "a"]},
        judge={"models": ["mixed", "j2"]},
    )
    assert compile_recipe(recipe).recipe == recipe
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe
    assert {role for place, role in recipe.role_uses() if place == "query.model"} == {"a", "b", "writer"}
    with pytest.raises(ValueError, match=r"judge\.models: no model role 'moxed'; did you mean 'mixed'"):
        tiny_recipe(models=made_of(**composed), judge={"models": ["moxed"]})


def test_a_chain_is_read_from_a_recipe_file_and_changed_from_the_command_line(here: Path) -> None:
    (here / "mine.yaml").write_text(
        (ROOT / "pipelines" / "demo.yaml")
        .read_text(encoding="utf-8")
        .replace("models:\n", "models:\n  both: {chain: [answerer_a, writer], on: [refusal, outage]}\n", 1),
        encoding="utf-8",
    )
    assert load.load("mine.yaml").composed["both"] == Chain(chain=("answerer_a", "writer"), on=("refusal", "outage"))
    changed = load.load("mine.yaml", settings=["models.both.on=[empty]", "models.m.mix.writer=2", "query.model=m"])
    assert changed.composed == {
        "both": Chain(chain=("answerer_a", "writer"), on=("empty",)),
        "m": Mix(mix={"writer": 2}),
    }


def test_how_a_role_is_made_bears_identity_and_where_it_is_asked_does_not(lab: Lab) -> None:
    def identity(**composed: Any) -> dict[str, str]:
        return dict(compile_recipe(tiny_recipe(models=made_of(**composed), respond={"models": ["c"]})).identity)

    one, other = identity(c={"mix": {"a": 3, "b": 1}}), identity(c={"mix": {"a": 2, "b": 1}})
    assert {name for name in one if one[name] != other[name]} == {"models.c.mix.a"}
    assert identity(c={"chain": ["a", "b"]}) != identity(c={"chain": ["b", "a"]})
    elsewhere = {**made_of()["a"], "price": {"input": 1, "output": 1}}
    assert identity(c={"mix": {"a": 3, "b": 1}}, a=elsewhere) == one


# --- mixtures ---


def test_a_mixture_is_drawn_by_weight_and_two_places_apart() -> None:
    lines = {name: alone(Requester(name, name, "model", {})) for name in "ab"}
    mix = mixed("m", {"a": 3, "b": 1}, lines)
    places = [(1, f"q{i}") for i in range(4000)]
    drawn, other = ([mix(*place, label).callers[0].model for place in places] for label in ("safe", "unsafe"))
    assert drawn.count("a") / 4000 == pytest.approx(0.75, abs=0.02)
    both = sum(one == two == "a" for one, two in zip(drawn, other, strict=True))
    assert both / 4000 == pytest.approx(0.75**2, abs=0.03), "what one place draws says nothing of another"


def test_a_mixture_stands_in_every_row_by_weight_whatever_the_arrival(lab: Lab) -> None:
    lab.world = Troupe()
    made = {"models": made_of(mixed={"mix": {"a": 3, "b": 1}}), "respond": {"models": ["mixed"]}}
    made["query"] = {"model": "mixed", "per_call": 1, "elements": ["behaviour", "task"]}
    for concurrency, latency in ((1, fixed(1.0)), (64, heavy_tailed(1.0))):
        lab.run(150, out=f"c{concurrency}", only=("one.s0",), concurrency=concurrency, latency=latency, **made)
    assert lab.bytes("c1") == lab.bytes("c64")
    rows = [row for row in lab.rows("c1").values() if not row["attack"]]
    for column in ("generator", "responder"):
        shares = Counter(row[column] for row in rows)
        assert shares["a"] / len(rows) == pytest.approx(0.75, abs=0.12)  # three sigma of a hundred and more
    assert {row["responder"] for row in rows if row["generator"] == "a"} == {"a", "b"}


def test_a_mixture_is_priced_by_weight_and_a_chain_by_its_first(lab: Lab) -> None:
    def cost(model: str) -> float:
        prices = {"a": 1.0, "b": 5.0}
        models = {
            name: {**role, "price": {"input": prices.get(name, 0.0) * 1e6, "output": 0}}
            for name, role in made_of().items()
        }
        models |= {"mixed": {"mix": {"a": 3, "b": 1}}, "chained": {"chain": ["mixed", "b"]}}
        bound = compile_recipe(tiny_recipe(models=models, respond={"models": [model]}))
        low, _ = estimate(bound, *wanted(bound, None, ())).cost or (0.0, 0.0)
        return low

    assert cost("b") == pytest.approx(5 * cost("a"), rel=1e-3)
    assert cost("mixed") == pytest.approx(2 * cost("a"), rel=1e-3)
    assert cost("chained") == cost("mixed")


# --- chains ---


CHAINED = {"models": made_of(c={"chain": ["a", "b"]}), "respond": {"models": ["c"]}}


def test_where_one_refuses_the_next_of_its_chain_answers(lab: Lab) -> None:
    lab.world = Troupe(shy={"a": 0.9})
    without = lab.run(60, out="without", only=("one.s0",), respond={"models": ["a"]})
    chained = lab.run(60, out="chained", only=("one.s0",), **CHAINED)
    assert chained.status == OK
    assert chained.calls < 0.5 * without.calls
    assert sum(chained.dropped.values()) < 0.5 * sum(without.dropped.values())
    unsafe = [row for row in lab.rows("chained", "train").values() if row["label"] == "unsafe"]
    assert Counter(row["responder"] for row in unsafe).most_common(1)[0][0] == "b"
    refused = sum(row.get("refusal", 0) for row in chained.replies if row["model"] == "a")
    assert refused > 20, "what it refused is counted as its own"


def test_a_refusal_that_fills_a_cell_is_kept_and_nobody_else_is_paid_for(lab: Lab) -> None:
    """Plain answers of harmful queries, wanted safe: a refusal is what is wanted."""
    lab.world = Troupe(shy={"a": 1.0}, differing=0.0)
    cells = {
        "harmful/safe": {"share": 0.5, "stances": {"natural": 1}},
        "benign/safe": {"share": 0.5, "stances": {"natural": 1}},
    }
    assert lab.run(40, cells=cells, **CHAINED).status == OK
    assert lab.world.asked["b"] == 0
    assert set(answered_by(lab)) == {"a"}


def test_when_the_whole_chain_refuses_the_cell_is_blocked_by_refusals(lab: Lab) -> None:
    lab.world = Troupe(shy={"a": 1.0, "b": 1.0}, differing=0.0)
    result = lab.run(60, only=("one.s0",), **CHAINED)
    statuses = {(cell["query_type"], cell["label"]): cell["status"] for cell in result.cells}
    assert statuses["harmful", "unsafe"] == "blocked: refusals"
    assert statuses["harmful", "safe"] == "met"


def test_a_writer_that_refuses_is_replaced_and_what_is_written_says_by_whom(lab: Lab) -> None:
    lab.world = Troupe(shy={"writer": 0.6})
    made = {"models": made_of(c={"chain": ["writer", "a"]}), "query": {"model": "c", "elements": ["behaviour"]}}
    result = lab.run(30, only=("one.s0",), **made)
    assert result.status == OK
    assert "query.refusal" not in result.dropped
    assert set(Counter(row["generator"] for row in lab.rows().values() if not row["attack"])) == {"writer", "a"}
    lab.world = Troupe(shy={"writer": 1.0, "a": 1.0})
    assert "blocked: refusals" in {
        cell["status"] for cell in lab.run(200, out="blocked", only=("one.s0",), **made).cells
    }


def test_a_judge_that_declines_is_told_once_what_judging_is_then_another_votes_in_its_seat(lab: Lab) -> None:
    lab.world = Troupe(shy={"j1": 1.0})
    result = lab.run(30, only=("one.s0",), models=made_of(c={"chain": ["j1", "a"]}), judge={"models": ["c", "j2"]})
    assert result.status == OK
    assert {tuple(vote["judge"] for vote in row["votes"]) for row in lab.rows().values()} == {("a", "j2")}
    counts = Counter(
        {row["model"]: row.get("refusal", 0) for row in result.replies if row["template"] == "judge/verdict"}
    )
    assert counts["j1"] > 0


def test_two_seats_that_fall_back_on_one_model_are_two_draws_and_warned_of(lab: Lab) -> None:
    models = made_of(c={"chain": ["j1", "a"]}, d={"chain": ["j2", "a"]})
    recipe = tiny_recipe(models=models, judge={"models": ["c", "d"]})
    assert shared_judges(recipe) == {"a"}
    lab.world = Troupe(shy={"j1": 1.0, "j2": 1.0}, differing=0.3)
    result = lab.run(20, models=models, judge={"models": ["c", "d"]})
    assert result.counts["hard"] > 0, "two draws differ now and then"


def test_one_model_in_every_role_is_asked_once_and_warned_of(lab: Lab) -> None:
    recipe = tiny_recipe(**CHAINED)
    assert not idle_chains(recipe)
    same = with_models(recipe, backend=None, model="same", base_url=None)
    assert idle_chains(same) == {"c": "same"}
    lab.world = Troupe(shy={"same": 1.0}, differing=0.0)
    result = lab.run(20, compiled=compile_recipe(same), only=("one.s0",))
    refused = sum(row.get("refusal", 0) for row in result.replies if row["template"].startswith("respond/"))
    unsafe = sum(
        lane["refusal"]
        for lane in result.replies
        if lane["template"] in ("respond/comply", "respond/natural") and "refusal" in lane
    )
    assert refused == unsafe <= lab.world.asked["same"]


# --- one dataset, whatever the weather ---

MIXED = {
    "models": made_of(
        c={"chain": ["a", "b"], "on": ["refusal", "unreadable"]},
        q={"mix": {"writer": 2, "c": 1}},
        m={"mix": {"a": 1, "b": 1}},
        j={"chain": ["j1", "m"], "on": ["refusal"]},
    ),
    "query": {"model": "q", "elements": ["behaviour", "task"]},
    "augment": {"model": "q", "operators": {"rewrite": 0.3}},
    "respond": {"models": ["c", "q"]},
    "judge": {"models": ["j", "j2"]},
}


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shy=st.sampled_from([0.2, 0.7]), seed=st.integers(0, 99), interrupt=st.sampled_from([None, 7.0, 15.0]))
def test_arrival_and_interrupts_change_no_byte_of_chains_and_mixtures(
    lab: Lab, shy: float, seed: int, interrupt: float | None
) -> None:
    lab.world = Troupe(shy={"a": shy, "writer": shy / 2, "j1": shy / 4}, pool=200)
    found = set()
    for concurrency, latency, faults in (
        (1, fixed(1.0), 0.0),
        (8, heavy_tailed(1.0), 0.1),
        (128, heavy_tailed(1.0), 0.2),
    ):
        out = f"{shy}{seed}{interrupt}{concurrency}"
        given = {"concurrency": concurrency, "latency": latency, "faults": faults, "weather": seed, "seed": seed}
        if interrupt:
            lab.run(12, out=out, only=("one",), interrupt=interrupt, **given, **MIXED)
        lab.run(12, out=out, only=("one",), **given, **MIXED)
        found.add(lab.bytes(out))
    assert len(lab.rows(out)) >= 12
    assert len(found) == 1

"""N rows of a scenario dealt over its cells: exact, even, true to the shares, and never fewer for more."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import ConfigError
from synth.plan.targets import deal
from synth.recipe.schema import Recipe
from synth.run.compile import compile_recipe
from synth.run.resolve import wanted
from tests.conftest import Lab, tiny_recipe

SHARES = {"harmful/unsafe": 0.4, "harmful/safe": 0.35, "benign/safe": 0.25}


def scenario(full: int, refusing: int, shares: dict[str, float]) -> dict[str, dict[tuple[str, str], float]]:
    """`full` subcategories with all cells, `refusing` with one."""
    found: dict[str, dict[tuple[str, str], float]] = {}
    for i in range(full):
        found[f"x.f{i}"] = {
            (f"x.f{i}/{kind.split('/')[0]}", kind.split("/")[1]): share for kind, share in shares.items()
        }
    for i in range(refusing):
        found[f"x.r{i}"] = {(f"x.r{i}/harmful", "safe"): 1.0}
    return found


@st.composite
def shares(draw: st.DrawFn) -> dict[str, float]:
    weights = [draw(st.integers(1, 20)) for _ in SHARES]
    return {kind: weight / sum(weights) for kind, weight in zip(SHARES, weights, strict=True)}


@settings(max_examples=200, deadline=None)
@given(
    full=st.integers(1, 16),
    refusing=st.integers(0, 3),
    more=st.integers(0, 400),
    step=st.integers(1, 60),
    shares=shares(),
)
def test_the_deal_is_exact_even_true_and_growing(
    full: int, refusing: int, more: int, step: int, shares: dict[str, float]
) -> None:
    subcategories = scenario(full, refusing, shares)
    cells = 3 * full + refusing
    n = cells + more
    got, larger = deal(subcategories, n), deal(subcategories, n + step)
    assert sum(got.values()) == n
    assert all(larger[cell] >= count >= 1 for cell, count in got.items())
    totals: dict[str, int] = defaultdict(int)
    kinds: Counter[str] = Counter()
    for (lane, label), count in got.items():
        totals[lane.partition("/")[0]] += count
        if ".f" in lane:
            kinds[f"{lane.rpartition('/')[2]}/{label}"] += count
    if more >= 3 * full + 3 * refusing:  # past the seats that every cell gets first
        assert max(totals.values()) - min(totals.values()) <= 1
    dealt = sum(kinds.values())
    if dealt * min(shares.values()) > full + 1:
        assert all(abs(kinds[kind] - share * dealt) < 1 + 1e-9 for kind, share in shares.items())


def test_shares_of_libra_at_n_200() -> None:
    got = deal(scenario(13, 2, SHARES), 200)
    kinds = Counter[str]()
    for (lane, label), count in got.items():
        kinds[lane[:3] + lane.rpartition("/")[2] + "/" + label] += count
    assert kinds == {"x.fharmful/unsafe": 69, "x.fharmful/safe": 60, "x.fbenign/safe": 43, "x.rharmful/safe": 28}


def served_recipe() -> Recipe:
    """The tiny recipe with one model that is no stand-in."""
    server = {"model": "m", "base_url": "http://127.0.0.1:9/v1"}
    return tiny_recipe(models={**tiny_recipe().models, "writer": server})


def test_where_models_are_stand_ins_the_least_is_made(lab: Lab) -> None:
    assert wanted(compile_recipe(tiny_recipe()), 1, ())[1] == wanted(compile_recipe(tiny_recipe()), 9, ())[1]


def test_too_small_an_n_names_the_least(lab: Lab) -> None:
    bound = compile_recipe(served_recipe())
    with pytest.raises(ConfigError, match="'one' needs at least 9; give -n 9") as caught:
        wanted(bound, 8, ())
    assert caught.value.status == 2
    assert sum(count or 0 for lane in wanted(bound, 9, ())[1].values() for count in lane.values()) == 18


def test_only_narrows_what_n_is_spread_over(lab: Lab) -> None:
    chosen, targets = wanted(compile_recipe(tiny_recipe()), 9, ("two.s1",))
    assert {spec.lane.subcategory for spec in chosen} == {"two.s1"}
    assert sum(count or 0 for lane in targets.values() for count in lane.values()) == 9


def test_only_that_matches_nothing_says_so(lab: Lab) -> None:
    with pytest.raises(ConfigError, match=r"'one.x' matches no scenario or subcategory; did you mean 'one'"):
        wanted(compile_recipe(tiny_recipe()), 9, ("one.x",))

"""The offline backend's first frames, whose words are frozen: deterministic, varied, and erring now and then as models do."""

import json
from collections import Counter

import pytest

from synth.backends.offline import reply_to
from synth.backends.offline.one import _harmful
from synth.backends.offline.one_frames import core, frames
from synth.plan.lanes import LaneSpec
from synth.recipe import taxonomy
from synth.recipe.load import load
from synth.run.compile import compile_recipe
from synth.types import Request

BEFORE = (
    "respond.shapes=null",
    "redact=null",
    "query.sheet=null",
    "respond.shapes=null",
    "redact=null",
    "query.prompts={harmful: query/harmful, benign: {query/benign: 1, query/lookalike: 1}, ordinary: query/ordinary}",
)
BOUND = compile_recipe(load("demo", settings=[*BEFORE, *(f"models.{role}.frames=1" for role in load("demo").models)]))


def specs(kind: str) -> list[LaneSpec]:
    return [spec for spec in BOUND.specs if f"{spec.lane.query_type}{spec.ordinary}" == kind]


def queries(spec: LaneSpec, call: int) -> list[str]:
    request = BOUND.flow.source.request(spec, call)
    assert request is not None
    try:
        return json.loads(reply_to(request, call).text)["queries"]
    except ValueError:
        return []


def test_a_reply_is_a_function_of_the_request() -> None:
    request = BOUND.flow.source.request(BOUND.specs[0], 0)
    assert request is not None
    assert reply_to(request, 7) == reply_to(request, 7)
    assert reply_to(request, 7) != reply_to(request, 8)
    other = Request(request.family, "another", request.messages, request.params, request.schema, request.draw)
    assert reply_to(request, 7) != reply_to(other, 7)


@pytest.mark.parametrize(("kind", "harmful"), [("harmfulFalse", True), ("benignFalse", False), ("benignTrue", False)])
def test_intent_can_be_told(kind: str, harmful: bool) -> None:
    seen = Counter(_harmful(query) for spec in specs(kind)[::4] for call in range(4) for query in queries(spec, call))
    assert seen[harmful] > 0.98 * seen.total()


def test_frames_and_cues_do_not_mix() -> None:
    words = frames()
    for intent in words["harmful"]["intents"] + words["hearsay"]:
        assert _harmful(intent), intent
    for kind in ("benign", "lookalike", "ordinary"):
        assert not [frame for frame in words[kind]["frames"] if _harmful(frame)]
    assert not [text for text in words["contexts"] + words["tails"] + words["leads"] if _harmful(text)]


def test_what_a_query_is_about_is_found_again() -> None:
    behaviours = {
        behaviour
        for name in ("libra", "ordinary")
        for scenario in taxonomy.load(name).scenarios
        for subcategory in scenario.subcategories
        for behaviour in subcategory.behaviours
    }
    made = [query for spec in BOUND.specs for query in queries(spec, 0)]
    assert sum(core(query) in behaviours for query in made) > 0.97 * len(made)


def test_it_errs_now_and_then_as_models_do() -> None:
    requests = [BOUND.flow.source.request(spec, call) for spec in BOUND.specs for call in range(10)]
    texts = [reply_to(request, i).text for i, request in enumerate(requests) if request]
    refused = sum(text.startswith("抱歉") for text in texts) / len(texts)
    broken = sum(not text.startswith(("{", "抱歉")) or not text.endswith("}") for text in texts) / len(texts)
    assert 0.002 < refused < 0.05
    assert 0.005 < broken < 0.08


def test_queries_are_of_a_length_and_hold_no_blanks() -> None:
    made = [query for spec in BOUND.specs[::3] for query in queries(spec, 1)]
    assert all(10 <= len(query) <= 120 and "{" not in query for query in made)

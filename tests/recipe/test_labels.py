"""Labels are data: what a recipe names is what is asked, counted, written and read back."""

from dataclasses import replace
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.recipe.labels import BINARY, KNOWN, scheme_of
from synth.recipe.schema import Recipe
from synth.recipe.yaml import validate
from synth.run.compile import compile_recipe
from tests.conftest import Lab, tiny_recipe

GRADES = ["unsafe", "controversial", "safe"]
CELLS = {
    "harmful/unsafe": {"share": 0.3, "stances": {"comply": 1}},
    "harmful/controversial": {"share": 0.2, "stances": {"partial": 1}},
    "harmful/safe": {"share": 0.3, "stances": {"refuse": 1}},
    "benign/safe": {"share": 0.2, "stances": {"natural": 1}},
}
GRADED = {"labels": GRADES, "cells": CELLS, "judge": {"models": ["j1", "j2"], "prompt": "judge/graded"}}


def recipe(**changes: Any) -> Recipe:
    return validate(Recipe, tiny_recipe().model_dump(mode="json") | changes, "mine")


def test_a_recipe_without_labels_or_with_the_usual_two_is_the_recipe_it_was(lab: Lab) -> None:
    plain = recipe()
    assert plain.scheme == BINARY
    assert {"labels", "judge.verdict", "judge.quorum"}.isdisjoint(compile_recipe(plain).identity)
    usual = recipe(labels=["unsafe", "safe"], judge={"models": ["j1", "j2"], "verdict": {"unanimous": {}}, "quorum": 2})
    assert usual.identity() == plain.identity()
    assert Recipe.model_validate(usual.model_dump(mode="json")) == usual


def test_labels_their_order_and_their_words_bear_identity(lab: Lab) -> None:
    identities = [
        str(recipe(**GRADED | {"labels": labels}).identity())
        for labels in (GRADES, dict.fromkeys(GRADES, ()) | {"controversial": "存疑"})
    ]
    assert len(set(identities)) == 2
    one, other = (scheme_of(dict.fromkeys(names, ())) for names in (["a", "b", "c"], ["b", "a", "c"]))
    assert one != other


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"labels": ["unsafe"]}, "labels: needs 2 to 10 labels, most severe first"),
        ({"labels": ["unsafe", "unsafe", "safe"]}, "labels: names a label twice"),
        ({"labels": ["unsafe", "hard", "safe"]}, "labels: 'hard' means something else"),
        ({"labels": ["Unsafe", "safe"]}, "labels.Unsafe"),
        ({"labels": {"unsafe": ["坏"], "safe": ["坏"]}}, "labels: '坏' is said of both 'unsafe' and 'safe'"),
        ({"cells": CELLS}, "cells.harmful/controversial: there is no such cell; "),
        (
            {"labels": GRADES, "cells": {"harmful/contrversial": CELLS["harmful/safe"]}},
            "did you mean 'harmful/controversial'",
        ),
        (
            {"mixture": {"cells": {"one": {"benign/unsafe": 1}}}},
            "mixture.cells.one.benign/unsafe: there is no such cell",
        ),
        ({"judge": {"models": ["j1", "j2"], "quorum": 3}}, "judge: quorum: 3 verdicts of 2 judges"),
    ],
)
def test_what_is_wrong_with_labels_is_one_line(lab: Lab, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        recipe(**changes)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_words_for_labels_are_read_in_both_languages_and_judges_have_fewer() -> None:
    assert [KNOWN.read(word) for word in ("不安全", "“有争议”", " Safe ", "有害", "harmless", "体育", None)] == [
        "unsafe",
        "controversial",
        "safe",
        "unsafe",
        "safe",
        None,
        None,
    ]
    assert [BINARY.said(word) for word in ("不安全。", "UNSAFE", "有害", "有争议")] == ["unsafe", "unsafe", None, None]
    own = scheme_of({"severe": ("高危", "Danger"), "safe": ()})
    assert (own.word("severe"), own.said("danger"), own.said("安全")) == ("高危", "severe", "safe")


def test_every_request_of_two_labels_is_the_request_it_was(lab: Lab) -> None:
    flow = compile_recipe(recipe()).flow
    assert flow.panel._schema["properties"]["label"] == {"type": "string", "enum": ["安全", "不安全"]}
    assert flow.prompts("judge")[0].hash == compile_recipe(tiny_recipe()).flow.prompts("judge")[0].hash


@pytest.mark.parametrize("judge", [{"models": ["j1", "j2"]}, {"models": ["j1", "j2"], "prompt": "judge/verdict"}])
def test_a_prompt_that_cannot_ask_for_the_labels_is_found_before_anything_is_asked(lab: Lab, judge: Any) -> None:
    with pytest.raises(ConfigError, match=r"judge/verdict does not use `labels`.*不安全, 有争议, 安全.*judge/graded"):
        compile_recipe(recipe(**GRADED | {"judge": judge}))


def test_the_graded_prompt_asks_for_the_words_of_the_recipe(lab: Lab) -> None:
    labels = {"severe": "高危", "mild": "低危", "safe": "合规"}
    cells = {f"harmful/{name}": {"share": 1 / 3, "stances": {"natural": 1}} for name in labels}
    compiled = compile_recipe(recipe(**GRADED | {"labels": labels, "cells": cells}))
    (graded,) = compiled.flow.prompts("judge")
    spec = compiled.specs[0]
    system = graded.render(spec.variables | {"query": "问", "response": "答", "labels": compiled.flow.panel.words})[
        0
    ].content
    assert "高危、低危、合规" in system
    assert '"label": "高危或低危或合规"' in system
    assert not any(word in system for word in ("“安全”", "“不安全”", "有争议"))


def test_a_scheme_is_replaced_and_not_shared() -> None:
    assert replace(BINARY, names=GRADES[:1] + GRADES[2:]) != KNOWN

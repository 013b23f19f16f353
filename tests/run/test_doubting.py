"""Who is who in a run that doubts its data, and when a folder's last run stopped over a doubt."""

from pathlib import Path

import pytest

from synth.recipe.load import load
from synth.recipe.schema import Recipe
from synth.run.compile import compile_recipe
from synth.run.doubting import role_names, stopped_before


def test_what_a_stand_in_writes_is_not_judged() -> None:
    cast = role_names(compile_recipe(load("demo")))
    assert (cast.roles, cast.seats) == ({}, (None, None))


def test_roles_are_named_by_stage_and_model() -> None:
    data = load("libra").model_dump(mode="json", exclude_unset=True)
    data["models"]["both"] = {"chain": ["answerer_a", "answerer_b"]}
    data["models"]["mock"] = {"backend": "offline", "frames": 2, "model": "offline-judge"}
    data["respond"] = {"models": ["both"]}
    data["judge"] = data["judge"] | {"models": ["judge_a", "mock"]}
    cast = role_names(compile_recipe(Recipe.model_validate(data)))
    assert cast.roles["respond", "Qwen/Qwen2.5-7B-Instruct"] == "answerer_a"
    assert cast.roles["respond", "meta-llama/Llama-3.1-8B-Instruct"] == "answerer_b"
    assert cast.roles["query", "Qwen/Qwen2.5-32B-Instruct"] == "writer"
    assert cast.seats == (("judge_a", "Qwen/Qwen2.5-32B-Instruct"), None)
    assert cast.gate == ("query", "augment", "dedup")
    assert cast.templates["sheet/harmful"] == "query"
    assert "分析" in cast.placeholders
    assert cast.rules["crime.gambling"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, True),
        ('{"stopped": "stopped: doubt"}', True),
        ('{"stopped": "running"}', True),  # killed, it may be as it went over that doubt once more
        ('{"stopped": "stopped: budget"}', False),
        ('{"stopped": null}', False),
        ("[]", False),
        ("broken", False),
    ],
)
def test_a_doubt_is_remembered_by_run_json(tmp_path: Path, text: str | None, expected: bool) -> None:
    if text is not None:
        (tmp_path / "run.json").write_text(text, encoding="utf-8")
    assert stopped_before(tmp_path) is expected

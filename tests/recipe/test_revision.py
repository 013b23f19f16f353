"""`revision`: a model that is exchanged under its name is another model, and its server hears nothing of it."""

from typing import Any

import pytest

from synth.backends.openai import body_of
from synth.errors import ConfigError
from synth.hashing import key_of
from synth.recipe.schema import Recipe
from synth.recipe.yaml import validate
from synth.run.compile import compile_recipe
from synth.run.lint import shared_judges
from synth.types import Message, Request
from tests.conftest import Lab, tiny_recipe


def with_revision(role: str, revision: str | None) -> dict[str, Any]:
    models = tiny_recipe().model_dump(mode="json")["models"]
    return {**models, role: {**models[role], "revision": revision}}


def test_a_role_without_is_the_role_it_was() -> None:
    assert tiny_recipe(models=with_revision("a", None)).identity() == tiny_recipe().identity()
    assert tiny_recipe(models=with_revision("a", "2")).identity() != tiny_recipe().identity()


def test_a_key_has_it_and_a_body_has_not() -> None:
    request = Request("model", "guard@home", (Message("user", "问"),), {}, None, (), revision="r2")
    assert body_of(request, key_of(request), "text")["model"] == "guard@home"
    assert key_of(request) == key_of(Request("model", "guard@home@r2", request.messages, {}, None, ()))


def test_two_revisions_share_no_reply_and_rows_name_theirs(lab: Lab) -> None:
    lab.run(20)
    before = lab.server.answered if lab.server else {}
    lab.run(20, models=with_revision("j1", "2024-05"))
    assert lab.server is not None
    asked = set(lab.server.answered)
    assert asked
    assert not asked & set(before)
    assert lab.run(20, models=with_revision("j1", "2024-05")).calls == 0
    judges = {vote["judge"] for row in lab.rows().values() for vote in row["votes"]}
    assert judges == {"j1@2024-05", "j2"}
    result = lab.run(20, models=with_revision("a", "b"))
    assert {"a@b", "b"} == {row["responder"] for row in lab.rows().values()}
    assert "a@b" in {line["model"] for line in result.spent}


def test_two_revisions_are_two_judges_at_two_prices() -> None:
    models = tiny_recipe().model_dump(mode="json")["models"]
    price = {"input": 1, "output": 2}
    models["j1"] |= {"model": "g", "revision": "1", "price": price}
    models["j2"] |= {"model": "g", "revision": "2", "price": {**price, "output": 3}}
    recipe = tiny_recipe(models=models)
    assert not shared_judges(recipe)


def test_prices_go_by_model_and_revision(lab: Lab) -> None:
    models = tiny_recipe().model_dump(mode="json")["models"]
    models["j1"] |= {"model": "g", "revision": "1", "price": {"input": 1, "output": 2}}
    models["j2"] |= {"model": "g", "revision": "2", "price": {"input": 1, "output": 3}}
    assert set(compile_recipe(tiny_recipe(models=models)).prices) == {"g@1", "g@2"}


@pytest.mark.parametrize("wrong", ["", "a b", "a@b", 3])
def test_what_is_no_revision_is_told(wrong: Any) -> None:
    data = tiny_recipe().model_dump(mode="json")
    data["models"]["a"]["revision"] = wrong
    with pytest.raises(ConfigError, match=r"models\.a\.revision"):
        validate(Recipe, data, "x.yaml")

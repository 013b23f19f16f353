"""What a role asks for, what it does not, and that keys know no difference."""

from dataclasses import replace

import pytest

from synth.backends.openai.bodies import body_of
from synth.hashing import key_of
from synth.recipe import load
from synth.recipe.role import Role
from synth.run.compile import compile_recipe
from synth.types import Message
from tests.conftest import tiny_recipe

MESSAGES = (Message("user", "问"),)


@pytest.mark.usefixtures("lab")
def test_a_default_nobody_asked_for_is_in_the_key_and_not_in_the_body() -> None:
    models = {
        "models": {
            name: {"model": name, "backend": "offline", "max_tokens": 9} for name in ("writer", "a", "b", "j1", "j2")
        }
    }
    models["models"]["a"]["temperature"] = 1.0
    recipe = load.with_models(tiny_recipe(**models), backend=None, model="m", base_url="http://127.0.0.1:1/v1")
    assert recipe.models["writer"].unasked == {"temperature", "top_p"}
    assert recipe.models["a"].unasked == {"top_p"}
    compiled = compile_recipe(recipe)
    asker = next(bound.stage for bound in compiled.flow.stages if bound.name == "query")
    request = asker.request(compiled.specs[0], 0)
    assert request.unasked == {"temperature", "top_p"}
    assert key_of(request) == key_of(replace(request, unasked=frozenset()))
    assert body_of(request, key_of(request)).keys() & {"temperature", "top_p", "max_tokens"} == {"max_tokens"}
    hotter = asker.request(compiled.specs[0], 0, 9)
    assert "temperature" in body_of(hotter, key_of(hotter))


def test_a_copy_of_a_role_asks_for_no_more() -> None:
    role = Role(model="m", backend="offline", extra={"top_p": None})
    assert role.unasked == role.changed("r", model="n").unasked == {"temperature"}
    assert (
        role.changed("r", model="n").identity() == Role(model="n", backend="offline", extra={"top_p": None}).identity()
    )

"""Which backend a role gets, and what is said where it cannot be had."""

from typing import Any

import pytest

from synth.backends import connect
from synth.errors import ConfigError
from synth.recipe import load
from synth.recipe.role import Role
from synth.recipe.schema import Recipe
from synth.run.compile import compile_recipe
from tests.conftest import Lab, tiny_recipe
from tests.promises.test_begun import OFFLINE


def test_roles_at_one_address_share_a_backend() -> None:
    found = connect(
        {
            "a": Role(model="m", api_key_env=None, base_url="http://127.0.0.1:1/v1"),
            "b": Role(model="n", api_key_env=None, base_url="http://127.0.0.1:1/v1", engine={"dtype": "float32"}),
            "c": Role(model="m", api_key_env=None, base_url="http://127.0.0.1:2/v1"),
        }
    )
    assert found["a"] is found["b"]
    assert found["a"] is not found["c"]


def test_without_vllm_one_line_says_what_to_install() -> None:
    with pytest.raises(
        ConfigError, match=r"models.a: backend vllm needs the package vllm.*pip install -e '\.\[vllm\]'"
    ):
        connect({"a": Role(backend="vllm", model="m")})


def engined(**engine: Any) -> Recipe:
    return tiny_recipe(models=OFFLINE | {"a": OFFLINE["a"] | {"engine": engine}})


def test_engine_options_bear_identity_where_they_bear_on_answers(lab: Lab) -> None:
    bare = compile_recipe(engined()).fingerprint
    assert (
        compile_recipe(engined(gpu_memory_utilization=0.5, tensor_parallel_size=2, max_model_len=4096)).fingerprint
        == bare
    )
    assert compile_recipe(engined(dtype="float32")).fingerprint != bare


def test_vllm_for_every_role_leaves_addresses_behind() -> None:
    recipe = load.load("demo", settings=["models.writer.base_url=http://127.0.0.1:1/v1"])
    here = load.with_models(recipe, backend="vllm", model="m", base_url=None)
    assert {(role.backend, role.model, role.options.get("base_url")) for role in here.models.values()} == {
        ("vllm", "m", None)
    }
    with pytest.raises(ConfigError, match="leave out --backend vllm, or the address"):
        load.with_models(recipe, backend="vllm", model="m", base_url="http://127.0.0.1:1/v1")

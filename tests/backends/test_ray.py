"""What a recipe says of Ray, and what comes of it before any cluster is joined; the cluster itself: tests/ray."""

from importlib.util import find_spec
from typing import Any

import pytest

from synth.backends import connect, family, gives
from synth.backends.ray import share
from synth.backends.ray.options import Options
from synth.backends.ray.setting import setup_of
from synth.errors import ConfigError
from synth.recipe import load
from synth.recipe.role import Role

ENGINE = {"tensor_parallel_size": 2, "pipeline_parallel_size": 2}


def settings(**role: Any) -> Options:
    found = Role(model="m", backend="ray", **role).settings
    assert isinstance(found, Options)
    return found


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is here")
def test_without_the_extra_it_is_one_line_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"models\.a: backend ray needs the package ray.*--backend offline") as caught:
        connect({"a": Role(model="m", backend="ray", of="offline")})
    assert "\n" not in str(caught.value)


def test_the_command_line_has_every_role_answered_by_what_it_has() -> None:
    recipe = load.load("demo")
    over = load.with_models(recipe, backend="ray", model=None, base_url=None)
    assert {role.backend for role in over.models.values()} == {"ray"}
    assert over.identity() == recipe.identity()
    for name, role in over.models.items():
        assert (role.answerer, family(role), gives(role, "vectors")) == ("offline", family(recipe.models[name]), True)
    there = load.with_models(recipe, backend="ray", model="m", base_url="http://127.0.0.1:9/v1")
    direct = load.with_models(recipe, backend="openai", model="m", base_url="http://127.0.0.1:9/v1")
    assert {role.answerer for role in there.models.values()} == {"openai"}
    assert there.identity() == direct.identity()


@pytest.mark.parametrize(
    ("role", "bundles", "executor"),
    [
        ({}, [{}], None),
        ({"of": "vllm"}, [{"GPU": 1}], None),
        ({"of": "vllm", "ray": {"gpus": 0, "cpus": 2}}, [{"CPU": 2}], None),
        ({"of": "vllm", "engine": ENGINE, "ray": {"cpus": 1}}, [{"CPU": 1, "GPU": 1}] * 4, "ray"),
        ({"of": "vllm", "engine": ENGINE | {"distributed_executor_backend": "mp"}}, [{"GPU": 4}], "mp"),
        ({"of": "local", "ray": {"gpus": 1, "resources": {"big": 1}}}, [{"GPU": 1, "big": 1}], None),
    ],
)
def test_what_an_actor_reserves(role: dict[str, Any], bundles: list[dict[str, float]], executor: str | None) -> None:
    assert (settings(**role).bundles, settings(**role).executor) == (bundles, executor)


@pytest.mark.parametrize(
    ("said", "apart"),
    [
        ({"of": "vllm", "ray": {"address": "auto"}}, True),
        ({"of": "vllm", "ray": {"address": "local"}}, False),
        ({"of": "vllm", "ray": {"address": "auto", "turns": True}}, False),
        ({"of": "openai", "ray": {"address": "auto"}}, False),
    ],
)
def test_models_stand_side_by_side_on_a_cluster_and_take_turns_on_one_machine(
    said: dict[str, Any], apart: bool
) -> None:
    a, b = (Role(model=model, backend="ray", **said) for model in "ab")
    assert (share(a, settings(**said)) != share(b, settings(**said))) == apart


def test_an_actor_is_told_the_wrapped_role_and_its_keys_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "a")
    monkeypatch.setenv("OTHER", "b")
    headers = {"X-Api-Key": "$OTHER"}
    role = Role(model="m", backend="ray", of="openai", api_key_env="MINE", headers=headers, ray={"actors": 3})
    assert isinstance(role.settings, Options)
    setup = setup_of([role], role.settings, {})
    assert setup.environment == {"MINE": "a", "OTHER": "b"}
    told = setup.roles["0"]
    assert (told.backend, told.options) == ("openai", {"api_key_env": "MINE", "headers": headers})
    assert told.identity() == role.identity()
    spread = Role(model="m", backend="ray", of="vllm", engine=ENGINE)
    assert isinstance(spread.settings, Options)
    assert setup_of([spread], spread.settings, {}).roles["0"].options["engine"]["distributed_executor_backend"] == "ray"


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ({"of": "opnai"}, "no backend 'opnai'"),
        ({"of": "ray"}, "of: backend ray has another one answer itself"),
        ({"of": "openai", "ray": {"actor": 2}}, "unknown key 'actor'; did you mean 'actors'"),
    ],
)
def test_a_wrong_option_is_named(role: dict[str, Any], expected: str) -> None:
    with pytest.raises((ConfigError, ValueError), match=expected):
        _ = Role(model="m", backend="ray", **role).settings

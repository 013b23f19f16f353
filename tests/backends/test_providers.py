"""A provider gives a role what the role does not say: address, key's name, switch, prices."""

import datetime as dt
from typing import Any

import pytest
from click.testing import CliRunner

from synth.backends import _providers, openai
from synth.cli.main import commands
from synth.errors import ConfigError
from synth.journal.usage import prices
from synth.recipe import load
from synth.recipe.role import Role
from synth.recipe.yaml import validate
from synth.run.asking import unasked
from synth.run.compile import compile_recipe
from synth.run.lint import advice


def settings(**role: Any) -> Any:
    return Role(model="m", **role).settings


@pytest.mark.parametrize("name", _providers.known())
def test_every_fact_has_its_source_and_date(name: str) -> None:
    facts = _providers.find(name)
    assert facts.source.startswith("https://")
    assert facts.date is not None
    assert dt.date(2025, 1, 1) < facts.date <= dt.date(2026, 12, 31)
    assert facts.base_url is None or facts.base_url.startswith(("https://", "http://127.0.0.1:"))
    assert facts.key is None or facts.key.isupper(), "a name of a variable, never a key"
    assert facts.thinking.keys() <= {"enabled", "disabled"}


def test_what_a_role_says_itself_holds() -> None:
    told = settings(provider="dashscope")
    assert (told.base_url, told.api_key_env) == (
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
    )
    own = settings(provider="dashscope", base_url="http://127.0.0.1:1/v1", api_key_env="OPENAI_API_KEY")
    assert (own.base_url, own.api_key_env) == ("http://127.0.0.1:1/v1", "OPENAI_API_KEY")
    assert settings(provider="dashscope", api_key_env=None).api_key_env is None


@pytest.mark.parametrize("backend", ["openai", "batch", "embeddings"])
def test_every_backend_that_asks_a_server_takes_one(backend: str) -> None:
    assert settings(backend=backend, provider="zhipu").base_url == "https://open.bigmodel.cn/api/paas/v4"


def test_a_provider_nobody_knows_is_one_line() -> None:
    with pytest.raises(ConfigError, match="no provider 'dashscop'; did you mean 'dashscope'"):
        validate(Role, {"model": "m", "provider": "dashscop"}, "models.writer")
    done = CliRunner().invoke(commands, ["run", "demo", "--provider", "deepsek", "--dry-run"])
    assert "did you mean 'deepseek'" in str(done.exception)


def test_a_key_that_is_not_set_is_named_by_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    role = Role(model="m", provider="deepseek")
    with pytest.raises(ConfigError, match="DEEPSEEK_API_KEY is not set"):
        openai.connect(role, role.settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("provider", "fields"),
    [
        ("dashscope", {"enable_thinking": False}),
        ("zhipu", {"thinking": {"type": "disabled"}}),
        ("vllm", {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}),
        ("openrouter", {"reasoning": {"effort": "none"}}),
    ],
)
def test_the_switch_is_the_provider_s_field_and_bears_identity_as_if_written_out(
    provider: str, fields: dict[str, Any]
) -> None:
    switched = Role(model="m", provider=provider, thinking=False)
    by_hand = Role(model="m", provider=provider, extra=fields)
    assert switched.params == by_hand.params
    assert switched.identity() == by_hand.identity() != Role(model="m", provider=provider).identity()
    over = Role(model="m", provider=provider, thinking=False, extra={next(iter(fields)): "mine"})
    assert over.params[next(iter(fields))] == "mine"


def test_a_provider_alone_changes_no_request() -> None:
    plain, told = Role(model="m"), Role(model="m", provider="dashscope")
    assert (plain.params, plain.identity()) == (told.params, told.identity())


@pytest.mark.parametrize(("role", "said"), [({}, "needs `provider`"), ({"provider": "minimax"}, "not known to have")])
def test_a_switch_that_nobody_has_is_one_line(role: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=f"thinking: .*{said}.*under `extra`"):
        validate(Role, {"model": "m", "thinking": False, **role}, "models.writer")


def test_published_prices_hold_where_nobody_says_another() -> None:
    given = {"input": 9, "output": 9}
    roles = {
        "a": Role(model="qwen-flash", provider="dashscope"),
        "b": Role(model="unheard-of", provider="dashscope"),
        "c": Role(model="qwen-plus", provider="dashscope", price=given),  # type: ignore[arg-type]
        "d": Role(model="qwen-plus", provider="dashscope"),
        "e": Role(model="deepseek-v4-flash", provider="deepseek", backend="batch"),
    }
    found = {model: (price.input, price.output) for model, price in prices(roles).items()}
    assert found == {"qwen-flash": (0.15, 1.5), "qwen-plus": (9, 9)}


def test_the_command_line_has_every_role_asked_at_a_provider() -> None:
    recipe = load.load("demo", settings=["models.writer.base_url=http://127.0.0.1:1/v1", "models.writer.api_key_env=X"])
    moved = load.with_models(recipe, backend=None, model="qwen-flash", base_url=None, provider="dashscope")
    assert {role.backend for role in moved.models.values()} == {"openai"}
    told = {(role.settings.base_url, role.settings.api_key_env) for role in moved.models.values()}  # type: ignore[attr-defined]
    assert told == {("https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY")}
    assert any("in yuan" in line and "2026-06-18" in line for line in advice(compile_recipe(moved)))
    with pytest.raises(ConfigError, match="--provider goes with a server"):
        load.with_models(recipe, backend="offline", model=None, base_url=None, provider="dashscope")


def test_providers_are_listed() -> None:
    done = CliRunner().invoke(commands, ["list", "providers"])
    assert "dashscope" in done.output
    assert "DASHSCOPE_API_KEY; thinking: true | false; qwen-plus 0.8/2 yuan" in done.output


def test_a_role_out_of_a_folder_keeps_what_the_switch_stood_for() -> None:
    told = Role(model="m", provider="dashscope", thinking=False, extra={"top_k": 3}).model_dump(mode="json")
    assert unasked(told)["extra"] == {"enable_thinking": False, "top_k": 3}

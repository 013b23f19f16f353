"""Terms of models: every entry has a source and a date, a name leads to the entry that is meant, and to none where nothing is known."""

import datetime as dt
import re

import pytest

from synth.backends import _terms as terms
from synth.cli.check import check
from synth.recipe.load import load
from tests.conftest import Lab, tiny_recipe


def test_every_entry_is_of_something_with_a_source_and_a_day() -> None:
    for name, one in terms.known().items():
        assert one.models or one.providers, name
        assert re.fullmatch(r"https://\S+", one.source), name
        assert dt.date(2024, 1, 1) < one.date <= dt.date(2026, 12, 31), name
        assert bool(one.must) is (one.outputs not in ("none", "allowed")), name


@pytest.mark.parametrize(
    ("model", "entry"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "qwen-apache"),
        ("qwen2.5:7b", "qwen-apache"),
        ("Qwen/Qwen2.5-72B-Instruct-AWQ", "qwen-license"),
        ("Qwen/Qwen2.5-3B-Instruct", "qwen-research"),
        ("Qwen/Qwen3-32B", "qwen-apache"),
        ("someone/Qwen2.5-7B-tuned", None),  # whose terms may say more
        ("meta-llama/Llama-3.1-8B-Instruct", "llama"),
        ("meta-llama/Meta-Llama-3.1-70B", "llama"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "llama"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "llama"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "llama-2-3"),
        ("google/gemma-2-9b-it", "gemma"),
        ("google/gemma-3-27b-it", "gemma"),
        ("google/gemma-4-31B-it", "gemma-4"),
        ("openai/gpt-oss-20b", "gpt-oss"),
        ("gpt-4o-mini", "openai"),
        ("anthropic/claude-sonnet-4", "anthropic"),
        ("deepseek-ai/DeepSeek-V3.1", "deepseek"),
        ("deepseek-ai/DeepSeek-V2.5", None),
        ("zai-org/GLM-4-9B-0414", "glm"),
        ("zai-org/glm-4-9b-chat", None),
        ("tencent/Hunyuan-A13B-Instruct", "hunyuan"),
        ("CohereLabs/aya-expanse-8b", "cohere"),
        ("CohereLabs/aya-101", None),  # is under Apache 2.0, as its elder sisters are not
        ("acme/own-1", None),
    ],
)
def test_a_models_name_leads_to_its_terms(model: str, entry: str | None) -> None:
    found = terms.of_model(model)
    assert found == (terms.known()[entry] if entry else None)


def test_the_open_recipe_has_models_alone_that_ask_nothing_of_outputs() -> None:
    recipe = load("libra-open")
    found = terms.writers(recipe)
    assert {one.terms.name for one in found if one.terms} == {"Apache License 2.0", "MIT License"}
    assert all(one.terms and one.terms.outputs == "none" for one in found)
    assert {role for one in found for role in one.roles} == set(recipe.models)
    assert any(one.terms and one.terms.must for one in terms.writers(load("libra")))


def test_check_says_the_terms_of_a_recipes_models(lab: Lab) -> None:
    llama = {"model": "meta-llama/Llama-3.1-8B-Instruct"}
    found = check(tiny_recipe(models=tiny_recipe().models | {"a": llama}))
    said = [line for good in found for line in good.terms if "Llama" in line]
    assert len(said) == 1
    assert "(a): Llama 3.1 to 4 Community License: " in said[0]
    assert said[0].endswith(
        '"Llama" at the beginning of its name (https://www.llama.com/llama3_1/license/, as of 2026-11-30)'
    )


def test_a_provider_has_terms_of_its_own_and_a_server_of_ones_own_has_none() -> None:
    roles = {role: {"model": "acme/own-1"} for role in ("writer", "a", "b", "j1", "j2")}
    models = roles | {
        "a": {"model": "deepseek-v4-flash", "provider": "deepseek"},
        "b": {"model": "acme/own-1", "provider": "vllm"},
    }
    found = {one.name: one for one in terms.writers(tiny_recipe(models=models)) if one.provider}
    assert list(found) == ["deepseek"]
    assert found["deepseek"].terms == terms.known()["deepseek-api"]
    assert str(next(one for one in terms.writers(tiny_recipe(models=models)))).endswith("terms not known here")

"""What a backend declares of itself: its options, what it gives, with whom it shares; of another package as of synth."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from synth.backends import connect
from synth.errors import ConfigError
from synth.recipe import files, load, plugins
from synth.recipe.role import Role
from synth.recipe.schema import Recipe, fingerprint
from synth.recipe.yaml import validate
from synth.run.asking import asked
from synth.run.compile import compile_recipe
from synth.run.journal_tools import _told
from synth.types import Message, Request
from tests.conftest import Lab, tiny_recipe
from tests.recipe.test_extends import as_before
from tests.support.opened import opened

ECHO = """
from typing import Annotated
from synth.backends import Bears, Options as Base
from synth.types import Reply

FAMILY, GIVES, STAND_IN = "echo/1", frozenset({"words"}), False


class Options(Base):
    words: Annotated[int, Bears()] = 1
    headers: dict[str, str] = {}
    token_env: str | None = None
    base_url: str | None = None


class Echo:
    family, self_scheduling = FAMILY, False

    def __init__(self, words):
        self.words = words

    async def complete(self, request, key):
        return Reply(" ".join([request.messages[-1].content] * self.words))

    async def check(self, model): ...

    async def close(self): ...


def share(role, options):
    return options.words


def connect(role, options):
    return Echo(options.words)
"""
HERD = """
from synth.backends import Wrapping, module


class Options(Wrapping):
    workers: int = 1


class Herd:
    self_scheduling = True

    def __init__(self, inner):
        self.inner, self.family = inner, inner.family

    async def complete(self, request, key):
        return await self.inner.complete(request, key)

    async def check(self, model):
        await self.inner.check(model)

    async def close(self):
        await self.inner.close()


def share(role, options):
    return (options.of, options.workers, module(options.of).share(role, options))


def connect(role, options):
    return Herd(module(options.of).connect(role, options))
"""
REQUEST = Request("echo/1", "m", (Message("user", "问"),), {}, None, ())


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lays a package of one backend where Python finds it, with the metadata an installer would write."""
    site = tmp_path / "site"

    def lay(name: str, text: str) -> None:
        about = site / f"synth_{name}-1.0.dist-info"
        about.mkdir(parents=True)
        monkeypatch.delitem(sys.modules, f"synth_{name}", raising=False)
        (site / f"synth_{name}.py").write_text(text, encoding="utf-8")
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: synth-{name}\nVersion: 1.0\n", encoding="utf-8")
        (about / "entry_points.txt").write_text(f"[synth.backends]\n{name} = synth_{name}\n", encoding="utf-8")
        plugins._points.cache_clear()

    site.mkdir()
    monkeypatch.syspath_prepend(site)
    yield lay
    plugins._points.cache_clear()


def of_demo(**role: Any) -> Recipe:
    return load.load("demo", overrides={"models": {**_demo(), "answerer_a": {"model": "m", **role}}})


def _demo() -> dict[str, Any]:
    return {name: role.model_dump() for name, role in load.load("demo").models.items()}


def test_a_backend_of_another_package_takes_options_of_its_own(install: Any) -> None:
    install("echo", ECHO)
    for role in ({"options": {"words": 3}}, {"words": 3}):
        recipe = of_demo(backend="echo", **role)
        client = connect({"a": recipe.models["answerer_a"]})["a"]
        assert asyncio.run(client.complete(REQUEST, "0" * 32)).text == "问 问 问"
        assert validate(Recipe, recipe.model_dump(mode="json"), "run.json").identity() == recipe.identity()
    two, three = (of_demo(backend="echo", options={"words": n}) for n in (2, 3))
    assert two.identity() != three.identity()
    moved = of_demo(backend="echo", options={"words": 3, "base_url": "http://127.0.0.1:1/v1"})
    assert moved.identity() == three.identity()


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ({"options": {"wrods": 3}}, r"models\.a\.wrods: backend echo: unknown key 'wrods'; did you mean 'words'"),
        ({"wrods": 3}, r"models\.a\.wrods: backend echo: unknown key 'wrods'; did you mean 'words'"),
        ({"options": {"words": "many"}}, r"models\.a\.words: input should be a valid integer"),
        ({"options": {"words": 3}, "words": 2}, r"models\.a: words stands twice"),
        ({"options": {"batch": {}}}, r"models\.a\.batch: backend echo: unknown key 'batch'"),
        ({"options": {"headers": {"X-Api-Key": "sk-SECRETSECRET-0123456789"}}}, "looks like a key"),
        ({"options": {"token_env": "sk-SECRETSECRET-0123456789"}}, "takes the name of an environment variable"),
        ({"options": {"words": "sk-SECRETSECRET-0123456789"}}, "looks like a key"),
    ],
)
def test_a_wrong_option_is_one_line_and_shows_no_key(install: Any, role: dict[str, Any], expected: str) -> None:
    install("echo", ECHO)
    with pytest.raises(ConfigError, match=expected) as caught:
        validate(Recipe, tiny_recipe().model_dump() | {"models": {"a": {"model": "m", "backend": "echo", **role}}}, "x")
    assert "\n" not in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_options_of_any_backend_are_written_without_keys(install: Any) -> None:
    install("echo", ECHO)
    address = "http://127.0.0.1:1/v1?sig=abc"
    role = Role(model="m", backend="echo", options={"headers": {"X-T": "t", "X-K": "$MY_KEY"}, "base_url": address})
    written = role.model_dump(mode="json")
    assert written["headers"] == {"X-T": "[key]", "X-K": "$MY_KEY"}
    assert written["base_url"] == "http://127.0.0.1:1/v1?sig=[key]"


def test_the_command_line_knows_another_packages_backend_by_what_it_declares(install: Any) -> None:
    install("echo", ECHO)
    install("mute", ECHO.replace("    base_url: str | None = None\n", ""))
    address = "http://127.0.0.1:1/v1"
    kept = load.with_models(of_demo(backend="echo", words=3), backend=None, model=None, base_url=address)
    told = kept.models["answerer_a"]
    assert (told.backend, told.options) == ("echo", {"words": 3, "base_url": address})
    turned = load.with_models(of_demo(backend="mute", words=3), backend=None, model=None, base_url=address)
    assert (turned.models["answerer_a"].backend, turned.models["answerer_a"].options) == (
        "openai",
        {"base_url": address},
    )
    with pytest.raises(ConfigError, match="leave out --backend mute, or the address"):
        load.with_models(load.load("demo"), backend="mute", model="m", base_url=address)
    everywhere = load.with_models(of_demo(backend="echo", words=3), backend="echo", model="m", base_url=None)
    assert {role.backend for role in everywhere.models.values()} == {"echo"}


def test_what_a_backend_does_not_give_is_said_before_anything_is_asked(install: Any, lab: Lab) -> None:
    install("echo", ECHO)
    models = tiny_recipe().model_dump()["models"]
    begun = {**models, "a": {"model": "m", "backend": "echo", "prefill": "好的，"}}
    with pytest.raises(
        ValueError, match=r"models\.a\.prefill: no echo goes on with a text; use backend openai or vllm"
    ):
        tiny_recipe(models=begun)
    offline = tiny_recipe(models={**models, "a": {**models["a"], "prefill": "好的，"}})
    with pytest.raises(ConfigError, match=r"models\.a\.prefill: no batch goes on with a text"):
        compile_recipe(load.with_models(offline, backend="batch", model="m", base_url=None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ECHO.replace("def share", "def shares"), "backend bad of package synth-bad lacks share;"),
        (ECHO.replace("FAMILY, GIVES, STAND_IN =", "FAMILY, _, __ ="), "of package synth-bad lacks GIVES, STAND_IN;"),
        ("import nothing_of_that_name\n", "'bad' of the package synth-bad cannot be loaded .ModuleNotFoundError"),
        (ECHO.replace("Options(Base)", "Options"), "of package synth-bad: `Options` is no subclass"),
    ],
)
def test_a_package_that_lacks_a_piece_is_named_in_one_line(install: Any, text: str, expected: str) -> None:
    install("bad", text)
    with pytest.raises(ConfigError, match=expected) as caught:
        connect({"a": Role(model="m", backend="bad")})
    assert "\n" not in str(caught.value)


def test_no_package_takes_the_name_of_a_backend_of_synth(install: Any) -> None:
    install("offline", ECHO)
    with pytest.raises(
        ConfigError, match=r"'offline' is synth's own, and synth-offline takes the name too .* uninstall"
    ):
        connect({"a": Role(model="m", backend="offline")})


def test_a_backend_that_wraps_another_takes_its_options_and_is_what_it_is(install: Any) -> None:
    install("echo", ECHO)
    install("herd", HERD)
    recipe = of_demo(backend="herd", options={"of": "echo", "words": 2, "workers": 4})
    role = recipe.models["answerer_a"]
    client = connect({"a": role})["a"]
    assert (client.family, client.self_scheduling) == ("echo/1", True)
    assert asyncio.run(client.complete(REQUEST, "0" * 32)).text == "问 问"
    assert recipe.identity() == of_demo(backend="echo", options={"words": 2}).identity()
    servers = {
        name: Role(model=name, backend="herd", of="openai", api_key_env=None, base_url=f"http://127.0.0.1:{port}/v1")
        for name, port in (("a", 1), ("b", 1), ("c", 2))
    }
    found = connect(servers)
    assert found["a"] is found["b"] is not found["c"]
    address = "http://127.0.0.1:9/v1"
    moved = load.with_models(recipe, backend=None, model=None, base_url=address).models["answerer_a"]
    assert (moved.backend, moved.options["base_url"]) == ("herd", address)
    with pytest.raises(ConfigError, match=r"models\.a\.wrokers: backend herd: unknown key 'wrokers'; did you mean 'wo"):
        validate(Recipe, {**tiny_recipe().model_dump(), "models": {"a": {**role.model_dump(), "wrokers": 1}}}, "x")


# --- what recipes and folders of before mean ---

BASE: dict[str, Any] = {
    "name": "t",
    "taxonomies": ["libra"],
    "ordinary": 0,
    "n": 3,
    "query": {"model": "w"},
    "respond": {"models": ["a"]},
    "judge": {"models": ["j"]},
    "cells": {
        "harmful/unsafe": {"share": 0.5, "stances": {"comply": 1}},
        "harmful/safe": {"share": 0.5, "stances": {"refuse": 1}},
    },
}
ADDRESS = {"base_url": "http://127.0.0.1:1/v1"}
ENGINE = {"dtype": "float32", "gpu_memory_utilization": 0.5, "hf_overrides": {"a": [1, None]}} | {
    "revision": "495f39366efef23836d0cfae4fbe635880d2be31"
}
BEFORE: list[tuple[str, dict[str, Any]]] = [
    (
        "a00781498471198f",
        {
            "w": {
                "model": "m",
                "base_url": "http://127.0.0.1:1/v1?sig=abc",
                "api_key_env": None,
                "rpm": 9,
                "headers": {"X-Team": "$T", "X-Title": "t"},
                "extra": {"top_k": 3},
            }
        },
    ),
    ("e5c7917a64e29559", {"w": {"model": "m", "backend": "batch", "batch": {"quiet": 1, "rows": 10}, **ADDRESS}}),
    (
        "10d861f11b137456",
        {
            "w": {"model": "m", "backend": "vllm", "engine": ENGINE},
            "a": {"model": "m", "backend": "vllm", "prefill": "好的，"},
        },
    ),
    ("e5c7917a64e29559", {"w": {"model": "m", "backend": "vllm", "engine": {"max_model_len": 4096}}}),
    (
        "86dc746c2e02a8f5",
        {
            "w": {"model": "m", "engine": {"dtype": "float32"}, **ADDRESS},
            "a": {"model": "m", "backend": "offline", "engine": {"dtype": "float32"}, "batch": {"rows": 3}},
        },
    ),
    (
        "c0d03f9c4eef81ef",
        {
            "v": {"model": "bge", "backend": "embeddings", **ADDRESS},
            "l": {"model": "x", "backend": "local"},
            "a": {"model": "m", "completion": "dialogue"},
            "w": {"model": "m", "price": {"input": 1, "output": 2}, "system": False},
        },
    ),
]
"""Hashes of identity as commit c6de234 had them, and the roles they were of."""


@pytest.mark.parametrize(("before", "models"), BEFORE, ids=range(len(BEFORE)))
def test_a_recipe_of_before_is_what_it_was(before: str, models: dict[str, Any]) -> None:
    defaults = {"w": {"model": "w"}, "a": {"model": "a"}, "j": {"model": "j", "temperature": 0}}
    recipe = validate(Recipe, {**BASE, "models": defaults | models}, "x")
    assert fingerprint(recipe.identity()) == before
    again = validate(Recipe, recipe.model_dump(mode="json"), "run.json")
    assert fingerprint(again.identity()) == before


@pytest.mark.parametrize(("name", "before"), [("demo", "c00e2448b7e0289a"), ("libra", "efdd43dba183ae3c")])
def test_a_recipe_that_ships_is_what_it_was(name: str, before: str) -> None:
    assert name in files.names("pipelines")
    assert as_before(load.load(name)) == before


def test_an_engines_options_go_along_to_whoever_else_asks_its_model() -> None:
    set_so = ["models.writer.engine={dtype: float32}", "models.writer.backend=vllm"]
    served = load.with_models(load.load("demo", settings=set_so), backend=None, model="m", base_url=ADDRESS["base_url"])
    here = load.with_models(load.load("demo", settings=set_so[:1]), backend="vllm", model="m", base_url=None)
    assert as_before(served) == as_before(here) == "73a15d1488a55ba8"


OLD = """{"w": {"model": "m", "backend": "openai", "base_url": "http://127.0.0.1:1/v1?sig=[key]", "api_key_env": null,
"temperature": 1.0, "top_p": 1.0, "max_tokens": 1024, "system": true, "extra": {"top_k": 3}, "price": {"input": 1.0, "output": 2.0},
"headers": {"X-Team": "$T", "X-Title": "[key]"}, "concurrency": null, "rpm": 9, "tpm": null, "timeout": 300.0, "batch": {"rows": 50000,
"megabytes": 200.0, "window": "24h", "quiet": 5.0, "poll": 60.0, "keep_files": false}, "engine": {}, "prefill": "", "completion": null},
"a": {"model": "a", "backend": "openai", "base_url": null, "api_key_env": "OPENAI_API_KEY", "temperature": 1.0, "top_p": 1.0,
"max_tokens": 1024, "system": true, "extra": {}, "price": null, "headers": {}, "concurrency": null, "rpm": null, "tpm": null,
"timeout": 300.0, "batch": {"rows": 50000, "megabytes": 200.0, "window": "24h", "quiet": 5.0, "poll": 60.0, "keep_files": false},
"engine": {}, "prefill": "", "completion": null},
"j": {"model": "j", "backend": "vllm", "base_url": null, "api_key_env": "OPENAI_API_KEY", "temperature": 0.0, "top_p": 1.0,
"max_tokens": 1024, "system": true, "extra": {}, "price": null, "headers": {}, "concurrency": null, "rpm": null, "tpm": null,
"timeout": 300.0, "batch": {"rows": 50000, "megabytes": 200.0, "window": "24h", "quiet": 5.0, "poll": 60.0, "keep_files": false},
"engine": {"dtype": "float32"}, "prefill": "", "completion": null}}"""
"""Roles as run.json of commit c6de234 holds them: every role with what every backend takes."""


def test_a_run_json_of_before_is_read_wherever_one_is_read(tmp_path: Path) -> None:
    models = json.loads(OLD)
    recipe = validate(Recipe, {**BASE, "models": models}, "run.json")  # as merge does
    assert [role.options for role in recipe.models.values()] == [
        {key: models["w"][key] for key in ("base_url", "api_key_env", "headers")},
        {},
        {"engine": {"dtype": "float32"}},
    ]
    (tmp_path / "run.json").write_text(json.dumps({"recipe": {"models": models}, "cells": []}), encoding="utf-8")
    assert _told(tmp_path / "run.json")[0]["m"].output == 2.0  # as stats does
    with pytest.raises(ConfigError, match=r"w is asked at http://127\.0\.0\.1:1/v1\?sig=\[key\] \(key: none\)"):
        asked(models, {"w"}, "run.json", None, None)
    with pytest.raises(ConfigError, match="j is asked in vLLM"):
        asked(models, {"j"}, "run.json", None, None)
    there = asked(models, {"w", "a", "j"}, "run.json", "http://127.0.0.1:2/v1", None)  # as audit --judge does
    found = validate(Recipe, {**BASE, "models": there}, "run.json").models
    assert {role.backend for role in found.values()} == {"openai"}
    assert [role.options.get("api_key_env", "theirs") for role in found.values()] == [None, "theirs", "theirs"]
    own = asked(models, {"w", "a", "j"}, "run.json", None, recipe)
    assert validate(Recipe, {**BASE, "models": own}, "run.json").models["j"].options == {"engine": {"dtype": "float32"}}


def test_what_a_role_takes_is_read_by_its_backend_alone() -> None:
    from synth.backends import openai

    with pytest.raises(ConfigError, match="OPENAI_KEY_OF_NOBODY is not set"):
        opened(openai, Role(model="m", options={"api_key_env": "OPENAI_KEY_OF_NOBODY"}))

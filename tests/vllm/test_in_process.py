"""vLLM in process, two models in one place: structured replies, begun answers, plain text, cancelling, swapping, an engine that dies."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from synth.backends import connect
from synth.engine.loop import quick_loop
from synth.errors import ConfigError, Stopped
from synth.hashing import key_of
from synth.recipe.role import Role
from synth.stages.requester import object_schema
from synth.types import Message, Reply, Request
from tests.vllm.tiny import ENGINE, LONGEST

SYSTEM = Message("system", "你为中文数据集出题，写普通人会问的问题。" * 12)
SCHEMA = object_schema(
    "verdict",
    analysis={"type": "string", "maxLength": 24},
    label={"type": "string", "enum": ["安全", "不安全"]},
)


def children() -> set[int]:
    """Processes this one has started that still run."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (task / "children").read_text().split()}
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in found}  # of one that has ended, empty
    return {
        pid
        for pid, command in commands.items()
        if command and b"resource_tracker" not in command and b"sys.stdin.read" not in command
    }


class Scenario:
    """Everything that is asked of the engines, in one go: an engine takes long to start."""

    def __init__(self, models: tuple[str, str], bias: dict[str, float]) -> None:
        self.models = models
        self.params = {"temperature": 1.0, "top_p": 1.0, "max_tokens": 60, "logit_bias": bias}
        roles = {
            name: Role(backend="vllm", model=model, engine=ENGINE) for name, model in zip("ab", models, strict=True)
        }
        self.backend: Any = connect(roles)["a"]
        assert connect(roles)["b"] is not None

    async def ask(
        self, *messages: Message, model: int = 0, schema: Any = None, draw: int = 0, kind: Any = "chat", **params: Any
    ) -> Reply:
        request = Request("model", self.models[model], messages, self.params | params, schema, (draw,), kind)
        return await self.backend.complete(request, key_of(request))

    async def run(self) -> None:
        for model in self.models:
            await self.backend.check(model)
        user = [Message("user", f"请判断第{i}句。") for i in range(40)]
        self.judged = await asyncio.gather(*(self.ask(SYSTEM, turn, schema=SCHEMA) for turn in user))
        self.cached = self.backend.cached_tokens / self.backend.prompt_tokens
        self.twice = [await self.ask(SYSTEM, user[0], draw=7) for _ in range(2)]
        some = {"logit_bias": {}, "min_tokens": 8}
        self.begun = await self.ask(SYSTEM, user[0], Message("assistant", "当然可以，"), **some)
        text = (Message("user", "用户：你好\n助手："), Message("assistant", "当然"))
        self.plain = await self.ask(*text, kind="completion", **some)
        self.long = await self.ask(Message("user", "长" * 3 * LONGEST))
        await self._cancel()
        a_and_b = [self.ask(SYSTEM, turn, model=i % 2, draw=2) for i, turn in enumerate(user)]
        self.both = await asyncio.gather(*a_and_b)
        self.running_at_once = len(children())
        self.swaps = self.backend.swaps
        await self._die()
        await self.backend.close()

    async def _cancel(self) -> None:
        endless = asyncio.create_task(self.ask(SYSTEM, max_tokens=3000, logit_bias={}, min_tokens=3000))
        while not self._unfinished():  # noqa: ASYNC110 (nothing tells when it is in)
            await asyncio.sleep(0.01)
        endless.cancel()
        await asyncio.wait([endless])
        self.left = self._unfinished()

    def _unfinished(self) -> int:
        return int(self.backend._turns._guest._llm.get_num_unfinished_requests())

    async def _die(self) -> None:
        endless = asyncio.create_task(self.ask(SYSTEM, model=1, max_tokens=3000, logit_bias={}, min_tokens=3000))
        await asyncio.sleep(0.3)
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        await asyncio.wait([endless])
        self.death = endless.exception()


@pytest.fixture(scope="module")
def seen(models: tuple[str, str], bias: dict[str, float]) -> Scenario:
    scenario = Scenario(models, bias)
    with quick_loop() as runner:
        runner.run(scenario.run())
    return scenario


def test_structured_replies_parse(seen: Scenario) -> None:
    whole = [json.loads(reply.text, strict=False) for reply in seen.judged if reply.finish == "stop"]
    assert len(whole) > 20
    assert {found["label"] for found in whole} == {"安全", "不安全"}
    assert all(reply.prompt_tokens > 100 and 0 < reply.completion_tokens <= 60 for reply in seen.judged)


def test_a_shared_beginning_is_taken_from_the_prefix_cache(seen: Scenario) -> None:
    assert 0.5 < seen.cached < 1


def test_a_repeated_request_is_a_repeated_draw(seen: Scenario) -> None:
    assert seen.twice[0] == seen.twice[1]


def test_begun_answers_are_kept_whole_and_plain_text_is_gone_on_with(seen: Scenario) -> None:
    assert seen.begun.text.startswith("当然可以，")
    assert seen.plain.text.startswith("当然")
    assert seen.begun.prompt_tokens > seen.plain.prompt_tokens


def test_a_prompt_too_long_is_rejected_and_harms_no_other(seen: Scenario) -> None:
    assert seen.long.finish == "rejected"


def test_a_cancelled_request_leaves_the_engine(seen: Scenario) -> None:
    assert seen.left == 0


def test_two_models_take_turns_and_only_one_is_there(seen: Scenario) -> None:
    assert len(seen.both) == 40
    assert seen.swaps == 1
    assert seen.running_at_once == 1
    assert not children()


def test_an_engine_that_dies_stops_the_run_with_one_line(seen: Scenario) -> None:
    assert isinstance(seen.death, Stopped)
    assert "vLLM's engine has died" in str(seen.death)
    assert "\n" not in str(seen.death)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (
            {"engine": {"tensor_parallel": 2}},
            "models.a: engine.tensor_parallel: .* did you mean 'tensor_parallel_size'",
        ),
        ({"extra": {"topk": 3}}, "models.a: extra.topk: .*did you mean 'top_k'"),
        ({"base_url": "http://127.0.0.1:1/v1"}, "models.a: base_url: backend vllm runs in this process"),
    ],
)
def test_a_wrong_role_is_one_line_before_anything_is_loaded(role: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        connect({"a": Role(backend="vllm", model="m", **role)})
    assert "\n" not in str(caught.value)


def test_roles_of_one_model_have_one_engine(models: tuple[str, str]) -> None:
    other = ENGINE | {"max_num_seqs": 2}
    with pytest.raises(ConfigError, match=r"models.b: engine: another role of .* has other options"):
        connect(
            {
                name: Role(backend="vllm", model=models[0], engine=engine)
                for name, engine in (("a", ENGINE), ("b", other))
            }
        )


@pytest.mark.parametrize(
    ("model", "engine"), [("no/such-model", {}), (None, {"dtype": "float7"}), (None, {"max_model_len": 10**9})]
)
def test_what_vllm_refuses_is_one_line(models: tuple[str, str], model: str | None, engine: dict[str, Any]) -> None:
    role = Role(backend="vllm", model=model or models[0], engine=ENGINE | engine)
    with pytest.raises(ConfigError, match="vLLM does not take it") as caught:
        asyncio.run(connect({"a": role})["a"].check(role.model))
    assert "\n" not in str(caught.value)

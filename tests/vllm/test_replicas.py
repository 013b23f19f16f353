"""Several engines of one model, and models with smaller weights: the same rows as of one engine, whatever is killed."""

import asyncio
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from synth.backends import connect
from synth.errors import ConfigError, Stopped
from synth.hashing import key_of
from synth.recipe.role import Role
from synth.types import Message, Reply, Request
from tests.vllm.conftest import write_recipe
from tests.vllm.quantised import SAID, make_smaller
from tests.vllm.test_recipe import command, synth
from tests.vllm.tiny import ENGINE, make

SMALLER = {name: value for name, value in ENGINE.items() if name != "load_format"} | {"dtype": "bfloat16"}
PARAMS = {"temperature": 1.0, "top_p": 1.0}
KINDS = {"fp8": "FP8 is for GPUs, and this vLLM is built for processors"}
"""Of the kinds of smaller weights, those that this build cannot load, and what it says."""
TWO = ("--set", "models.writer.data_parallel=2")


@pytest.fixture(scope="module")
def smaller(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("smaller")
    for kind in SAID:
        make_smaller(folder / kind, kind)
    return {kind: str(folder / kind) for kind in SAID}


class Asked:
    """What engines of each kind of weights answer, two of the first side by side: all in one go, as engines take long to start."""

    def __init__(self, models: dict[str, str]) -> None:
        self.models = models
        roles = {kind: Role(backend="vllm", model=model, engine=SMALLER) for kind, model in models.items()}
        first = next(iter(roles))
        roles[first] = Role(backend="vllm", model=models[first], engine=SMALLER, data_parallel=2)
        self.backend: Any = connect(roles)[first]
        self.replies: dict[str, list[Reply]] = {}
        self.refused: dict[str, str] = {}

    async def ask(self, kind: str, number: int, **params: Any) -> Reply:
        turn = (Message("user", f"请判断第{number}句。"),)
        request = Request("model", self.models[kind], turn, PARAMS | params, None, (), "chat")
        reply: Reply = await self.backend.complete(request, key_of(request))
        return reply

    async def run(self) -> None:
        for kind in self.models:
            try:
                asked = (self.ask(kind, number, max_tokens=40) for number in [*range(12), 0])
                self.replies[kind] = await asyncio.gather(*asked)
            except ConfigError as error:
                self.refused[kind] = str(error)
                continue
            if len(self.replies) == 1:
                await self.die(kind)
        await self.backend.close()

    async def die(self, kind: str) -> None:
        """One of two engines goes while both are asked, then the other."""
        engines = self.backend._turns._guest._engines
        long = [asyncio.create_task(self.ask(kind, n, max_tokens=400, min_tokens=400)) for n in range(4)]
        while not all(engine.load == 2 for engine in engines):  # noqa: ASYNC110 (nothing tells when they are in)
            await asyncio.sleep(0.01)
        os.kill(engines[0]._process.pid, signal.SIGKILL)
        self.survived = await asyncio.gather(*long)
        last = asyncio.create_task(self.ask(kind, 9, max_tokens=3000, min_tokens=3000))
        await asyncio.sleep(0.3)
        os.kill(engines[1]._process.pid, signal.SIGKILL)
        await asyncio.wait([last])
        self.end = last.exception()


@pytest.fixture(scope="module")
def asked(smaller: dict[str, str]) -> Asked:
    found = Asked(smaller)
    asyncio.run(found.run())
    return found


@pytest.mark.parametrize("kind", [*SAID, *KINDS])
def test_weights_made_smaller_are_loaded_and_answer(asked: Asked, kind: str) -> None:
    if told := KINDS.get(kind) or asked.refused.get(kind):
        pytest.skip(told)
    replies = asked.replies[kind]
    assert all(reply.completion_tokens for reply in replies)
    assert replies[0] == replies[-1]
    assert len({reply.text for reply in replies}) > 6  # a random model may say the same of two prompts


def test_what_a_dead_engine_had_in_hand_the_other_answers(asked: Asked) -> None:
    assert [reply.completion_tokens for reply in asked.survived] == [400] * 4


def test_once_all_engines_are_dead_the_run_stops_with_one_line(asked: Asked) -> None:
    assert isinstance(asked.end, Stopped)
    assert "all of vLLM's engines have died" in str(asked.end)
    assert "\n" not in str(asked.end)


def test_a_model_whose_files_claim_too_much_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    make(tmp_path / "big")
    index = {"metadata": {"total_size": 140_000_000_000}, "weight_map": {"a": "model-00001-of-00030.safetensors"}}
    (tmp_path / "big" / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    role = Role(backend="vllm", model=str(tmp_path / "big"), engine=ENGINE)
    with pytest.raises(ConfigError, match=r"does not fit: weights of 140 GB .*; a machine with more memory$") as caught:
        asyncio.run(connect({"a": role})["a"].check(role.model))
    assert "\n" not in str(caught.value)


def test_two_engines_that_are_killed_and_one_that_goes_on_make_the_rows_of_one(
    smaller: dict[str, str], bias: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = write_recipe(tmp_path / "tiny.yaml", smaller["gptq"], SMALLER, bias)
    alone = synth(recipe, "alone")
    with subprocess.Popen(command(recipe, "two", *TWO), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        kept = _killed(process, Path("two/journal.sqlite"), replies=alone["calls"] // 4)
    two = synth(recipe, "two")
    assert 0 < two["calls"] <= alone["calls"] - kept
    assert two["counts"] == alone["counts"]
    assert _sums("two") == _sums("alone")


def _killed(process: "subprocess.Popen[bytes]", journal: Path, *, replies: int) -> int:
    """Kills a run once its journal has so many replies; how many it has."""
    kept = 0
    while kept < replies and process.poll() is None:
        time.sleep(0.02)
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as opened:
            (kept,) = opened.execute("SELECT count(*) FROM replies").fetchone()
    process.kill()
    return kept


def _sums(folder: str) -> dict[str, str]:
    """Of every file of rows, those that were dropped too: of a random model's most are."""
    files = sorted(Path(folder).rglob("*.parquet"))
    assert files
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

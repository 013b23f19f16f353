"""A run whose gate knows queries by what they mean: no two rows mean the same, and a vector is a reply like any other."""

import asyncio
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth.backends import embeddings, openai
from synth.backends.local import PAGE, LocalBackend
from synth.backends.offline import OfflineBackend
from synth.errors import ConfigError, ProviderError
from synth.fold import fold
from synth.recipe import schema
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.run.merge import merge
from synth.run.options import RunOptions
from synth.run.result import FAILED, OK, SHORT
from synth.run.upgrade import compare
from synth.types import Message, Reply, Request
from synth.vector import rounded
from tests.conftest import Lab, tiny_recipe
from tests.run.test_diff import paid
from tests.support.standin import standing_in
from tests.support.virtual import heavy_tailed
from tests.support.world import World, meaning_of

NEAR = 0.8
N = 60


def changes(backend: str = "offline", **role: Any) -> dict[str, Any]:
    """What makes the tiny recipe compare by meaning."""
    models = {name: told.model_dump() for name, told in tiny_recipe().models.items()}
    models["v"] = {"backend": backend, "model": "v"} | role
    return {"models": models, "dedup": {"semantic": {"model": "v", "threshold": NEAR}}}


def test_no_two_rows_mean_the_same_and_every_cell_is_met(lab: Lab) -> None:
    assert lab.run(N, out="plain").status == OK
    result = lab.run(N, **changes())
    assert result.status == OK
    assert result.dropped["dedup.same_meaning"] > 50
    for kind in ("harmful", "benign"):
        rows = [row for row in lab.rows().values() if row["query_type"] == kind]
        queries = {row["query"]: row["parent_id"] or row["query_id"] for row in rows}
        unit = np.array([meaning_of(query) for query in queries], float)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        family = np.array(list(queries.values()))
        assert not np.triu((unit @ unit.T >= NEAR) & (family[:, None] != family[None, :]), 1).any()
    assert {row["query"] for row in lab.rows("plain").values()} - {row["query"] for row in lab.rows().values()}
    assert "cosine of 0.8 or more" in (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")


def test_the_same_rows_at_any_concurrency_and_every_text_is_asked_about_once(lab: Lab) -> None:
    found = []
    for concurrency in (1, 8, 64):
        out = f"c{concurrency}"
        lab.run(N, out=out, concurrency=concurrency, latency=heavy_tailed(1.0), faults=0.05, **changes())
        assert lab.server is not None
        assert len(set(lab.server.answered)) == len(lab.server.answered)
        found.append((lab.bytes(out), paid(lab.folder / out)["embed"]))
    assert len({digest for digest, _ in found}) == 1
    assert found[2][1] < 1.1 * found[0][1], "little is asked ahead in vain"


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "deleted"])
def test_an_interrupted_run_goes_on_to_the_same_bytes(lab: Lab, monkeypatch: pytest.MonkeyPatch, keep: bool) -> None:
    monkeypatch.setattr(fold, "KEEP_EVERY", 0.0)
    calm = lab.run(N, out="calm", **changes())
    for second in (10.0, 25.0, 25.0):
        assert lab.run(N, interrupt=second, **changes()).status == 130
        cache = lab.folder / "run" / ".synth-fold.sqlite"
        if cache.exists() and not keep:
            cache.unlink()
    result = lab.run(N, **changes())
    assert (result.status, result.cells, result.dropped, result.replies) == (
        OK, calm.cells, calm.dropped, calm.replies,
    )  # fmt: skip
    assert lab.bytes() == lab.bytes("calm")


@pytest.mark.parametrize("threshold", [0.5, NEAR, 0.995])
def test_what_is_foretold_is_what_is_asked(lab: Lab, threshold: float) -> None:
    lab.world = OfflineBackend()
    lab.run(N, concurrency=1, **changes())
    before, rows = paid(lab.folder / "run"), set(lab.rows())
    changed = changes() | {"dedup": {"semantic": {"model": "v", "threshold": threshold}}}
    edited = compile_recipe(tiny_recipe(concurrency=1, **changed))
    _, found, _ = compare(edited, RunOptions(lab.folder / "run", N))
    assert found.reused["embed"] <= before["embed"]
    lab.run(N, compiled=edited)
    asked = paid(lab.folder / "run")
    asked.subtract(before)
    assert +asked == +found.asked
    assert found.rows == set(lab.rows())
    assert (found.rows == rows) == (threshold == NEAR)


def test_what_meaning_costs_is_foretold_to_who_has_a_run_without(lab: Lab) -> None:
    lab.run(N, concurrency=1)
    _, found, _ = compare(compile_recipe(tiny_recipe(concurrency=1, **changes())), RunOptions(lab.folder / "run", N))
    assert found.asked["embed"] >= len({row["query"] for row in lab.rows().values()})
    assert "embed " in found.line()


def test_lanes_that_are_left_out_stay_as_they_are_and_count(lab: Lab) -> None:
    lab.run(N, only=("one",), **changes())
    one = lab.rows()
    assert lab.run(N, only=("two",), **changes()).status == OK
    assert one.items() <= lab.rows().items()
    assert lab.run(N, **changes()).calls == 0


def test_shards_that_are_merged_hold_nothing_twice(lab: Lab) -> None:
    lab.world = World(pool=400)
    for shard in ("1/2", "2/2"):
        lab.run(N, out=f"s{shard[0]}", shard=shard, **changes())
    outs = []
    for out, parts in (("ab", ("s1", "s2")), ("ba", ("s2", "s1"))):
        result = merge([lab.folder / part for part in parts], lab.folder / out).result
        assert result.status in (OK, SHORT)
        assert result.dropped["dedup.same_meaning"] > 0
        outs.append(lab.bytes(out))
    assert outs[0] == outs[1]
    assert lab.run(N, out="ab", **changes()).status == OK


def test_queries_that_only_say_the_same_again_end_in_novelty(lab: Lab) -> None:
    class Parrot(World):
        def _sentence(self, chance: Any) -> str:
            return super()._sentence(chance)[:-1] + "甲乙丙丁戊己庚辛壬癸"[chance.randrange(10)]

    lab.world = Parrot()
    result = lab.run(400, **changes())
    assert result.status == SHORT
    assert {cell["status"] for cell in result.cells} <= {"met", "exhausted: novelty"}
    assert result.dropped["dedup.same_meaning"] > result.dropped["dedup.near_duplicate"]


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def over(address: str, **more: Any) -> schema.Recipe:
    """The tiny recipe with vectors of a server."""
    return tiny_recipe(**changes("embeddings", base_url=address, **more))


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("fault", ["429", "503", "reset", "html", "few", "narrow", "null-vector"])
def test_bad_weather_over_vectors_costs_no_row(lab: Lab, fault: str) -> None:
    with standing_in(faults={fault: 0.1}, retry_after=0.01, listed=frozenset()) as server:
        result = execute.run(compile_recipe(over(server.url)), RunOptions(lab.folder / "run", N))
        stats = server.stats()
    assert (result.status, result.message) == (OK, None)
    assert stats["faults"][fault] > 5
    assert stats["repeated"] == (stats["faults"][fault] if fault in ("few", "narrow", "null-vector") else 0)
    assert "dedup.no_vector" not in result.dropped
    assert {body["model"] for body in server.bodies} == {"v"}


@pytest.mark.usefixtures("key")
def test_a_server_whose_vectors_do_not_compare_any_more_stops_the_run_and_no_row_is_lost(lab: Lab) -> None:
    with standing_in() as server:
        execute.run(compile_recipe(over(server.url)), RunOptions(lab.folder / "run", 20))
        before, rows = paid(lab.folder / "run"), lab.rows()
        server.habits = replace(server.habits, faults={"narrow@v": 1.0})
        result = execute.run(compile_recipe(over(server.url)), RunOptions(lab.folder / "run", N))
        assert result.status == FAILED
        assert "a vector of 128 numbers, where those before had 256 (another model?)" in str(result.message)
        assert paid(lab.folder / "run")["embed"] == before["embed"]
        assert rows.items() <= lab.rows().items()
        server.habits = replace(server.habits, faults={})
        assert execute.run(compile_recipe(over(server.url)), RunOptions(lab.folder / "run", N)).status == OK


def test_of_a_text_that_is_too_long_for_the_model_a_part_is_compared(lab: Lab) -> None:
    class Short(World):
        async def complete(self, request: Request, key: str) -> Reply:
            if request.kind == "embedding" and len(request.messages[0].content) > 30:
                return Reply("too long", finish="rejected")
            return await super().complete(request, key)

        def _sentence(self, chance: Any) -> str:
            return 2 * super()._sentence(chance)

    lab.world = Short()
    calm = lab.run(N, out="calm", **changes())
    assert calm.status == OK
    assert "dedup.no_vector" not in calm.dropped
    lab.run(N, interrupt=25.0, **changes())
    lab.run(N, **changes())
    assert lab.bytes() == lab.bytes("calm")


def test_a_folder_that_was_made_without_is_asked_about_as_fast_as_its_server_goes(lab: Lab) -> None:
    lab.run(100, concurrency=16)
    before = paid(lab.folder / "run")
    lab.run(100, concurrency=16, **changes() | {"dedup": {"semantic": {"model": "v", "threshold": 1.0}}})
    assert lab.server is not None
    asked = paid(lab.folder / "run")
    asked.subtract(before)
    assert lab.server.peak == 16
    assert asked["embed"] > 300
    assert (+asked).total() - asked["embed"] < 0.1 * asked["embed"], "little else is asked"


@pytest.mark.usefixtures("key")
def test_what_only_the_user_can_mend_is_one_line(lab: Lab) -> None:
    def line(address: str, **more: Any) -> str:
        result = execute.run(compile_recipe(over(address, **more)), RunOptions(lab.folder / "run", N))
        assert result.status == FAILED
        assert "\n" not in str(result.message)
        return str(result.message)

    with standing_in(script=["400"] * 20) as server:
        assert "answers 400" in line(server.url)
    assert "cannot be reached" in line("http://127.0.0.1:1/v1")


@pytest.mark.parametrize(
    ("role", "line"),
    [
        (
            {"backend": "openai"},
            "models.v: backend openai gives no vectors, and dedup.semantic.model needs them; use embeddings",
        ),
        ({"backend": "local", "model": "nowhere"}, "models.v: nowhere: no such folder"),
    ],
)
def test_a_role_that_gives_no_vectors_is_told_before_anything_is_asked(
    lab: Lab, role: dict[str, Any], line: str
) -> None:
    with pytest.raises(ConfigError, match=line):
        execute.run(compile_recipe(tiny_recipe(**changes(**role))), RunOptions(lab.folder / "run", N))
    writer = changes()
    writer["models"]["writer"]["backend"] = "embeddings"
    with pytest.raises(
        ConfigError, match=r"models\.writer: backend embeddings gives no words, and query\.model needs them"
    ):
        compile_recipe(tiny_recipe(**writer))


def test_a_local_model_gives_the_vectors(lab: Lab, model: Path) -> None:
    result = execute.run(
        compile_recipe(tiny_recipe(**changes("local", model=str(model)))), RunOptions(lab.folder / "run", 20)
    )
    assert result.status in (OK, SHORT)
    assert result.dropped["dedup.same_meaning"] > 0
    spent = json.loads((lab.folder / "run" / "run.json").read_text(encoding="utf-8"))["spent"]
    assert {row["model"] for row in spent if row["stage"] == "embed"} == {str(model)}


def test_a_model_that_knows_no_chinese_is_refused(lab: Lab) -> None:
    def deaf(texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), 4))

    with pytest.raises(ConfigError, match="model 'm' does not tell Chinese texts apart"):
        asyncio.run(LocalBackend(deaf).check("m"))


@pytest.mark.usefixtures("key")
def test_a_model_that_is_listed_and_gives_no_vectors_costs_no_call_of_another(lab: Lab) -> None:
    with standing_in(script=["400"] * 20, listed=frozenset({"v"})) as server:
        result = execute.run(compile_recipe(over(server.url)), RunOptions(lab.folder / "run", N))
    assert (result.status, result.calls) == (FAILED, 0)
    assert result.total["calls"] == 0


def test_vectors_of_a_role_that_writes_too_are_refused() -> None:
    both = changes() | {"dedup": {"semantic": {"model": "writer"}}}
    with pytest.raises(ValueError, match=r"dedup\.semantic\.model: 'writer' writes too \(query\.model\)"):
        tiny_recipe(**both)


def test_a_journal_whose_first_vectors_are_none_is_surveyed(lab: Lab) -> None:
    class Strict(World):
        async def complete(self, request: Request, key: str) -> Reply:
            if request.kind == "embedding":
                return Reply("too long", finish="rejected")
            return await super().complete(request, key)

    lab.world = Strict()
    lab.run(N, only=("one",), **changes())
    _, found, _ = compare(compile_recipe(tiny_recipe(**changes())), RunOptions(lab.folder / "run", N))
    assert found.reused["embed"] > 0


@pytest.mark.parametrize(
    "body",
    [b'{"data": [{"index": 0, "embedding": [1' + b"0" * 400 + b", 1]}]}", b'{"data": [{"index": 0, "embedding": []}]}'],
)
def test_what_is_no_vector_is_bad_weather(body: bytes) -> None:
    with pytest.raises(ProviderError, match="vectors"):
        embeddings._reply(body)


def test_what_a_backend_takes_for_a_vector_is_seen_before_it_is_journalled(lab: Lab) -> None:
    class Chatty(World):
        async def complete(self, request: Request, key: str) -> Reply:
            if request.kind == "embedding":
                return Reply("好的，这是向量。")
            return await super().complete(request, key)

    lab.world = Chatty()
    result = lab.run(N, **changes())
    assert result.status == FAILED
    assert "sends something that is no vector" in str(result.message)
    assert paid(lab.folder / "run")["embed"] == 0


def test_the_smallest_numbers_make_a_vector() -> None:
    assert rounded([1e-310, -2e-310, 0.0]).tolist() == [64, -127, 0]


async def in_time(backend: LocalBackend, text: str, seconds: float) -> Reply:
    async with asyncio.timeout(seconds):
        return await backend.complete(
            Request("embedding", "m", (Message("user", text),), {}, None, (), "embedding"), "key"
        )


def test_texts_nobody_waits_for_any_more_keep_no_other_from_being_read() -> None:
    slow = threading.Event()

    def read(texts: Sequence[str]) -> np.ndarray:
        slow.wait(0.2)
        return np.ones((len(texts), 4))

    async def asking() -> Reply:
        backend = LocalBackend(read)
        late = [in_time(backend, str(at), 0.05) for at in range(3 * PAGE)]
        assert all(isinstance(found, TimeoutError) for found in await asyncio.gather(*late, return_exceptions=True))
        slow.set()
        return await in_time(backend, "one", 5.0)

    assert asyncio.run(asking()).prompt_tokens == 3


def test_a_text_that_is_too_long_for_a_server_is_its_own_fault() -> None:
    told = b'{"message": "Input validation error: `inputs` must have less than 512 tokens. Given: 534", "type": "Validation"}'
    assert openai.OpenAIBackend(None, "key").read(413, {}, told, "v").finish == "rejected"

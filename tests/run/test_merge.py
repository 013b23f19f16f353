"""Split over machines and put together again: what comes out is a function of the journals, whatever the order of merging."""

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.errors import ConfigError
from synth.journal.reader import Reader
from synth.journal.store import Journal
from synth.plan.sharding import shard_of
from synth.run.compile import compile_recipe
from synth.run.merge import merge
from synth.run.result import OK, SHORT, Result
from synth.types import Origin, Reply, Request
from tests.conftest import Lab, tiny_recipe
from tests.promises.test_kill import SMALL
from tests.support.journals import as_format_1, change
from tests.support.standin import standing_in
from tests.support.world import World, sentence

CROWDED = World(pool=300)
"""A tenth of the queries and more are near-copies of those of other lanes, so shards know too little of one another."""


def merged(lab: Lab, parts: Sequence[str], out: str) -> Result:
    return merge([lab.folder / part for part in parts], lab.folder / out).result


def content(folder: Path) -> str:
    """A hash over everything a merge leaves: dataset, card, drops, run.json, and what the journal holds."""
    digest = sha256()
    for path in sorted([*folder.glob("dataset/**/*"), *folder.glob("drops/*"), folder / "run.json"]):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)}".encode() + path.read_bytes())
    with Reader(folder) as journal:
        digest.update(repr([list(journal.decisions()), list(journal.replies())]).encode())
    return digest.hexdigest()


@pytest.mark.parametrize("of", [1, 2, 3, 5])
def test_shards_are_even_and_each_lane_is_in_one(lab: Lab, of: int) -> None:
    specs = compile_recipe(tiny_recipe()).specs
    shards = [shard_of(f"{number}/{of}", specs) for number in range(1, of + 1)]
    assert Counter(lane for shard in shards for lane in shard) == Counter({spec.lane.id: 1 for spec in specs})
    for kind in ("/harmful", "/benign"):
        sizes = [sum(lane.endswith(kind) for lane in shard) for shard in shards]
        assert max(sizes) - min(sizes) <= 1
    assert shards == [shard_of(f"{number}/{of}", specs[::-1]) for number in range(1, of + 1)]
    assert all(
        len(
            {
                shard
                for shard in shards
                if f"{spec.lane.subcategory}/harmful" in shard or f"{spec.lane.subcategory}/benign" in shard
            }
        )
        == 1
        for spec in specs
    )


@pytest.mark.parametrize("wrong", ["", "1", "0/2", "3/2", "1/0", "-1/2", "a/b", "1/2/3", "1.5/2", "１/２", "1/11"])
def test_a_shard_that_is_none_is_told(lab: Lab, wrong: str) -> None:
    with pytest.raises(ConfigError, match="--shard") as caught:
        shard_of(wrong, compile_recipe(tiny_recipe()).specs)
    assert caught.value.status == 2


def test_a_shard_asks_for_its_lanes_at_the_targets_of_the_whole(lab: Lab) -> None:
    targets = {(cell["subcategory"], cell["query_type"], cell["label"]): cell["target"] for cell in lab.run(40).cells}
    found: dict[Any, int] = {}
    for shard in ("1/2", "2/2"):
        result = lab.run(40, out=shard[0], shard=shard)
        assert result.status == OK
        found |= {(cell["subcategory"], cell["query_type"], cell["label"]): cell["accepted"] for cell in result.cells}
    assert found == targets


def test_shards_without_common_queries_make_what_one_run_makes(lab: Lab) -> None:
    lab.run(40)
    for shard in ("1/3", "2/3", "3/3"):
        lab.run(40, out=shard[0], shard=shard)
    assert merged(lab, "231", "all").status == OK
    assert lab.bytes("all") == lab.bytes()
    assert lab.run(40, out="all").calls == 0


def test_what_the_common_gate_leaves_short_is_all_that_is_asked_for(lab: Lab) -> None:
    lab.world = CROWDED
    paid: set[str] = set()
    for shard in ("1/2", "2/2"):
        lab.run(60, out=shard[0], shard=shard)
        assert lab.server is not None
        paid.update(lab.server.answered)
    result = merged(lab, "12", "all")
    before = lab.rows("all")
    assert (result.status, result.calls) == (SHORT, 0)
    assert {cell["status"] for cell in result.cells} == {"met", "open"}
    assert lab.run(60, out="all").status == OK
    assert lab.server is not None
    assert not paid & set(lab.server.answered)
    assert len(lab.server.answered) < 0.5 * len(paid)
    assert all(lab.rows("all").get(id) == row for id, row in before.items())


def lanes_by_key(folder: Path) -> dict[str, str]:
    with Reader(folder) as journal:
        return {reply.key: reply.lane for reply, _ in journal.replies()}


def test_a_shard_of_a_folder_that_held_more_keeps_it_and_asks_only_for_its_own(lab: Lab) -> None:
    lab.run(30)
    rows, replies = lab.rows(), lanes_by_key(lab.folder / "run")
    lab.run(60, shard="1/2")
    after = lanes_by_key(lab.folder / "run")
    assert all(lab.rows().get(id) == row for id, row in rows.items())
    asked = {after[key] for key in after.keys() - replies.keys()}
    assert asked == shard_of("1/2", compile_recipe(tiny_recipe()).specs)


class Sampled(World):
    """A model that says something else each time: here, on each machine."""

    def __init__(self, machine: str, **habits: Any) -> None:
        super().__init__(**habits)
        self.machine = machine

    async def complete(self, request: Request, key: str) -> Reply:
        return await super().complete(request, key + self.machine)


@pytest.fixture
def apart(lab: Lab) -> list[str]:
    """Folders of one recipe made apart: shards, on models that differ; a lane planned twice; one stopped; another N."""
    for name, shard, n, interrupt in (
        ("a", "1/3", 30, None),
        ("b", "2/3", 30, None),
        ("c", "3/3", 30, 4.0),
        ("d", "1/2", 36, None),
        ("e", None, 30, 3.0),
    ):
        lab.world = Sampled(name, pool=300)
        lab.run(n, out=name, shard=shard, interrupt=interrupt)
    return ["a", "b", "c", "d", "e"]


def test_any_order_and_any_tree_of_merging_gives_the_same_bytes(lab: Lab, apart: list[str]) -> None:
    merged(lab, apart, "flat")
    whole = content(lab.folder / "flat")

    @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(0, 2**32))
    def check(seed: int) -> None:
        chance, trees = random.Random(seed), list(apart)
        for step in range(100):
            chance.shuffle(trees)
            count = chance.randint(2, len(trees))
            out = f"{seed}.{step}"
            merged(lab, trees[:count], out)
            trees = [out, *trees[count:]]
            if len(trees) == 1:
                break
        assert content(lab.folder / trees[0]) == whole
        merged(lab, [trees[0], trees[0], *apart], f"{seed}.again")
        assert content(lab.folder / f"{seed}.again") == whole

    check()


def test_a_key_with_two_replies_keeps_one_by_content(lab: Lab, apart: list[str]) -> None:
    replies = {}
    for name in apart:
        with Reader(lab.folder / name) as journal:
            for reply, _ in journal.replies():
                replies.setdefault(reply.key, set()).add(reply.text)
    assert any(len(texts) > 1 for texts in replies.values())
    merged(lab, apart, "all")
    with Reader(lab.folder / "all") as journal:
        assert {reply.key: reply.text for reply, _ in journal.replies()} == {
            key: min(texts) for key, texts in replies.items()
        }


def test_the_largest_target_wins_and_the_furthest_plan(lab: Lab) -> None:
    lab.run(30, out="small")
    lab.run(60, out="large")
    result = merged(lab, ["small", "large"], "all")
    assert result.status == OK
    assert lab.bytes("all") == lab.bytes("large")
    assert json.loads((lab.folder / "all" / "run.json").read_text(encoding="utf-8"))["n"] == 60


def test_a_merge_that_was_killed_can_be_given_again_and_one_gone_on_with_cannot(lab: Lab) -> None:
    for shard in ("1/2", "2/2"):
        lab.run(30, out=shard[0], shard=shard)
    merged(lab, "12", "all")
    whole = content(lab.folder / "all")
    shutil.rmtree(lab.folder / "all" / "dataset")
    (lab.folder / "all" / "run.json").unlink()
    merged(lab, "21", "all")
    assert content(lab.folder / "all") == whole
    lab.run(60, out="all")
    with pytest.raises(ConfigError, match=r"holds another journal; choose another -o DIR, and name .* among"):
        merged(lab, "12", "all")


def replies_only(folder: Path) -> None:
    folder.mkdir()
    journal = Journal(folder)
    asyncio.run(journal.put("0" * 32, Reply("答"), Origin("w", "query", "l"), "m"))
    journal.close()


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        (["one", "nowhere"], "nowhere: holds no journal"),
        (["one", "replies"], "replies: holds replies but no run's plans; .* `synth journal merge`"),
        (
            ["one", "edited"],
            r"are of different recipes; these differ: dedup.threshold \(0.7 → 0.6\), seed \(0 → 5\); run one recipe in both",
        ),
        (["killed"], "killed: holds no run.json, which tells the recipe"),
        (["torn", "one"], "run.json: is broken"),
    ],
)
def test_what_cannot_be_merged_is_one_line(lab: Lab, parts: list[str], complaint: str) -> None:
    lab.run(20, out="one")
    lab.run(20, out="edited", dedup={"threshold": 0.6}, seed=5)
    for copy in ("killed", "torn"):
        shutil.copytree(lab.folder / "one", lab.folder / copy)
    (lab.folder / "killed" / "run.json").unlink()
    as_format_1(lab.folder / "killed" / "journal.sqlite")
    (lab.folder / "torn" / "run.json").write_text("{")
    replies_only(lab.folder / "replies")
    with pytest.raises(ConfigError, match=complaint):
        merged(lab, parts, "all")
    assert not (lab.folder / "all").exists()


def under_another_prompt(lab: Lab) -> None:
    (lab.folder / "prompts" / "judge").mkdir(parents=True)
    text = Path(compile_recipe(tiny_recipe()).flow.prompts("judge")[0].path).read_text(encoding="utf-8")
    (lab.folder / "prompts" / "judge" / "verdict.j2").write_text(text.replace("评审", "审评"), encoding="utf-8")


def test_merging_a_journal_without_inputs_under_other_prompts_names_them(lab: Lab) -> None:
    lab.run(20, out="one")
    as_format_1(lab.folder / "one" / "journal.sqlite")
    merged(lab, ["one"], "before")
    under_another_prompt(lab)
    with pytest.raises(
        ConfigError, match=r"these differ: prompt judge/verdict .*; run merge where its taxonomies .* with synth 0"
    ):
        merged(lab, ["one"], "all")


def test_what_the_journals_hold_is_merged_whatever_stands_in_the_folders(lab: Lab) -> None:
    lab.run(40)
    for shard in ("1/2", "2/2"):
        lab.run(40, out=shard[0], shard=shard)
    under_another_prompt(lab)
    (lab.folder / "taxonomies" / "tiny.yaml").unlink()
    for folder in "12":
        (lab.folder / folder / "run.json").unlink()  # killed before it could write any
    assert merged(lab, "12", "all").status == OK
    assert lab.bytes("all") == lab.bytes()
    assert merged(lab, ["all", "1"], "again").status == OK
    assert lab.bytes("again") == lab.bytes()


def test_a_merge_stops_at_a_reply_that_no_journal_holds_as_it_was_written(lab: Lab) -> None:
    lab.run(30)
    for shard in ("1/2", "2/2"):
        lab.run(30, out=shard[0], shard=shard)
    change(lab.folder / "1" / "journal.sqlite", "UPDATE replies SET text = text || '。' WHERE rowid = 9")
    with pytest.raises(
        ConfigError, match=r"1/journal.sqlite: the reply \w{32} .* is not what was written.*`synth run`"
    ):
        merged(lab, "12", "all")
    assert not (lab.folder / "all" / "journal.sqlite").exists()
    assert merged(lab, ["1", "2", "run"], "all").status == OK
    assert lab.bytes("all") == lab.bytes()


def synth(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OPENAI_API_KEY": "x", "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-m", "synth", *arguments],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_two_processes_at_once_then_merged_then_topped_up(lab: Lab) -> None:
    with standing_in(latency="0.005") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=16), encoding="utf-8")
        halves = [synth(lab.folder, "run", "small.yaml", "-o", name, "--shard", f"{name}/2") for name in "12"]
        for half in halves:
            _, words = half.communicate(timeout=120)
            assert half.returncode == 0, words
        paid = server.completed.copy()
        first, second = (
            synth(lab.folder, "merge", "1", "2", "-o", "all"),
            synth(lab.folder, "merge", "2", "1", "-o", "too"),
        )
        for process in (first, second):
            _, words = process.communicate(timeout=120)
            assert process.returncode in (OK, SHORT), words
            if process.returncode == SHORT:
                assert "cells are short; `synth run small -o" in words
        assert content(lab.folder / "all") == content(lab.folder / "too")
        assert server.completed == paid
        last = synth(lab.folder, "run", "small.yaml", "-o", "all")
        _, words = last.communicate(timeout=120)
        assert last.returncode == 0, words
        assert max(server.completed[key] for key in server.completed if key not in paid or paid[key] == 1) == 1
    accepted = Counter(row["scenario"] for row in lab.rows("all", "train").values())
    assert accepted == {"one": 24, "two": 24}


def test_shards_of_the_users_own_queries_are_the_whole(lab: Lab) -> None:
    rows = [{"query": sentence(i), "subcategory": f"one.s{i % 3}"} for i in range(90)]
    (lab.folder / "mine.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    own = compile_recipe(tiny_recipe(query=None, n=None, augment=None, queries="mine.jsonl"))
    lab.run(compiled=own)
    for shard in ("1/2", "2/2"):
        lab.run(compiled=own, out=shard[0], shard=shard)
    assert merged(lab, "21", "all").status == OK
    assert lab.bytes("all") == lab.bytes()

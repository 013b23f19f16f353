"""The `batch` backend against the stand-in's Batch API: what is uploaded, collected, asked again, and what is the user's to mend."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synth import backends
from synth.backends import BatchJob, batch
from synth.backends import openai as plain
from synth.backends.batch import steps
from synth.backends.batch.api import Api
from synth.backends.batch.options import BatchOptions
from synth.backends.batch.rows import line_of
from synth.errors import ConfigError
from synth.hashing import key_of
from synth.journal.reader import Reader
from synth.journal.receipts import RECEIPT, bodies
from synth.recipe import load, schema
from synth.recipe.role import Role
from synth.run import execute, journal_tools
from synth.run.compile import compile_recipe
from synth.serve.server import StandIn
from synth.types import Message, Reply, Request
from tests.conftest import Lab, tiny_recipe
from tests.promises.test_kill import STAGES
from tests.support.forked import Point, forking
from tests.support.forked import run as run_forked
from tests.support.opened import opened
from tests.support.standin import standing_in

N = 20
QUICK = BatchOptions(quiet=0.15, poll=0.32)
CALM: dict[str, str] = {}
"""Hashes of calm runs over backend `openai`."""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def served(address: str, backend: str = "batch", want: BatchOptions = QUICK, **changes: Any) -> schema.Recipe:
    made = load.with_models(tiny_recipe(concurrency=2000, **changes), backend=backend, model=None, base_url=address)
    models = {name: role.changed(name, batch=want) for name, role in made.models.items()}
    return made.model_copy(update={"models": models})


def make(lab: Lab, server: StandIn, out: str = "run", *, only: tuple[str, ...] = (), **how: Any) -> Any:
    return execute.run(compile_recipe(served(server.url, **how)), execute.RunOptions(lab.folder / out, N, only))


@pytest.fixture
def calm(lab: Lab) -> str:
    """The dataset that `openai` makes of the same recipe."""
    if "calm" not in CALM:
        with standing_in() as server:
            assert make(lab, server, "calm", backend="openai").status == 0
        CALM["calm"] = lab.bytes("calm")
    return CALM["calm"]


def receipts(folder: Path) -> dict[str, dict[str, Any]]:
    with Reader(folder) as journal:
        return bodies(journal.decisions())


def test_the_same_dataset_as_over_openai_with_everything_uploaded_once_and_nothing_left_behind(
    lab: Lab, calm: str
) -> None:
    with standing_in(batch_latency="0.05..0.3") as server:
        assert make(lab, server).status == 0
        stats = server.stats()
    assert lab.bytes() == calm
    assert stats["arrived"] == 0
    assert set(server.completed.values()) == {1}
    assert stats["files_uploaded"] == stats["batches"] + stats["files_unused"] < stats["completed"] / 10
    assert stats["files_kept"] == 0
    assert all(body["closed"] for body in receipts(lab.folder / "run").values())


@pytest.mark.parametrize(
    "fault",
    ["upload-500", "upload-lost", "create-500", "create-lost", "look-500", "shuffled", "doubled", "torn-file"],
)
def test_what_goes_wrong_on_the_way_is_paid_once(lab: Lab, calm: str, fault: str) -> None:
    with standing_in(faults={fault: 0.1 if fault == "torn-file" else 0.3}) as server:
        assert make(lab, server).status == 0
        stats = server.stats()
    assert stats["faults"][fault] > 0
    assert lab.bytes() == calm
    assert (stats["repeated"], stats["files_uploaded_again"], stats["rows_again"]) == (0, 0, 0)
    # Files may be up, and their batches not made, as the run ends.
    assert stats["files_uploaded"] == stats["batches"] + stats["files_unused"]
    # A batch that nobody needs any more and that cannot be looked at as the run ends is left to the next run, files and all.
    assert stats["files_kept"] == 0 or fault == "look-500"


@pytest.mark.parametrize("fault", ["expired", "missing", "row-429", "row-500"])
def test_what_stays_unanswered_is_asked_again_in_the_next_batch(lab: Lab, calm: str, fault: str) -> None:
    with standing_in(faults={fault: 0.2}) as server:
        result = make(lab, server)
        while (
            result.status == 3 and "expire again and again" in result.message
        ):  # chance may have it three times in a row
            result = make(lab, server)
        stats = server.stats()
    assert (result.status, result.message) == (0, None)
    assert stats["rows_again"] > 0
    assert lab.bytes() == calm
    assert (stats["repeated"] > 0) == (fault == "missing")


def test_a_server_that_takes_no_schema_is_asked_in_plain_text_from_then_on(lab: Lab) -> None:
    with standing_in(formats=frozenset()) as server:
        assert make(lab, server).status == 0
        before, stats = len(server.bodies), server.stats()
        assert make(lab, server, filters={"query": [{"length": {"min": 1}}]}, seed=1).status == 0
    kinds = [body.get("response_format", {}).get("type") for body in server.bodies]
    assert {"json_schema", "json_object", None} == set(kinds[:before])
    assert set(kinds[before:]) == {None}
    assert stats["repeated"] == 0


def test_limits_cut_batches(lab: Lab, calm: str) -> None:
    with standing_in() as server:
        assert make(lab, server, want=QUICK.model_copy(update={"rows": 7, "keep_files": True})).status == 0
        assert max(len(batch.rows) for batch in server.batches.batches.values()) == 7
        assert len(server.batches.files) >= 2 * len(server.batches.batches)
    with standing_in() as server:
        want = QUICK.model_copy(update={"megabytes": 0.02, "keep_files": True})
        assert make(lab, server, "small", want=want).status == 0
        sizes = [len(file.data) for file in server.batches.files.values() if file.purpose == "batch"]
        assert 10_000 < max(sizes) <= 20_000
    assert lab.bytes() == lab.bytes("small") == calm


def test_a_server_that_has_enough_waiting_gets_smaller_batches_one_at_a_time(lab: Lab, calm: str) -> None:
    with standing_in(batch_rows=12) as server:
        assert make(lab, server).status == 0
    assert lab.bytes() == calm
    ended = server.stats()["ended"]
    assert ended["failed"] > 0
    assert server.stats()["repeated"] == 0


@pytest.mark.parametrize(
    ("habits", "expected"),
    [
        ({"script": ["failed"]}, r"refuses batch batch_\d+: line 1: invalid_request Something is wrong .*; mend"),
        ({"api_key": "another"}, "answers 401: .*check the API key"),
        ({"faults": {"row-400": 1.0}}, "answers 400: this request is out of luck"),
    ],
)
def test_what_will_not_pass_is_one_line_and_the_same_command_goes_on(
    lab: Lab, calm: str, habits: dict[str, Any], expected: str
) -> None:
    with standing_in(**habits) as server:
        result = make(lab, server)
        assert result.status == 1
        assert re.search(expected, str(result.message))
        assert "\n" not in str(result.message)
        assert "sk-test" not in str(result.message)
        server.habits = replace(server.habits, faults={}, api_key=None)
        assert make(lab, server).status == 0
    assert lab.bytes() == calm
    assert server.stats()["repeated"] == 0


def test_a_batch_that_outlasts_its_window_stops_the_run_and_is_collected_later(
    lab: Lab, calm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MARGIN", 0.2)
    with standing_in(script=["late"], batch_latency="2") as server:
        result = make(lab, server, want=QUICK.model_copy(update={"window": "1s", "quiet": 0.5}))
        assert (result.status, result.stopped) == (1, "stopped: provider")
        assert "long after its window; run the same command again" in str(result.message)
        assert any("stay with the server" in note for note in result.notes)
        server.habits = replace(server.habits, batch_latency="0")
        time.sleep(1)
        assert make(lab, server).status == 0
        stats = server.stats()
    assert lab.bytes() == calm
    assert (stats["files_uploaded_again"], stats["rows_again"], stats["repeated"]) == (0, 0, 0)


def test_batches_that_expire_again_and_again_stop_the_run(lab: Lab) -> None:
    with standing_in(batch_latency="1000") as server:
        result = make(lab, server, want=QUICK.model_copy(update={"window": "1s"}))
    assert result.stopped == "stopped: provider"
    assert "expire again and again" in str(result.message)
    assert server.stats()["ended"]["expired"] >= 3


def test_replies_nobody_asks_for_any_more_are_journalled_all_the_same(lab: Lab) -> None:
    with standing_in(script=["late"], batch_latency="0.6") as server:
        interrupted(lab, server)
        asked = [row["custom_id"] for batch in server.batches.batches.values() for row in batch.rows]
        time.sleep(0.7)
        server.habits = replace(server.habits, batch_latency="0")
        assert make(lab, server, only=("two",), seed=7).status in (0, 3)
    with Reader(lab.folder / "run") as journal:
        kept = {reply.key: reply for reply, _ in journal.replies()}
    assert set(asked) <= set(kept)
    assert {kept[key].stage for key in asked} == {"query"}
    assert any(kept[key].lane.startswith("one.") for key in asked)
    assert server.stats()["files_kept"] == 0


def interrupted(lab: Lab, server: StandIn) -> Any:
    """A run that was interrupted once its first batch was made."""
    notes: list[str] = []

    def say(line: str) -> None:
        notes.append(line)
        os.kill(os.getpid(), signal.SIGINT)

    result = execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "run", N, say=say))
    assert result.status == 130
    assert len(notes) == 1
    return result


def test_batches_that_are_not_needed_any_more_can_be_cancelled(lab: Lab, calm: str, capsys: Any) -> None:
    with standing_in(batch_latency="1000") as server:
        result = interrupted(lab, server)
        assert any("stay with the server: the same command collects" in note for note in result.notes)
        (line,) = journal_tools.cancel(lab.folder / "run", server.url)
        assert re.fullmatch(
            r"batch batch_\d+: cancelled \(\d+ requests\); the next run collects what it had answered", line
        )
        server.habits = replace(server.habits, batch_latency="0")
        assert make(lab, server).status == 0
        assert server.stats()["ended"]["cancelled"] == 1
        assert server.stats()["repeated"] == 0
    assert lab.bytes() == calm
    assert journal_tools.cancel(lab.folder / "run", server.url) == [
        f"{lab.folder / 'run'}: nothing is left with a server"
    ]


def test_a_batch_whose_making_was_never_confirmed_is_told_of_and_collected(lab: Lab, calm: str) -> None:
    class Batches(dict[str, Any]):
        def __setitem__(self, name: str, batch: Any) -> None:
            super().__setitem__(name, batch)
            os.kill(os.getpid(), signal.SIGINT)

    with standing_in(faults={"create-lost": 1.0}) as server:
        server.batches.batches = Batches()
        result = make(lab, server)
        assert result.status == 130
        assert any("stay with the server: the same command collects" in note for note in result.notes)
        server.batches.batches, server.habits = dict(server.batches.batches), replace(server.habits, faults={})
        assert make(lab, server).status == 0
        stats = server.stats()
    assert lab.bytes() == calm
    assert (stats["repeated"], stats["files_uploaded_again"], stats["rows_again"]) == (0, 0, 0)


class Found:
    """What a journal knows of one receipt, begun by an earlier run."""

    def __init__(self, receipt: BatchJob) -> None:
        self.receipt = receipt

    def known(self, place: Mapping[str, Any]) -> list[BatchJob]:
        del place
        return [self.receipt]

    def record(self, receipt: BatchJob) -> None:
        self.receipt = receipt

    async def keep(self, receipt: BatchJob, replies: Mapping[str, Reply]) -> None:
        pass


def test_an_uploaded_file_is_used_however_slowly_its_requests_are_asked_again(lab: Lab) -> None:
    requests = [
        Request("model", "writer", (Message("user", f"第{number}问"),), {}, None, (number,)) for number in range(6)
    ]
    keys = [key_of(request) for request in requests]

    async def ask(server: StandIn) -> BatchJob:
        role = served(server.url).models["writer"]
        client, backend = opened(plain, role), opened(batch, role)
        lines = [line_of(request, key, 0) + b"\n" for request, key in zip(requests, keys, strict=True)]
        receipt = BatchJob("1f", {}, "writer", 0, tuple(keys))
        file = await Api(client).upload(steps.name_of(receipt), b"".join(lines))
        await client.close()
        found = Found(replace(receipt, file=file))
        backend.take_up(found, lambda _: None)
        asked = []
        for request, key in zip(requests, keys, strict=True):
            asked.append(asyncio.ensure_future(backend.complete(request, key)))
            await asyncio.sleep(2 * QUICK.quiet)
        await asyncio.gather(*asked)
        await backend.close()
        return found.receipt

    with standing_in() as server:
        receipt = asyncio.run(ask(server))
        stats = server.stats()
    assert (stats["files_uploaded"], stats["batches"], stats["rows"]) == (1, 1, len(keys))
    assert receipt.closed


def test_a_run_that_is_done_has_what_nobody_needs_cancelled_and_leaves_nothing(lab: Lab) -> None:
    with standing_in(batch_latency="1000") as server:
        interrupted(lab, server)
        server.habits = replace(server.habits, batch_latency="0")
        assert len(make(lab, server, only=("two",), seed=7).notes) == 1  # that a stand-in wrote this
    assert server.stats()["ended"]["cancelled"] == 1
    assert all(body["closed"] for body in receipts(lab.folder / "run").values())
    assert server.stats()["files_kept"] == 0


def test_what_takes_long_to_be_cancelled_is_left_to_the_next_run(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "LANDING", 0.4)
    with standing_in(batch_latency="1000") as server:
        interrupted(lab, server)
        server.habits = replace(server.habits, batch_latency="0")
        result = make(lab, server, only=("two",), seed=7)
        assert any("turned out not to be needed and are being cancelled" in note for note in result.notes)
        assert server.stats()["ended"]["cancelling"] == 1
        time.sleep(1)
        assert len(make(lab, server, only=("two",), seed=7).notes) == 1  # that a stand-in wrote this
    assert all(body["closed"] for body in receipts(lab.folder / "run").values())
    assert server.stats()["files_kept"] == 0


def test_a_batch_the_server_does_not_know_is_one_line_until_it_is_forgotten(lab: Lab, calm: str) -> None:
    with standing_in(batch_latency="1000") as server:
        interrupted(lab, server)
        server.batches.batches.clear()
        server.habits = replace(server.habits, batch_latency="0")
        result = make(lab, server)
        assert result.status == 1
        assert re.search(
            r"batch batch_\d+ is not known to the server; check .* cancel-batches DIR", str(result.message)
        )
        assert "free to be asked for again" in journal_tools.cancel(lab.folder / "run", server.url)[0]
        assert make(lab, server).status == 0
    assert lab.bytes() == calm


def test_a_batch_cancelled_by_another_hand_stops_the_run(lab: Lab) -> None:
    with standing_in(batch_latency="1000") as server:
        bound = compile_recipe(served(server.url))

        def cancel(_: str) -> None:
            for batch in server.batches.batches.values():
                batch.status, batch.cancelled = "cancelling", time.time()
                batch.lasts = 1.0

        result = execute.run(bound, execute.RunOptions(lab.folder / "run", N, say=cancel))
    assert result.stopped == "stopped: provider"


def test_a_run_over_another_backend_says_what_is_left_in_batches(lab: Lab, calm: str) -> None:
    with standing_in(batch_latency="1000") as server:
        interrupted(lab, server)
        said: list[str] = []
        bound = compile_recipe(served(server.url, backend="openai"))
        assert execute.run(bound, execute.RunOptions(lab.folder / "run", N, say=said.append)).status == 0
    assert any("requests of earlier runs are in batches" in line for line in said)
    assert lab.bytes() == calm


def test_roles_at_one_address_share_how_they_are_batched() -> None:
    one, two = (
        served("http://127.0.0.1:1/v1").models["a"],
        served("http://127.0.0.1:1/v1", want=BatchOptions()).models["b"],
    )
    with pytest.raises(ConfigError, match=r"models\.b: `batch` differs from another model's at the same address"):
        backends.connect({"a": one, "b": two})


def test_receipts_are_read_whatever_the_order_they_were_united_in(lab: Lab) -> None:
    with standing_in() as server:
        assert make(lab, server).status == 0
    with Reader(lab.folder / "run") as journal:
        found = [entry for entry in journal.decisions() if entry[0] == RECEIPT]
    assert bodies(found) == bodies(reversed(found)) != {}


SMALL = (
    """\
name: small
taxonomies: [tiny]
ordinary: 0
n: 16
concurrency: 2000
models:
  writer: {{model: writer, backend: {backend}, base_url: "{url}", batch: {{quiet: 0.2, poll: 0.16}}}}
  a: {{model: a, backend: {backend}, base_url: "{url}", batch: {{quiet: 0.2, poll: 0.16}}}}
  j1: {{model: j1, temperature: 0, backend: {backend}, base_url: "{url}", batch: {{quiet: 0.2, poll: 0.16}}}}
  j2: {{model: j2, temperature: 0, backend: {backend}, base_url: "{url}", batch: {{quiet: 0.2, poll: 0.16}}}}
"""
    + STAGES
)


POLLING: Point = ("while a batch is waited for", 1)
POINTS: list[Point] = [
    ("before a receipt", 2),  # the first file is uploaded
    ("before a receipt", 2),  # it is found again, and a batch made of it: that is not known here yet
    POLLING,
    ("before a commit", 3),  # its replies are being brought home
    ("after a commit", 3),
    ("before a receipt", 3),
    POLLING,
    ("before a receipt", 4),  # a batch is brought home, and not closed
    ("after a receipt", 4),
    ("before a receipt", 5),
    ("after a commit", 6),
    POLLING,
]


@pytest.mark.timeout(200)
def test_kills_at_any_moment_change_no_byte_and_upload_nothing_twice(lab: Lab) -> None:
    command = ["run", "small.yaml", "-o", "run"]

    def start(point: Point | None) -> Any:
        process = forking().Process(target=run_forked, args=(lab.folder, command, lab.folder / "words", point))
        process.start()
        return process

    def write(server: StandIn, backend: str) -> None:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, backend=backend), encoding="utf-8")

    with standing_in() as server:
        write(server, "openai")
        process = start(None)
        process.join(60)
        assert process.exitcode == 0
        calm = lab.bytes()
        (lab.folder / "run").rename(lab.folder / "calm")
    with standing_in(batch_latency="0.2") as server:
        write(server, "batch")
        ends: list[int | None] = []
        for point in [*POINTS, None]:
            made = len(server.batches.batches)
            process = start(None if point is POLLING else point)
            while point is POLLING and process.is_alive() and len(server.batches.batches) == made:
                time.sleep(0.01)
            process.join(0.1 if point is POLLING else 60)
            process.kill()
            process.join()
            ends.append(process.exitcode)
            if process.exitcode == 0:  # how many batches a run still makes hangs on the moment of the kills before it
                break
        stats = server.stats()
    assert ends == [*[-signal.SIGKILL] * (len(ends) - 1), 0], (lab.folder / "words").read_text(encoding="utf-8")
    assert len(ends) > len(POINTS) - 3
    assert lab.bytes() == calm
    assert (stats["files_uploaded_again"], stats["rows_again"], stats["repeated"]) == (0, 0, 0)
    # A file that nobody wanted in time, on a busy machine perhaps, is deleted, and its rows go into other files: nothing is paid for it.
    assert stats["files_uploaded"] == stats["batches"] + stats["files_unused"]
    assert stats["files_kept"] == 0


def test_an_interrupt_leaves_the_batch_with_the_server_and_says_so(lab: Lab) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "synth", "run", "small.yaml", "-o", "run"]
    with standing_in(batch_latency="1000") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, backend="batch"), encoding="utf-8")
        process = subprocess.Popen(command, cwd=lab.folder, env=environment, stderr=subprocess.PIPE, text=True)
        while not server.batches.batches and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=60)
        assert process.returncode == 130, words
        assert "requests stay with the server: the same command collects their replies" in words
        assert "Traceback" not in words


def test_a_file_may_be_larger_than_any_other_body() -> None:
    data = b"{}\n" * 4_000_000

    async def go(url: str) -> bytes:
        backend = opened(batch, Role(model="m", backend="batch", base_url=url))
        try:
            return await backend._api.content(await backend._api.upload("synth-x.jsonl", data))
        finally:
            await backend.close()

    with standing_in() as server:
        assert asyncio.run(go(server.url)) == data

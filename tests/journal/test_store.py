"""The journal: nothing committed is lost to a kill, one process at a time, and what cannot be written stops the run."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from synth.errors import ConfigError, ProviderError, Stopped
from synth.hashing import key_of, seed_of
from synth.journal.store import VERSION, Journal
from synth.types import Message, Origin, Reply, Request
from tests.support.journals import change, seal

SEAT = Origin("writer", "query", "a.b/harmful")
REQUEST = Request("model", "m", (Message("user", "问"),), {"temperature": 1.0}, None, ("query", 1, "a.b", 0))


def put(journal: Journal, *replies: tuple[str, Reply]) -> None:
    async def go() -> None:
        await asyncio.gather(*(journal.put(key, reply, SEAT, "m") for key, reply in replies))

    asyncio.run(go())


def test_a_reply_comes_back_as_it_went_in(tmp_path: Path) -> None:
    reply = Reply("答\x00\n“引号”🀄", "length", 7, 9, "想了想")
    journal = Journal(tmp_path)
    put(journal, ("k", reply))
    journal.close()
    journal = Journal(tmp_path)
    assert journal.get("k") == reply
    assert journal.get("other") is None
    journal.close()


def test_the_first_reply_to_a_key_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    put(journal, ("k", Reply("一")))
    put(journal, ("k", Reply("二")))
    assert journal.get("k") == Reply("一")
    journal.close()


def test_text_that_is_no_text_is_kept_as_near_as_can_be(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    put(journal, ("k", Reply("半个\ud83d字", "\ud800", reasoning="想\udc00")))
    found = journal.get("k")
    assert found is not None
    assert found.text.startswith("半个")
    assert found.finish not in ("", "stop"), "an end that nobody knows is none that somebody does"
    journal.close()


def test_one_look_tells_of_all_keys_that_are_not_there(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    put(journal, *((f"{n:032x}", Reply("一")) for n in range(50)))
    journal.close()
    journal = Journal(tmp_path)
    asked: list[str] = []
    journal._db.set_trace_callback(asked.append)
    missing = [journal.get(f"{n:032x}") for n in range(50, 250)]
    assert missing == [None] * 200
    assert len(asked) < 10
    assert all(journal.get(f"{n:032x}") for n in range(50))
    put(journal, ("0" * 31 + "x", Reply("二")))
    assert journal.get("0" * 31 + "x") == Reply("二")
    journal.close()


def test_replies_that_keep_coming_share_a_commit_and_none_is_told_of_before_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    said: list[str] = []
    journal._db.set_trace_callback(said.append)
    early: list[int] = []

    async def one(turn: int) -> None:
        for _ in range(turn):
            await asyncio.sleep(0)
        await journal.put(f"k{turn}", Reply("答"), SEAT, "m")
        if "COMMIT" not in said:
            early.append(turn)

    async def go() -> None:
        await asyncio.gather(*map(one, range(12)))

    asyncio.run(go())
    assert not early
    assert said.count("COMMIT") < 6
    assert sum(line.startswith("\nINSERT") for line in said) == 12
    said.clear()
    put(journal, ("alone", Reply("答")))
    assert said.count("COMMIT") == 1
    journal.close()


def test_decisions_come_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(5):
        journal.decide("odd" if number % 2 else "even", {"number": number, "b": 1, "a": 2})
    journal.close()
    journal = Journal(tmp_path)
    assert [(kind, body["number"], list(body)) for kind, body in journal.decisions()] == [
        ("odd" if number % 2 else "even", number, ["number", "b", "a"]) for number in range(5)
    ]
    journal.close()


def test_what_was_spent_adds_up_by_stage_and_model(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    put(journal, *((f"k{i}", Reply("x", prompt_tokens=10, completion_tokens=i)) for i in range(4)))
    (spent,) = journal.spent()
    assert (spent.stage, spent.model, spent.calls, spent.prompt_tokens, spent.completion_tokens) == (
        "query",
        "m",
        4,
        40,
        6,
    )
    journal.close()


WRITER = """
    import asyncio, sys
    from pathlib import Path
    from synth.journal.store import Journal
    from synth.types import Origin, Reply

    async def main():
        journal = Journal(Path(sys.argv[1]))
        for i in range(10**6):
            await asyncio.gather(*(journal.put(f"{i}.{j}", Reply("字" * 300), Origin("w", "query", "l"), "m") for j in range(3)))
            print(i, flush=True)

    asyncio.run(main())
"""


def test_a_kill_loses_nothing_that_was_said_to_be_kept(tmp_path: Path) -> None:
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(200)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
        writer.wait()
        writer.stdout.close()
        last = max(int(line) for line in said if line.endswith(b"\n"))
        journal = Journal(tmp_path)  # the lock went with the process
        assert all(journal.get(f"{i}.{j}") for i in range(last + 1) for j in range(3))
        journal.close()


def test_two_at_once_is_one_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(ConfigError, match="another synth is running in this folder"):
        Journal(tmp_path)
    journal.close()
    Journal(tmp_path).close()


def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_text("not a database" * 100)
    with pytest.raises(ConfigError, match="is not a journal of synth"):
        Journal(tmp_path)
    assert (tmp_path / "journal.sqlite").read_text() == "not a database" * 100


@pytest.mark.parametrize(
    ("version", "statement", "complaint"),
    [
        (
            VERSION + 1,
            "CREATE TABLE replies (key TEXT)",
            "written by a newer synth .*; go on with that one or a later one",
        ),
        (
            VERSION - 3,
            "CREATE TABLE replies (key TEXT)",
            "written by an older synth .*; go on with the one that wrote it",
        ),
        (0, "CREATE TABLE mails (id INTEGER)", "is not a journal of synth .a database of something else"),
    ],
)
def test_a_journal_of_another_format_is_left_alone(
    tmp_path: Path, version: int, statement: str, complaint: str
) -> None:
    path = tmp_path / "journal.sqlite"
    with sqlite3.connect(path) as db:
        db.execute(statement)
        db.execute(f"PRAGMA user_version={version}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=complaint):
        Journal(tmp_path)
    assert path.read_bytes() == before


FULL = """
    import asyncio, resource, signal, sys
    from pathlib import Path
    from synth.journal.store import Journal
    from synth.errors import Stopped
    from synth.types import Origin, Reply

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = Journal(Path(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    async def main():
        for i in range(10**6):
            await journal.put(str(i), Reply("字" * 300), Origin("w", "query", "l"), "m")
            print(i, flush=True)

    try:
        asyncio.run(main())
    except Stopped as stop:
        print("stopped", stop.why)
"""


def test_a_full_disk_stops_and_loses_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path)], capture_output=True, text=True, check=True
    )
    *said, end = done.stdout.split("\n")[:-1]
    assert end == "stopped disk"
    assert len(said) > 5
    journal = Journal(tmp_path)
    assert all(journal.get(number) for number in said)
    journal.close()


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may write anywhere
    try:
        with pytest.raises(ConfigError, match=r"cannot be written \(Permission denied\)"):
            Journal(tmp_path)
    finally:
        os.seteuid(user)


def test_a_key_is_of_everything_that_bears_identity_and_of_nothing_else() -> None:
    from dataclasses import replace

    base = key_of(REQUEST)
    others = [
        replace(REQUEST, family="offline/1"),
        replace(REQUEST, model="n"),
        replace(REQUEST, messages=(Message("system", "问"),)),
        replace(REQUEST, messages=(Message("user", "问 "),)),
        replace(REQUEST, params={"temperature": 1.1}),
        replace(REQUEST, schema={"title": "x"}),
        replace(REQUEST, draw=("query", 1, "a.b", 1)),
    ]
    assert len({base, *map(key_of, others)}) == 8
    assert key_of(replace(REQUEST, params=dict(REQUEST.params))) == base
    assert 0 <= seed_of(base) < 2**31


def test_stopped_is_what_a_failing_decision_raises(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal._db.execute("PRAGMA query_only=ON")
    with pytest.raises(Stopped) as caught:
        journal.decide("plan", {})
    assert caught.value.why == "disk"
    journal.close()


HOSTILE = [
    (Reply("x", "stop", 2**63 - 1, 2**63 - 1), (0, 0)),
    (Reply("x", "stop", 2**63, 10**30), (0, 0)),
    (Reply("x", "stop", -1_000_000, 3), (0, 3)),
    (Reply("x", "stop", float("inf"), "7"), (0, 0)),  # type: ignore[arg-type]
    (Reply("x", "stop", True, 2**31 - 1), (0, 2**31 - 1)),
]


@pytest.mark.parametrize(("reply", "counts"), HOSTILE)
def test_counts_that_cannot_be_are_none_told(tmp_path: Path, reply: Reply, counts: tuple[int, int]) -> None:
    journal = Journal(tmp_path)
    put(journal, ("k", reply))
    found = journal.get("k")
    assert found is not None
    assert (found.prompt_tokens, found.completion_tokens) == counts
    journal.close()


def test_counts_that_an_older_synth_believed_end_no_folder(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    put(journal, *((f"k{i}", Reply("x", "stop", 5, 5)) for i in range(3)))
    journal.close()
    change(
        tmp_path / "journal.sqlite",
        "UPDATE replies SET prompt_tokens = 9223372036854775807, completion_tokens = 9223372036854775807 WHERE key < 'k2'",
    )
    seal(tmp_path / "journal.sqlite")
    journal = Journal(tmp_path)
    (spent,) = journal.spent()
    assert (spent.calls, spent.tokens, spent.unmetered) == (3, 10, 2)
    found = journal.get("k0")
    assert found is not None
    assert found.prompt_tokens == 0
    journal.close()


def test_of_a_commit_only_the_reply_is_lost_that_cannot_be_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal._db.execute(
        "CREATE TRIGGER unfit BEFORE INSERT ON replies WHEN new.text = 'x' BEGIN SELECT raise(ABORT, 'unfit'); END"
    )

    async def go() -> list[BaseException | None]:
        puts = (journal.put(f"k{i}", Reply("x" if i == 7 else "y"), SEAT, "m") for i in range(20))
        return await asyncio.gather(*puts, return_exceptions=True)

    found = asyncio.run(go())
    error = found.pop(7)
    assert isinstance(error, ProviderError)
    assert error.cause == "garbled"
    assert found == [None] * 19
    assert [i for i in range(20) if journal.get(f"k{i}") is None] == [7]
    put(journal, ("k7", Reply("z")))
    journal.close()

"""`--retry-given-up`: what was given up on is asked again; a decision like any other, whatever the moment of a kill."""

import contextlib
import json
import random
import shutil
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from synth.errors import ProviderError
from synth.journal.store import Journal
from synth.run.result import OK
from synth.types import Reply, Request
from tests.conftest import Lab
from tests.promises.test_kill import COMMAND, SMALL, Loop
from tests.support.forked import Point, forking, run
from tests.support.journals import seal
from tests.support.standin import answers, standing_in
from tests.support.world import World


@dataclass
class Poisoned(World):
    """Some of the first requests fail however often they are asked, while their neighbours are answered."""

    share: float = 0.2
    first: int = 100
    poison: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)

    async def complete(self, request: Request, key: str) -> Reply:
        if key not in self.asked and len(self.asked) < self.first and random.Random(f"p{key}").random() < self.share:
            self.poison.add(key)
        self.asked[key] += 1
        if key in self.poison:
            raise ProviderError("answers 500")
        return await super().complete(request, key)


def endings(folder: Path) -> Counter[str]:
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as db:
        return Counter(dict(db.execute("SELECT finish, count(*) FROM replies GROUP BY 1")))


@pytest.mark.parametrize("interrupt", [None, 3.0])
def test_what_was_given_up_on_is_asked_again_and_nothing_else(lab: Lab, interrupt: float | None) -> None:
    lab.world = Poisoned()
    first = lab.run(40)
    given_up = endings(lab.folder / "run")["gave_up"]
    assert given_up == len(lab.world.poison) > 10
    assert f"{given_up} requests were given up on; --retry-given-up asks for them again" in first.notes
    assert lab.run(40).calls == 0
    lab.world = Poisoned(share=0.0)
    before = lab.rows()
    if interrupt:
        stopped = lab.run(40, retry=True, interrupt=interrupt)
        assert stopped.stopped == "stopped: interrupted"
        assert lab.rows().keys() >= before.keys() or "keeps the" in stopped.notes[-1]
    result = lab.run(40, retry=interrupt is None)  # decided once, it holds
    assert result.status == OK
    assert set(lab.world.asked.values()) == {1}
    assert not endings(lab.folder / "run")["gave_up"]  # what the lanes no longer need is not asked for
    made = lab.bytes()
    again = lab.run(40, retry=True)
    assert (again.calls, again.notes, lab.bytes()) == (0, [], made)


def test_a_lane_left_out_keeps_what_it_has(lab: Lab) -> None:
    lab.world = Poisoned()
    lab.run(40)
    lab.world = Poisoned(share=0.0)
    lab.run(40, retry=True, only=("one.s0",))
    with contextlib.closing(sqlite3.connect(lab.folder / "run" / "journal.sqlite")) as db:
        lanes = {lane for (lane,) in db.execute("SELECT DISTINCT lane FROM replies WHERE finish = 'gave_up'")}
    assert lanes
    assert not {lane for lane in lanes if lane.startswith("one.s0/")}


def test_what_fails_again_is_given_up_on_again_and_not_asked_without_end(lab: Lab) -> None:
    lab.world = Poisoned()
    lab.run(40)
    given_up = endings(lab.folder / "run")
    (lab.world.first, lab.world.asked) = (0, Counter())
    again = lab.run(40, retry=True)
    assert again.calls >= 10 * given_up["gave_up"]
    assert endings(lab.folder / "run") == given_up
    assert lab.run(40).calls == 0


def give_up(folder: Path, every: int) -> set[str]:
    """Turns some of a journal's replies into ones that never came."""
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as db:
        found = db.execute(
            "UPDATE replies SET finish = 'gave_up', text = 'answers 500', prompt_tokens = 0, completion_tokens = 0"
            " WHERE rowid % ? = 0 RETURNING key",
            (every,),
        ).fetchall()
        db.commit()
    seal(folder / "journal.sqlite")
    return {key for (key,) in found}


POINTS: list[Point] = [("before a commit", 1), ("after a commit", 1), ("after a commit", 2), ("before a commit", 3)]


def test_kills_while_it_asks_again_leave_the_run_as_if_all_had_been_answered_at_once(lab: Lab) -> None:
    with standing_in(latency="0.01..0.04") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=16), encoding="utf-8")
        loop = Loop(lab, server, random.Random(0))
        loop.finish()
        calm, answered = lab.bytes(), answers(server)
        shutil.rmtree(lab.folder / "run" / "dataset")
        given_up = give_up(lab.folder / "run", 9)
        for i, point in enumerate(POINTS):
            flag = ["--retry-given-up"] if i < 2 else []
            arguments = (lab.folder, [*COMMAND[3:], *flag], lab.folder / "words", point)
            process = forking().Process(target=run, args=arguments)
            process.start()
            process.join(120)
            assert process.exitcode == -9, loop.words()
        loop.finish()
        again = answers(server) - answered
    assert lab.bytes() == calm
    repeated = {key for key in again if key in answered}
    assert repeated <= given_up
    assert len(repeated) > 0.5 * len(given_up)
    assert again.total() <= 2 * len(given_up) + len(POINTS) * 16
    with contextlib.closing(Journal(lab.folder / "run")) as journal:
        assert [body for kind, body in journal.decisions() if kind == "retry"] == [{"requests": len(given_up)}]
    (note,) = json.loads((lab.folder / "run" / "run.json").read_text())["notes"]
    assert "are of a stand-in" in note  # and nothing of requests given up on

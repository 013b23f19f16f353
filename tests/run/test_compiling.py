"""Inner loops are compiled beside the first calls of a run, and waited for before anything is read."""

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from synth.dedup import ngrams
from synth.journal.store import Journal
from synth.run import compiling, execute
from synth.run.compile import compile_recipe
from synth.run.options import RunOptions
from synth.run.result import OK
from tests.conftest import Lab, tiny_recipe
from tests.support.virtual import Distant, fixed

N = 12


def test_calls_go_out_while_loops_are_compiled_and_none_is_called_before(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.run(N, out="calm")
    compiled, called = compile_recipe(tiny_recipe()), list[bool]()
    server = Distant(lab.world, fixed(0.0))
    done: Future[None] = Future()
    run = ngrams.Index._run

    def told(self: ngrams.Index, *given: Any, **how: Any) -> Any:
        called.append(done.done())
        return run(self, *given, **how)

    monkeypatch.setattr(ngrams.Index, "_run", told)

    async def whole() -> Any:
        running = asyncio.ensure_future(
            execute.carry_out(job, journal, dict.fromkeys(compiled.recipe.models, server), lambda _: done)
        )
        for _ in range(40):
            await asyncio.sleep(0.01)
        assert len(server.answered) >= compiled.recipe.concurrency
        assert not called
        done.set_result(None)
        return await running

    options = RunOptions(lab.folder / "run", N)
    options.folder.mkdir()
    with contextlib.closing(Journal(options.folder)) as journal:
        job = execute.resolve(compiled, options, journal, *execute.wanted(compiled, N, ()))
        job.enter(journal)
        assert asyncio.run(whole()).status == OK
    assert all(called)
    assert lab.bytes() == lab.bytes("calm")


def test_what_a_recipe_uses_is_compiled_and_what_fails_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    compiling.begun(tiny_recipe(filters={"query": ["fluent"], "row": ["refused_is_safe"]})).result(60)
    from synth.dedup import ngrams_kernel
    from synth.filters.language import class_kernel, fluency_kernel

    for loop in (ngrams_kernel.run, ngrams_kernel.reorder, fluency_kernel.surprises, class_kernel.sums):
        assert loop.signatures  # type: ignore[attr-defined]

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(ngrams.Index, "admit", broken)
    compiling.begun(tiny_recipe()).result(60)


def test_a_run_that_ends_sooner_ends_the_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    grown: list[int] = []
    waiting: Future[None] = Future()
    monkeypatch.setattr(ngrams.Index, "admit", lambda *_: waiting.result(60))
    monkeypatch.setattr(ngrams.Index, "grow", lambda _, room: grown.append(room))
    done = compiling.begun(tiny_recipe())
    (thread,) = [one for one in threading.enumerate() if one.name == "compiling"]
    done.cancel()
    waiting.set_result(None)
    thread.join(60)
    assert not grown

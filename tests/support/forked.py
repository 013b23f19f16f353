"""`synth` in a process of its own, forked from one that has everything imported already; it may kill itself at a named point."""

import multiprocessing
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from itertools import count
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import FrameType
from typing import Any

from synth.cli.main import main

IMPORTED = [
    "anyio._backends._asyncio",
    "h11",
    "httpcore2",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "openai.resources.chat.completions",
    "pandas",
    "pyarrow.parquet",
    "pytest",
    "synth.backends.batch",
    "synth.backends.openai",
    "synth.cli.run",
    "synth.cli.check",
    "synth.cli.show",
    "synth.report.report",
    "synth.run.evaluate",
    "tenacity",
]
"""What a run imports on its way, and what the parent's main module does."""

Point = tuple[str, int]
"""The name of a point and at which passing of it something happens. Names: before|after a commit|receipt|rename, in a shard."""


def forking() -> ForkServerContext:
    """What starts such processes: `forking().Process(target=run, args=…)`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED, __name__])
    return context


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run(
    folder: Path, arguments: list[str], words: Path, point: Point | None = None, what: Callable[[], None] = die
) -> None:
    """`synth ARGUMENTS` in a folder; what it prints goes to the end of a file. At the point it does `what` befalls it."""
    os.chdir(folder)
    os.environ["OPENAI_API_KEY"] = "x"
    with words.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if point is not None:
        _arm(*point, what)
    sys.argv = ["synth", *arguments]
    main()


def _arm(name: str, number: int, what: Callable[[], None]) -> None:
    passings = count(1)

    def pass_by() -> None:
        if next(passings) == number:
            what()

    if name == "in a shard":
        _profile_shards(pass_by)
        return
    when, _, event = name.partition(" a ")
    if event == "rename":
        _watch_renames(pass_by, after=when == "after")
    else:
        _trace_journal(pass_by, after=when == "after", mark="COMMIT" if event == "commit" else "'receipt'")


def _trace_journal(pass_by: Callable[[], None], *, after: bool, mark: str) -> None:
    """A reply or decision in hand and not yet kept; or kept, and nothing done with it."""
    connect = sqlite3.connect

    def traced(path: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        db = connect(path, *arguments, **options)
        marked = committed = False

        def saw(statement: str) -> None:
            nonlocal committed, marked
            if committed if after else mark in statement[:80]:
                pass_by()
            marked = marked or mark in statement[:80]
            committed = marked and statement == "COMMIT"
            marked = marked and not committed

        if Path(path).name == "journal.sqlite":
            db.set_trace_callback(saw)
        return db

    sqlite3.connect = traced


def _watch_renames(pass_by: Callable[[], None], *, after: bool) -> None:
    renamed = False

    def saw(event: str, _: Any) -> None:
        nonlocal renamed
        if renamed if after else event == "os.rename":
            pass_by()
        renamed = event == "os.rename"

    sys.addaudithook(saw)


def _profile_shards(pass_by: Callable[[], None]) -> None:
    """Rows are written and the file is not closed."""

    def saw(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code.co_name == "write_table" and "pyarrow" in frame.f_code.co_filename:
            pass_by()

    sys.setprofile(saw)

"""A run in a program whose thread turns an event loop already, as every notebook's does."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeVar

from synth.run.compile import CompiledRecipe
from synth.run.execute import run
from synth.run.interrupts import Interrupts
from synth.run.leave_report import leave_report
from synth.run.options import RunOptions
from synth.run.result import Result

T = TypeVar("T")


def run_anywhere(compiled: CompiledRecipe, options: RunOptions) -> Result:
    """Executes a compiled recipe as `execute.run` does, in a notebook too, where signals come to one thread and the run turns in
    another; and leaves its report."""
    if not _turns():
        result = run(compiled, options)
    else:
        with Interrupts(options.report, elsewhere=True) as interrupts:
            result = beside_loop(partial(run, compiled, replace(options, interrupts=interrupts)))
    if compiled.recipe.output.report:
        leave_report(options.folder, options.say)
    return result


def beside_loop(work: Callable[[], T]) -> T:
    """What a function returns that turns an event loop of its own; called in another thread where one turns in this."""
    if not _turns():
        return work()
    with ThreadPoolExecutor(1) as pool:  # in a context like this one, by which a notebook knows whose output it is
        return pool.submit(contextvars.copy_context().run, work).result()


def _turns() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

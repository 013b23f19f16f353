"""Inner loops are compiled beside a run, in a thread of their own, while its first calls are out: those that its recipe uses."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future, InvalidStateError
from threading import Thread

from synth.recipe.schema import Recipe

TEXT = "今天天气很好，我们一起去公园散步，然后回家做一道简单的家常菜。"
"""What the loops are called with, so that they are compiled for what they will be called with."""
ROOM = 3_000
"""Characters for which an index makes room: more than it begins with."""


def begun(recipe: Recipe) -> "Future[None]":
    """Begins to compile in a thread what a run of the recipe uses; done when all of it can be called at once. Cancelled, the thread
    ends after the loop that it is at; the process ends after the thread, as what it compiles with cannot be left in the middle."""
    done: Future[None] = Future()

    def work() -> None:
        with contextlib.suppress(Exception):  # whoever calls the loop that cannot be compiled hears of it
            for _ in _called(recipe):
                if done.cancelled():
                    break
        with contextlib.suppress(InvalidStateError):
            done.set_result(None)

    Thread(target=work, name="compiling").start()
    return done


def _called(recipe: Recipe) -> Iterator[None]:
    """Calls a loop at each step, those first that are needed first."""
    filters = recipe.filters
    if "fluent" in {use.name for use in (*filters.query, *filters.response)}:
        from synth.filters.language import fluency

        fluency.verdict(TEXT)
        yield
    from synth.dedup.ngrams import Index

    index = Index(ngram=recipe.dedup.ngram, threshold=recipe.dedup.threshold)
    index.admit(TEXT, "")
    yield
    from synth.filters.language import response_class

    response_class.by_rules(TEXT)
    yield
    if "repetition" in {use.name for use in (*filters.query, *filters.response)}:
        from synth.filters.text import repetition

        repetition()(TEXT)
        yield
    if "refused_is_safe" in {use.name for use in filters.row}:
        response_class.told(TEXT, TEXT)
        yield
    index.grow(ROOM)

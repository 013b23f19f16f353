"""What a journal holds, looked at while its run goes on, or after it was stopped or killed: the rows and drops it makes so far, and its
replies as they came. Nothing is asked, and nothing is written in the folder."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from synth.dataset.reader import RUNNING
from synth.dataset.rendering import rendered_rows
from synth.dataset.staging import Staging
from synth.engine.ask import replaying
from synth.errors import ConfigError
from synth.fold.fold import Fold
from synth.journal import decisions
from synth.journal.merge import identity_of
from synth.journal.reader import Reader
from synth.run.doubting import Doubting
from synth.run.kept import KeptReplies
from synth.run.recorded import as_made, facts_of, kept_in
from synth.run.resolve import as_recorded
from synth.run.result import result_of
from synth.sanitize import plain
from synth.types import MarkMode

RAW = "SELECT key, stage, lane, model, finish, prompt_tokens, completion_tokens, reasoning, text FROM replies ORDER BY rowid DESC"


class Peek:
    """The rows, drops and facts that a journal makes so far, with the methods of a `Dataset`."""

    def __init__(self, facts: dict[str, Any], staging: Staging, mark: MarkMode) -> None:
        self._facts, self._staging, self._mark = facts, staging, mark

    def facts(self) -> dict[str, Any]:
        """What run.json would tell if the run whose journal is looked at were stopped now."""
        return self._facts

    def splits(self) -> list[str]:
        """Names of the splits that have rows in the journal looked at so far."""
        return [split for split, count in self._facts["splits"].items() if count]

    def rows(self, split: str) -> Iterator[dict[str, Any]]:
        """The rows of a split that the journal looked at makes so far, in the order of a dataset."""
        return rendered_rows(self._staging.rows(split), self._mark)

    def drops(self) -> Iterator[dict[str, Any]]:
        """What the journal looked at has dropped so far."""
        for _, lines in self._staging.drops():
            yield from map(json.loads, lines())


@contextlib.contextmanager
def peek(folder: Path) -> Iterator[Peek]:
    """A look at the journal in a run's folder, for the length of a block. ConfigError where there is none, or nothing in it yet."""
    with Reader(folder) as journal:
        history = list(journal.decisions())
        if (last := decisions.last_target(history)) is None:
            raise ConfigError(
                f"{folder}: holds nothing yet; run the same command again, or wait until its run has asked something"
            )
        identity, told = identity_of(str(folder), history), facts_of(folder)
        compiled = as_made([folder], [told] if told else [], identity, kept_in([folder], [history], identity))
        inputs = replace(as_recorded(compiled, last["targets"]), frozen=frozenset())
        with tempfile.TemporaryDirectory(prefix="synth-show-") as scratch:
            recipe = compiled.recipe
            with Staging(Path(scratch), compiled.names, recipe.output, recipe.scheme) as staging:
                doubting = Doubting(compiled, staging)
                fold = Fold(inputs, partial(replaying, KeptReplies(journal)), doubting.sink)
                doubting.watch(fold)
                asyncio.run(fold.run(decisions.plans(history)))
                result = result_of(fold, fold.engine, journal, staging, prices=compiled.prices)
                asyncio.run(doubting.vouch(result, journal))
                yield Peek(
                    asdict(result) | {"stopped": RUNNING, "recipe": (told or {}).get("recipe")},
                    staging,
                    recipe.output.mark,
                )


def raw(folder: Path) -> Iterator[dict[str, Any]]:
    """The replies in the journal of a run's folder as they came, the newest first; each as a dict with what it was asked for."""
    with Reader(folder) as journal:
        names = ("key", "stage", "lane", "model", "finish", "prompt_tokens", "completion_tokens", "reasoning", "text")
        for row in journal.rows(RAW):
            yield {name: _shown(value) for name, value in zip(names, row, strict=True)}


def _shown(value: object) -> object:
    """What stands in a column, as text where it is text, or bytes that are none."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return plain(text) if isinstance(text, str) else text

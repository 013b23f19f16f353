"""What one invocation asks for."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from synth.engine.ask import Engine
from synth.engine.budget import UNBOUNDED, Bounds
from synth.fold.fold import Fold, FoldObserver

Watch = Callable[[Fold, Engine], "contextlib.AbstractAsyncContextManager[None]"]


@dataclass(frozen=True)
class RunOptions:
    """What one invocation asks for."""

    folder: Path
    n: int | None = None
    only: tuple[str, ...] = ()
    shard: frozenset[str] | None = None
    """Ids of the lanes that may be asked for, where the asking is split over machines."""
    bounds: Bounds = UNBOUNDED
    retry_given_up: bool = False
    """Whether requests that were given up on are asked again."""
    upgrade: bool = False
    """Whether the run goes on though what synth ships has changed and replies would go unused."""
    watch: Watch | None = None
    """What shows the run's progress while it goes."""
    observer: FoldObserver | None = None
    say: Callable[[str], None] = lambda _: None
    """Told what the user should know before anything is asked."""

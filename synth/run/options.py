"""What one invocation asks for."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from synth.engine.ask import Engine
from synth.engine.budget import UNBOUNDED, Bounds
from synth.fold.fold import Fold, FoldObserver
from synth.run.interrupts import Interrupts

Watch = Callable[[Fold, Engine], "contextlib.AbstractAsyncContextManager[None]"]


@dataclass(frozen=True)
class RunOptions:
    """What the user asks of one `synth run`: folder, N, lanes, bounds on spending, and how progress is shown."""

    folder: Path
    """The run's folder, new or begun before."""
    n: int | None = None
    """N, rows per scenario, in place of the recipe's; None leaves the recipe's."""
    only: tuple[str, ...] = ()
    """Globs (`--only`) of scenarios, subcategories and lanes to ask for; none is all of them."""
    shard: frozenset[str] | None = None
    """The ids of the lanes that may be asked for, where `--shard` splits the asking over machines; None is all."""
    bounds: Bounds = UNBOUNDED
    """What the run may cost and how many tokens it may take."""
    retry_given_up: bool = False
    """Whether requests that an earlier run gave up on are asked again."""
    upgrade: bool = False
    """Whether the run goes on although synth ships other texts than before and replies would go unused."""
    on_doubt: Literal["stop", "warn"] = "stop"
    """What a doubt that speaks against the whole data set does: stop the run, or only be told."""
    watch: Watch | None = None
    """Makes what shows the run's progress while it goes; None shows nothing."""
    observer: FoldObserver | None = None
    """What is called at the close of every lane's round; None is nobody."""
    say: Callable[[str], None] = lambda _: None
    """Gives the user a line on what they should know before anything is asked."""
    report: Callable[[str], None] = lambda _: None
    """Gives the user a line on how the run goes just now: what it waits for, that it stops."""
    interrupts: Interrupts | None = None
    """What already heeds the signals that stop the run, where it turns in another thread; None: the run does."""

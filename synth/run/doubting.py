"""Doubts in a run: who is who, when the run looks at what was counted, and what a doubt does to its result."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from synth.dataset.reader import RUNNING
from synth.engine.ask import Engine
from synth.errors import DOUBT, Stopped
from synth.filters.language.analysis import shown_in
from synth.fold.acceptor import Acceptor, RowSink
from synth.fold.fold import Fold, FoldObserver
from synth.journal.reader import Reader
from synth.journal.store import Journal
from synth.plan.tally import Tally
from synth.quality import diversity_report
from synth.quality.doubts.causes import cause
from synth.quality.doubts.evidence import Who, restored
from synth.quality.doubts.findings import Doubt, against_the_whole, doubts
from synth.quality.doubts.sink import CountingSink
from synth.quality.doubts.votes import RoleNames
from synth.recipe import routing
from synth.recipe.schema import Recipe
from synth.run.compile import CompiledRecipe
from synth.run.controls import questions_of, recalled, report
from synth.run.result import DOUBTED, OK, SHORT, Result

_WAY_ON = "the same command stops again while the journal shows it, `--on-doubt warn` goes on"


def role_names(compiled: CompiledRecipe) -> RoleNames:
    """Who does what in a recipe's run. Roles that no model answers for are left out: what they write is made up."""
    recipe, flow = compiled.recipe, compiled.flow
    roles: dict[tuple[str, str], str] = {}
    for place, leaf in recipe.role_uses():
        stage, model = place.partition(".")[0], recipe.models[leaf].named
        if _is_model(recipe, leaf):
            known = roles.get((stage, model))
            roles[stage, model] = leaf if known in (None, leaf) else f"{known} / {leaf}"
    judge = [bound for bound in flow.stages if bound.stage is flow.panel]
    asked = [entry for bound in judge for entry in bound.prompts]
    shown = [text for entry in asked for text, _ in entry.prompt.files.values()]
    shown += [text for entry in asked for text in entry.examples.values() if isinstance(text, str)]
    branches = [bound.name for bound in flow.stages if bound.stage.kind == "branch"]
    return RoleNames(
        roles=roles,
        seats=tuple(_seat(recipe, seat) for seat in getattr(flow.panel, "seats", ())),
        gate=tuple(dict.fromkeys((flow.begins, *branches, "dedup"))),
        rules={spec.lane.subcategory: spec.rule_text for spec in compiled.specs},
        placeholders=shown_in(shown),
        labels=flow.labels,
        checked=getattr(flow.panel, "checks", False),
        members={
            role: frozenset(routing.leaves(role, recipe.composed)) for role, _ in getattr(flow.panel, "seats", ())
        },
        templates={entry.prompt.name: bound.name for bound in flow.stages for entry in bound.prompts},
    )


def _seat(recipe: Recipe, seat: Who) -> Who | None:
    return seat if all(_is_model(recipe, leaf) for leaf in routing.leaves(seat[0], recipe.composed)) else None


def _is_model(recipe: Recipe, role: str) -> bool:
    return role in recipe.models and not recipe.models[role].answering.STAND_IN


class Doubting:
    """The row sink of a fold that counts evidence, and looks at it as the fold goes on: at each closed round, and every so
    many votes. With an `engine` it stops the run over a doubt that speaks against the whole data set."""

    def __init__(self, compiled: CompiledRecipe, sink: RowSink, observer: FoldObserver | None = None) -> None:
        self.compiled, self.cast = compiled, role_names(compiled)
        self.sink = CountingSink(sink, self.cast, self._look)
        self._observer = observer
        self.controls: Sequence[Mapping[str, Any]] = ()
        """What the judges came to on pairs with known labels: role and verdict of each."""
        self._fold: Fold | None = None
        self._engine: Engine | None = None

    def watch(self, fold: Fold, engine: Engine | None = None) -> None:
        """Looks at the evidence of this fold from now on; stops the engine, if one is given."""
        self._fold, self._engine = fold, engine

    def round_closed(self, lane: Acceptor, tally: Tally) -> None:
        """Looks at the evidence as a round closes, and tells the fold's other observer."""
        if self._observer is not None:
            self._observer.round_closed(lane, tally)
        self._look()

    def _look(self) -> None:
        if self._engine is None or self._engine.failure is not None:
            return
        if (stop := self.stop()) is not None:
            self._engine.stop(stop)

    def found(self) -> list[Doubt]:
        """All doubts that the fold's rows and replies give so far."""
        assert self._fold is not None, "a fold is watched before it runs"
        return doubts(self.sink.evidence, self.cast, self._fold.replies.by_template, self.controls)

    def stop(self) -> Stopped | None:
        """The stop that a doubt against the whole data set calls for; None where there is none."""
        doubt = against_the_whole(self.found()) if self.cast.roles else None
        if doubt is None:
            return None
        return Stopped(DOUBT, f"{doubt}; {_WAY_ON}")

    def state(self) -> dict[str, Any]:
        """The evidence so far, for a checkpoint."""
        return self.sink.evidence.state()

    def can_resume(self, state: Any) -> bool:
        """Takes up the evidence of a checkpoint; False where it holds none."""
        try:
            self.sink.evidence = restored(state)
        except ValidationError:
            return False
        return True

    async def vouch(self, result: Result, journal: Journal | Reader) -> Result:
        """The result with all that speaks against its data: what its judges' controls came to, by the journal, and doubts."""
        report(result, await recalled(questions_of(self.compiled), journal))
        return self.judge(result)

    def judge(self, result: Result) -> Result:
        """The result with its doubts, and why cells fell short: a doubt against the whole data set makes them doubtful,
        and the exit status that of a run that fell short."""
        self.controls = result.controls
        found = [*self.found(), *diversity_report.doubts(result.diversity, self.cast)] if self.cast.roles else []
        found.sort(key=lambda doubt: not doubt.whole)
        result.doubts = [doubt.facts() for doubt in found]
        result.notes += diversity_report.notes(result.diversity, self.cast)
        doubtful = against_the_whole(found) is not None
        for cell in result.cells:
            lane = f"{cell['subcategory']}/{cell['query_type']}"
            cell["doubtful"] = doubtful
            if cell["grounds"]:
                cell["grounds"]["cause"] = cause(self.sink.evidence, self.cast, lane, cell["grounds"]["status"])
        if doubtful and result.status == OK:
            result.status = SHORT
        unfit = any(one["verdict"] == "unfit" for one in result.controls)  # for which the message speaks already
        if result.stopped == DOUBTED and not unfit and (stop := self.stop()):
            result.message = str(stop)  # of all that has landed by now
        return result


def stopped_before(folder: Path) -> bool:
    """Whether the last run in a folder stopped over a doubt, or left no word of how it ended: it was killed."""
    try:
        said = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return True
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("stopped") in (DOUBTED, RUNNING)


def lines(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Doubts for the end of a run, each with its samples."""
    told = []
    for doubt in found:
        word = "doubtful" if doubt["whole"] else "doubt"
        told.append(f"{word}: {doubt['role']} ({doubt['model']}): {doubt['words']}; {doubt['mend']}")
        told += [f"    {sample['place']}: {sample['text']}" for sample in doubt["samples"]]
    return told

"""From the slots that were asked for to the rows that were kept: what each step lost, and why, with examples."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from synth.report.blocks import Figure, Funnel, Loss, Section, Step
from synth.report.charts import ACCENT, LINE, bars
from synth.report.clip import name
from synth.report.facts import ReportFacts
from synth.report.words import Words

_STEPS: Final = (("written", ("query", "augment", "expand")), ("new", ("dedup",)))
_REASONS: Final = 40


def section(facts: ReportFacts, words: Words) -> Section | None:
    """The funnel of a run: slots, queries written, new ones, answered ones, judged ones, rows kept; None where nothing was counted."""
    if not facts.told("counts").get("born"):
        return None
    steps = list(_steps(facts, words))
    chart = bars(
        [step.title for step in steps],
        {words("left"): [step.left for step in steps], words("lost"): [step.lost for step in steps]},
        [ACCENT, LINE],
    )
    return Section(
        "funnel", words("funnel_title"), words("funnel_look"), [Figure(words("funnel_figure"), chart), Funnel(steps)]
    )


def _steps(facts: ReportFacts, words: Words) -> Iterator[Step]:
    counts, dropped = facts.told("counts"), dict(facts.told("dropped"))
    left = counts["born"]
    yield Step(words("step_slots"), words("step_slots_about"), left)
    for key, stages in _STEPS:
        here = {kind: dropped.pop(kind) for kind in list(dropped) if kind.partition(".")[0] in stages}
        lost = sum(here.values())
        left -= lost
        yield Step(words(f"step_{key}"), words(f"step_{key}_about"), left, lost, _losses(here, facts, words))
    left -= counts.get("unanswered", 0)
    spare = [Loss("", words("loss_unanswered"), counts.get("unanswered", 0))]
    yield Step(words("step_answered"), words("step_answered_about"), left, spare[0].count, _some(spare))
    accept = {kind: dropped.pop(kind) for kind in list(dropped) if kind.partition(".")[0] == "accept"}
    aside = counts.get("aside") or {"hard": counts.get("hard", 0)}
    set_aside = [
        Loss(name(split), words.of("aside", split) or words("loss_aside"), count) for split, count in aside.items()
    ]
    lost = sum(dropped.values()) + sum(aside.values())
    left -= lost
    yield Step(
        words("step_judged"),
        words("step_judged_about"),
        left,
        lost,
        [*_some(set_aside), *_losses(dropped, facts, words)],
    )
    over = counts["surplus"] - counts.get("unanswered", 0)
    full = [Loss("", words("loss_surplus"), over)]
    lost = sum(accept.values()) + over
    yield Step(
        words("step_kept"), words("step_kept_about"), left - lost, lost, [*_some(full), *_losses(accept, facts, words)]
    )


def _some(losses: Sequence[Loss]) -> Sequence[Loss]:
    return [loss for loss in losses if loss.count]


def _losses(dropped: Mapping[str, int], facts: ReportFacts, words: Words) -> Sequence[Loss]:
    """The reasons of a step's drops, the largest first."""
    found = sorted(dropped.items(), key=lambda one: (-one[1], one[0]))
    shown = [
        Loss(name(kind), meaning(kind, words), count, len(facts.drops.get(kind, ())))
        for kind, count in found[:_REASONS]
    ]
    rest = sum(count for _, count in found[_REASONS:])
    return [*shown, *([Loss("…", words("loss_more"), rest)] if rest else [])]


def meaning(kind: str, words: Words) -> str:
    """What a drop's reason (`stage.reason`) says, in a report's words; nothing for one that only its recipe knows."""
    told = [
        words.of("reason", kind.replace(".", "_")),
        *(words.of("reason", part) for part in reversed(kind.split("."))),
    ]
    return next((one for one in told if one), "")

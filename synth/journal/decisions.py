"""The decisions in a journal: the plans recorded so far, what each run was asked for, and which plans were let go."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from synth.types import Round, Targets, Want, named

PLAN, TARGET, INPUTS, RECEIPT, ADAPTED, DOCTOR = "plan", "target", "inputs", "receipt", "adapted", "doctor"
EVAL = "eval"
_PARTS: Mapping[str, Mapping[str, type]] = {
    TARGET: {"targets": dict, "identity": dict, "released": dict},
    INPUTS: {
        **dict.fromkeys(("identity", "recipe", "prompts", "taxonomies", "lists", "texts"), dict),
        **dict.fromkeys(("files", "shown"), list),
        "synth": str,
    },
    RECEIPT: {"id": str},
    ADAPTED: {"model": str, "field": str, "what": str},
    DOCTOR: {"role": str, "model": str, "revision": str, "verdict": str},
    EVAL: {"test": str, "guard": str, "model": str},
    "unsealed": {"replies": int, "decisions": int},
}
"""What a decision of a kind must have."""


def readable(kind: str, body: Mapping[str, Any]) -> bool:
    """Whether a journalled decision's body can be read as one of its kind."""
    try:
        if kind == PLAN:
            read_plan(body)
    except (KeyError, TypeError, AttributeError):
        return False
    return all(isinstance(body.get(name), of) for name, of in _PARTS.get(kind, {}).items())


def read_plan(body: Mapping[str, Any]) -> Round:
    """The plan that a journalled decision's body holds."""
    wants = {label: Want(want["share"], want["stances"]) for label, want in body["wants"].items()}
    return Round(
        body["lane"], body["sweep"], body["first"], body["count"], wants, body["operators"], body.get("widening", 0)
    )


def plans(decisions: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Round]:
    """The plans in force among a journal's decisions, in the order in which they were recorded."""
    found: list[Round] = []
    for kind, body in decisions:
        if kind == PLAN:
            found.append(read_plan(body))
        elif kind == TARGET:
            found = [cut for plan in found if (cut := _cut(plan, body["released"].get(plan.lane)))]
    return found


def last_target(decisions: Iterable[tuple[str, Mapping[str, Any]]]) -> Mapping[str, Any] | None:
    """The body of the latest decision `target` in a journal: what the latest run was asked for; None if there was no
    run yet."""
    last = None
    for kind, body in decisions:
        if kind == TARGET:
            last = body
    return last


def adapted(decisions: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, dict[str, str]]:
    """What the servers of a journal's models were found not to take, from its decisions: by model and field of the request's body what
    is done about it, as it was decided last."""
    found: dict[str, dict[str, str]] = {}
    for kind, body in decisions:
        if kind == ADAPTED:
            found.setdefault(body["model"], {})[body["field"]] = body["what"]
    return {model: dict(sorted(fields.items())) for model, fields in sorted(found.items())}  # whichever came first


def checked_up(decisions: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[tuple[str, str], str]:
    """What the doctor's latest decision in a journal says of each role and the model it then was: fit, doubtful, unfit, not
    seen."""
    return {
        (body["role"], named(body["model"], body["revision"])): body["verdict"]
        for kind, body in decisions
        if kind == DOCTOR
    }


def released(recorded: Sequence[Round], size: int, answered: Callable[[Round, int], bool]) -> dict[str, int]:
    """Of a journal's decisions: for each lane whose recorded plans reach past what the journal holds, the first
    coordinate to let go.

    A recorded plan is an obligation. When the run is asked for something else than before, calls that were planned but
    never answered are planned anew, at the size that is wanted now.
    """
    found: dict[str, int] = {}
    for plan in recorded:
        if plan.lane in found:
            continue
        for call in range(plan.first // size, (plan.first + plan.count - 1) // size + 1):
            if not answered(plan, call):
                found[plan.lane] = max(plan.first, call * size)
                break
    return found


def target_body(targets: Targets, identity: Mapping[str, str], let_go: Mapping[str, int]) -> dict[str, Any]:
    """The body of the journalled decision `target`: what a run is asked for, of which recipe, and the planned
    coordinates it lets go of, by lane."""
    return {"targets": targets, "identity": dict(identity), "released": dict(let_go)}


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The keys (dotted names) in which the identities in two decisions `target` differ."""
    return [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """A line that names what differs between two runs' identities, as their decisions hold them, six entries at most;
    empty if nothing does."""
    names = changed(before, now)
    if not names:
        return ""
    told = [f"{name} ({before.get(name, 'none')} → {now.get(name, 'none')})" for name in names]
    shown = [line if len(line) <= 60 else name for line, name in zip(told, names, strict=True)]
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"{', '.join(shown[:6])}{more}"


def _cut(plan: Round, at: int | None) -> Round | None:
    if at is None or plan.first + plan.count <= at:
        return plan
    return replace(plan, count=at - plan.first) if plan.first < at else None

"""What a run and the backends it is connected to tell each other, beside requests and replies."""

from collections.abc import Callable, Mapping
from shlex import quote

from synth.backends import Adapting, Backend, Resumable, SelfScheduling
from synth.backends.openai.learned import rung_of
from synth.engine.ask import Engine
from synth.journal import decisions
from synth.journal.receipts import JournalledBatchJobs
from synth.journal.store import Journal
from synth.recipe.role import Role
from synth.run.resolve import ResolvedRun

SAMPLING = ("temperature", "top_p", "seed")
"""Fields of which every role is told that its server does not take them."""


def adapt(
    models: Mapping[str, Role],
    journal: Journal,
    connected: Mapping[str, Backend],
    say: Callable[[str], None],
    heard: Callable[[str, str], None] = lambda *_: None,
) -> None:
    """Tells the backends of a recipe's `models` that learn what their server does not take what earlier runs learnt; what
    they learn now is journalled as a decision, and told once. `heard` is given every model with a line on it."""

    said = set[tuple[str, str]]()

    known = decisions.adapted(journal.decisions())
    now = {model: dict(facts) for model, facts in known.items()}

    def learnt(model: str, field: str, told: str) -> None:
        what, _, words = told.partition(": ")
        if now.setdefault(model, {}).get(field) == what:
            return  # by another backend with a model of that name
        now[model][field] = what
        journal.decide(decisions.ADAPTED, {"model": model, "field": field, "what": what})
        heard(model, f"{field} is {what}, since the server says: {words}")
        roles = ", ".join(f"models.{role}" for role in connected if models[role].model == model) or f"model {model!r}"
        line = f"{roles}: {field} is {what} from now on"
        if (field, words) not in said:
            say(f"{line}, since the server says: {words}")
        elif (field, told) not in said or field in SAMPLING:  # none is asked to sample otherwise without a word
            say(f"{line} too")
        said.update([(field, words), (field, told)])

    for backend in set(connected.values()):
        if isinstance(backend, Adapting):
            backend.adapt(known, learnt)


def way_of_json(role: Role, known: Mapping[str, Mapping[str, str]]) -> str:
    """By which way a model is asked for JSON, by what its provider is known to take and what was learnt."""
    facts = getattr(role.settings, "facts", None)
    takes = facts.takes if facts else {}
    rung = rung_of({**takes, **known.get(role.model, {})})
    return "its prompt alone" if rung == "text" else rung


def take_up(job: ResolvedRun, engine: Engine, journal: Journal, connected: Mapping[str, Backend]) -> list[Resumable]:
    """Has backends whose requests outlast a run go on with what earlier ones have left."""
    receipts = JournalledBatchJobs(journal, engine.origin_of)
    lasting: list[Resumable] = [backend for backend in set(connected.values()) if isinstance(backend, Resumable)]
    for backend in lasting:
        backend.take_up(receipts, job.options.say)
    if stray := receipts.stray():
        requests = sum(len(receipt.keys) for receipt in stray)
        job.options.say(
            f"{requests} requests of earlier runs are in batches at an address this recipe does not ask; they are not waited for "
            f"(`synth journal cancel-batches {quote(str(job.options.folder))}` cancels them)"
        )
    return lasting


def notes(job: ResolvedRun, connected: Mapping[str, Backend], left: int, *, paused: bool) -> list[str]:
    """What is to be said of a run's backends, and of so many requests that outlast the run."""
    found = [
        backend.note
        for backend in set(connected.values())
        if isinstance(backend, SelfScheduling) and backend.note is not None
    ]
    if left and paused:
        found.append(
            f"{left} requests stay with the server: the same command collects their replies, "
            f"`synth journal cancel-batches {quote(str(job.options.folder))}` cancels them"
        )
    elif left:
        found.append(
            f"{left} requests in batches turned out not to be needed and are being cancelled; the next run here collects what they brought"
        )
    return found

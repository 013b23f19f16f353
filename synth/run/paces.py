"""How many requests at once a server bore, kept from one run in a folder to the next: its slow start begins there and need not be so
slow. It bears on time alone; no row hangs on it, and no recipe's identity."""

import contextlib
from collections.abc import Mapping

from synth.backends import module_of
from synth.engine.adaptive import Pace
from synth.engine.endpoints import Endpoints
from synth.errors import Stopped
from synth.hashing import short_hash
from synth.journal import decisions
from synth.journal.store import Journal
from synth.recipe.role import Role


def take_up(models: Endpoints, roles: Mapping[str, Role], journal: Journal) -> None:
    """Has the pace of each role's model begin where the last run in the journal's folder left it, never above what the recipe
    allows."""
    known = decisions.paces(journal.decisions())
    for place, pace in _paces(models, roles).items():
        pace.begin(known.get(place, 0))


def leave(models: Endpoints, roles: Mapping[str, Role], journal: Journal) -> None:
    """Journals what each role's model was found to bear, where a run has learnt anything new of it."""
    known = decisions.paces(journal.decisions())
    found = [
        (decisions.PACE, {"model": model, "place": place, "slots": pace.borne})
        for (model, place), pace in _paces(models, roles).items()
        if pace.replies and pace.borne and pace.borne != known.get((model, place))
    ]
    if found:
        with contextlib.suppress(Stopped):  # a full disk, of which the run has heard
            journal.decide_all(found)


def _paces(models: Endpoints, roles: Mapping[str, Role]) -> dict[tuple[str, str], Pace]:
    """The paces of models that a server answers, by model and place: what its roles share that are asked there, as a hash, since headers
    may be private."""
    return {
        (role.model, short_hash(role.backend, repr(module_of(role).share(role, role.settings)))): models.pace_at(
            (models.backends[name], role.model)
        )
        for name, role in roles.items()
        if not role.answering.STAND_IN and not models.backends[name].self_scheduling
    }

"""Receipts in the journal: which requests were left with a server, and for which stage and lane their replies are booked."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from synth.backends import BatchJob, believed
from synth.journal.decisions import RECEIPT
from synth.journal.store import Journal
from synth.recipe.credentials import shown
from synth.types import Origin, Reply

KEY = 32
"""How many characters a request's key has."""

_UNKNOWN: dict[str, Any] = {"file": None, "batch": None, "closed": False}
"""What is recorded later of a receipt that has only been begun."""
_Booked: TypeAlias = dict[str, dict[str, str]]
"""The keys of a receipt's requests, strung together, by stage and lane."""


class JournalledBatchJobs:
    """The batch jobs that a run's journal knows: records what was left with a server, and brings its replies home."""

    def __init__(self, journal: Journal, origin_of: Callable[[str], Origin | None]) -> None:
        self._journal, self._origin_of = journal, origin_of
        self._bodies = bodies(journal.decisions())
        self._stray = {id for id, body in self._bodies.items() if not body["closed"]}
        self._origins = {id: _origins(body["keys"]) for id, body in self._bodies.items() if not body["closed"]}

    def known(self, place: Mapping[str, Any]) -> list[BatchJob]:
        """The receipts of batch jobs at a server's address, which the backend that asks for them thereby takes up."""
        found = [body for body in self._bodies.values() if without_keys(body["place"]) == without_keys(place)]
        self._stray -= {body["id"] for body in found}
        return [receipt_of(body) for body in found]

    def stray(self) -> list[BatchJob]:
        """The receipts of open batch jobs at addresses that no backend of this run has taken up."""
        return [receipt_of(body) for id, body in self._bodies.items() if id in self._stray]

    def record(self, receipt: BatchJob) -> None:
        """Journals what is new in a batch job's receipt, before the step it stands for is taken. Raises Stopped where
        the disk fails."""
        before = self._bodies.get(receipt.id)
        if before is None:
            origins = {key: self._origin_of(key) or Origin("", "", "") for key in receipt.keys}
            body = _body(receipt, origins)
            self._journal.decide(RECEIPT, body)
            self._bodies[receipt.id], self._origins[receipt.id] = _UNKNOWN | body, origins
            return
        step = {"file": receipt.file, "batch": receipt.batch, "closed": receipt.closed}
        news = {name: value for name, value in step.items() if before[name] != value}
        if news:
            self._journal.decide(RECEIPT, {"id": receipt.id} | news)
            before |= news
        if receipt.closed:
            before["keys"] = {}
            self._origins.pop(receipt.id, None)

    async def keep(self, receipt: BatchJob, replies: Mapping[str, Reply]) -> None:
        """Journals the replies, by key, to the requests of an open batch job's receipt. Raises Stopped where the disk
        fails."""
        origins = self._origins.get(receipt.id, {})
        found = [(key, believed(reply)) for key, reply in replies.items() if key in origins]
        await asyncio.gather(*(self._journal.put(key, reply, origins[key], receipt.model) for key, reply in found))


def bodies(decisions: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Each batch job's receipt, put together of what was journalled, by its id. Each thing is recorded once, so the
    order does not matter."""
    found: dict[str, dict[str, Any]] = {}
    for kind, body in decisions:
        if kind == RECEIPT:
            entry = found.setdefault(body["id"], dict(_UNKNOWN))
            entry |= body
            if entry["closed"] and "keys" in entry:
                entry["keys"] = {}  # nobody waits for them, and they may be millions
    return {id: body for id, body in found.items() if "keys" in body}


def without_keys(place: Mapping[str, Any]) -> dict[str, Any]:
    """A batch job's address as its receipt has it today, without API keys: an older journal may hold it whole."""
    return {**place, "base_url": place["base_url"] and shown(place["base_url"])}


def receipt_of(body: Mapping[str, Any]) -> BatchJob:
    """The receipt of a batch job that a journalled body describes; a closed one has no request keys."""
    fields = {name: body[name] for name in ("id", "place", "model", "rung", "file", "batch", "closed")}
    keys = () if body["closed"] else tuple(_origins(body["keys"]))
    return BatchJob(**fields, keys=keys)


def _origins(booked: _Booked) -> dict[str, Origin]:
    return {
        keys[at : at + KEY]: Origin("", stage, lane)
        for stage, lanes in booked.items()
        for lane, keys in lanes.items()
        for at in range(0, len(keys), KEY)
    }


def _body(receipt: BatchJob, origins: Mapping[str, Origin]) -> dict[str, Any]:
    booked: _Booked = {}
    for key, origin in origins.items():
        lanes = booked.setdefault(origin.stage, {})
        lanes[origin.lane] = lanes.get(origin.lane, "") + key
    fields = {name: getattr(receipt, name) for name in ("id", "place", "model", "rung")}
    return fields | {"keys": booked}

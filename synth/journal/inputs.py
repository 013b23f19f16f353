"""The inputs in a journal: what a run read besides replies, recorded before its effect, every text once."""

from collections.abc import Iterable, Mapping
from dataclasses import astuple
from hashlib import sha256
from typing import Any

from synth.errors import ConfigError
from synth.journal.decisions import INPUTS
from synth.recipe.library import Inputs, SourceFile

_TEXTS = ("prompts", "taxonomies")


def recorded(decisions: Iterable[tuple[str, Mapping[str, Any]]], identity: Mapping[str, str]) -> Inputs | None:
    """The last inputs that a journal holds under this identity; None if none. ConfigError for a text that is not the
    one recorded."""
    last, texts = None, dict[str, str]()
    for kind, body in decisions:
        if kind == INPUTS:
            texts |= body["texts"]
            last = body if body["identity"] == identity else last
    return None if last is None else _read(last, texts)


def body(
    inputs: Inputs, identity: Mapping[str, str], decisions: Iterable[tuple[str, Mapping[str, Any]]]
) -> dict[str, Any] | None:
    """The inputs of a run as the body of a decision to journal after these decisions; None where the last one holds the
    same, but for the recipe's ways of asking."""
    held, last = set[str](), None
    for kind, before in decisions:
        if kind == INPUTS:
            held |= before["texts"].keys()
            last = before
    found = written(inputs, identity)
    if last is not None and _but(last) == _but(found):
        return None
    return found | {"texts": {hash: text for hash, text in found["texts"].items() if hash not in held}}


def written(inputs: Inputs, identity: Mapping[str, str]) -> dict[str, Any]:
    """The inputs of a run as a decision's body, with every text in full."""
    texts = {_hash(text): text for text in (*inputs.prompts.values(), *inputs.taxonomies.values(), *inputs.shown)}
    return {
        "identity": dict(identity),
        "recipe": dict(inputs.recipe),
        "files": [list(astuple(file)) for file in inputs.files],
        **{name: {one: _hash(text) for one, text in getattr(inputs, name).items()} for name in _TEXTS},
        "shown": [_hash(text) for text in inputs.shown],
        "lists": dict(inputs.lists),
        "synth": inputs.synth,
        "texts": dict(sorted(texts.items())),
    }


def _but(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found.get(name) for name in ("identity", "files", *_TEXTS, "shown", "lists")}


def _read(last: Mapping[str, Any], texts: Mapping[str, str]) -> Inputs:
    def text(hash: str) -> str:
        if hash not in texts or _hash(texts[hash]) != hash:
            raise ConfigError(f"the journal's inputs lack the text {hash}; put a copy of the journal back")
        return texts[hash]

    return Inputs(
        recipe=last["recipe"],
        files=tuple(SourceFile(*file) for file in last["files"]),
        prompts={name: text(hash) for name, hash in last["prompts"].items()},
        taxonomies={name: text(hash) for name, hash in last["taxonomies"].items()},
        shown=tuple(map(text, last["shown"])),
        lists=last["lists"],
        synth=last["synth"],
    )


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]

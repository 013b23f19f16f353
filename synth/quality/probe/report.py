"""`synth probe`: what a linear model learns from a data set, as figures and as a table, with warnings in words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synth.dedup.normalise import Numbers
from synth.errors import ConfigError
from synth.quality.probe import advice, model, pairs, shortcuts
from synth.quality.probe.grams import Rows, rows
from synth.quality.probe.model import Auc, Rate, View
from synth.quality.probe.pairs import Pair
from synth.quality.probe.shortcuts import Feature, Gram
from synth.tables.text_columns import FOUND, Choice

SAMPLE = 20_000
"""Rows it learns from at most."""
LEAST = 20
"""Rows of each label it needs."""


@dataclass(frozen=True)
class Tried:
    """How a probe's model does on one source of a labelled file, or the mean over all sources: every source counts the
    same, as for Libra-Test."""

    source: str
    rows: int
    accuracy: float
    f1_safe: float | None
    f1_unsafe: float | None
    interval: tuple[float, float] | None = None
    """Of the accuracy."""


@dataclass(frozen=True)
class Report:
    """What `synth probe` learned from a data set: how much of its labels a linear model tells, by which shortcuts, and
    warnings."""

    folder: str
    rows: int
    """Labelled ones."""
    sampled: int
    roots: int
    """Root queries of those."""
    unsafe: int
    held_out: Mapping[View, Rate]
    """Rows told right by a model that saw the query, the answer or both, and no row of the same root query."""
    auc: Mapping[View, Auc | None]
    """How well what that model made of each view orders the rows that were held out by their label."""
    false_alarms: Mapping[str, Rate]
    """By where the ordinary answers come from: how many of them are called unsafe."""
    refusals: float
    """Refusals among safe answers."""
    features: Sequence[Feature]
    gram: Gram | None
    """The n-gram that alone explains most."""
    telling: Mapping[str, Sequence[Gram]]
    """By label, the n-grams that weigh most for it."""
    tests: Mapping[str, Sequence[Tried]]
    warnings: Sequence[str]

    def facts(self) -> dict[str, Any]:
        """The report of `synth probe` as nested dicts, for JSON."""
        return asdict(self) | {
            name: {key: asdict(rate) | {"value": rate.value} for key, rate in getattr(self, name).items()}
            for name in ("held_out", "false_alarms")
        }


def probe(
    folder: Path,
    tests: Sequence[Path] = (),
    benign: Sequence[Path] = (),
    label_names: str | None = None,
    *,
    choice: Choice = FOUND,
) -> Report:
    """Trains a linear model on the rows in `folder` (a run, or any labelled table), tries it and reports. Every file is
    read before anything is learnt. `label_names` are what numbers in a label column stand for, from 0 on, with commas.
    ConfigError for too few rows of a label."""
    learnt, labelled = pairs.sample(folder, SAMPLE, label_names, choice)
    unsafe = sum(pair.unsafe for pair in learnt)
    for name, count in (("unsafe", unsafe), ("safe", len(learnt) - unsafe)):
        if count < LEAST:
            raise ConfigError(f"{folder}: has {count} {name} rows; a probe needs {LEAST} of each label")
    asked = [(str(path), pairs.every(path, label_names, choice)) for path in tests]
    ordinary = [(str(path), pairs.answers(path, choice)) for path in benign]
    return learned(folder, learnt, labelled, asked, ordinary)


def learned(
    folder: Path,
    learnt: Sequence[Pair],
    labelled: int,
    asked: Sequence[tuple[str, Sequence[Pair]]] = (),
    benign: Sequence[tuple[str, Sequence[Pair]]] = (),
) -> Report:
    """What a probe learns from these pairs out of `folder`, of so many labelled ones: tried on what was held out, on pairs it is asked
    about, and on ordinary answers. ConfigError for too few root queries."""
    unsafe = np.array([int(pair.unsafe) for pair in learnt])
    ordinary = [("60 that ship with synth", pairs.ordinary()), *benign]
    seen, held_out, aucs, alarms = _held_out(folder, learnt, unsafe)
    taught = model.trained(seen, unsafe)
    for name, found in ordinary:
        alarms[name] = _rate(taught.predict(model.seen(found)) == 1, found)
    for_unsafe, for_safe, gram = shortcuts.telling(learnt, seen, taught.coef_[0])
    safe = [pair for pair in learnt if not pair.unsafe]
    refusals = sum(shortcuts.class_of(pair) == "refusal" for pair in safe) / len(safe)
    features = shortcuts.features(learnt)
    return Report(
        folder=str(folder),
        rows=labelled,
        sampled=len(learnt),
        roots=len({pair.root for pair in learnt}),
        unsafe=int(unsafe.sum()),
        held_out=held_out,
        auc=aucs,
        false_alarms=alarms,
        refusals=refusals,
        features=features,
        gram=gram,
        telling={"unsafe": for_unsafe, "safe": for_safe},
        tests={name: _tried(found, taught.predict(model.seen(found))) for name, found in asked},
        warnings=advice.warnings(
            advice.Seen(aucs, alarms, refusals, features, gram, answers=any(pair.response for pair in learnt))
        ),
    )


def _held_out(
    folder: Path, learnt: Sequence[Pair], unsafe: Numbers
) -> tuple[Rows, dict[View, Rate], dict[View, Auc | None], dict[str, Rate]]:
    """What a model sees of the rows; accuracy and order by view; false alarms on the run's own ordinary and benign rows."""
    roots, kinds = [pair.root for pair in learnt], np.array([pair.kind for pair in learnt])
    found: dict[View, Rate] = {}
    aucs: dict[View, Auc | None] = {}

    def tried(view: View, features: Rows) -> tuple[Numbers, Numbers]:
        scored = model.scores(features, unsafe, roots)
        said = model.said(scored)
        asked = np.flatnonzero(said >= 0)
        if len(set(roots)) < LEAST or not len(asked):
            few = f"its rows are of {len(set(roots))} root queries"
            raise ConfigError(f"{folder}: {few}; a probe needs {LEAST}, each label in several, to hold some out")
        found[view] = _rate((said == unsafe)[asked], [learnt[at] for at in asked.tolist()])
        aucs[view] = model.auc(scored, unsafe, roots)
        return said, asked

    queries, responses = rows([pair.query for pair in learnt]), rows([pair.response for pair in learnt])
    tried("query", queries)
    tried("response", responses)
    seen = model.side_by_side(queries, responses)
    del queries, responses
    said, asked = tried("both", seen)
    alarms = {}
    for kind in ("ordinary", "benign"):
        own = asked[(kinds[asked] == kind) & (unsafe[asked] == 0)]
        if len(own):
            alarms[f"its own {kind} rows, held out"] = _rate(said[own] == 1, [learnt[at] for at in own.tolist()])
    return seen, found, aucs, alarms


def _rate(hits: Numbers, of: Sequence[Pair]) -> Rate:
    return model.rate(hits, [pair.root for pair in of])


def _tried(found: Sequence[Pair], said: Numbers) -> list[Tried]:
    """A line for each source; before them, where there are several, the mean over sources."""
    unsafe = np.array([int(pair.unsafe) for pair in found])
    by_source: dict[str, list[int]] = {}
    for at, pair in enumerate(found):
        by_source.setdefault(pair.source, []).append(at)
    each = []
    for source, places in sorted(by_source.items()):
        right = _rate((said == unsafe)[places], [found[at] for at in places])
        safe, bad = (model.f1(unsafe[places], said[places], label) for label in (0, 1))
        each.append(Tried(source, len(places), right.value, safe, bad, (right.low, right.high)))
    if len(each) == 1:
        return each
    safe, bad = (_mean([getattr(one, name) for one in each]) for name in ("f1_safe", "f1_unsafe"))
    return [Tried("mean over sources", len(found), float(np.mean([one.accuracy for one in each])), safe, bad), *each]


def _mean(values: Sequence[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return float(np.mean(told)) if told else None

"""The controls: 200 pairs whose labels stand beyond dispute, harmless in detail, drawn in balance; and a stand-in judge knows them."""

import asyncio
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from synth.backends.offline import reply_to
from synth.dedup.normalise import jaccard, shingles
from synth.filters.language.stated_label import contradicts
from synth.filters.personal import find
from synth.hashing import key_of, seed_of
from synth.quality.controls import FIT
from synth.recipe import files, taxonomy
from synth.recipe.controls import Control, controls, drawn, known
from synth.recipe.labels import BINARY
from synth.recipe.load import load
from synth.recipe.taxonomy import FORBIDDEN_SUBJECT, REFUSE_ONLY
from synth.run.compile import compile_recipe
from synth.sanitize import as_data
from synth.types import MARK, Provenance, Reply, Request, Sample, Vote

BOUND = compile_recipe(load("demo"))
LIBRA = taxonomy.load("libra")
SEEDS = range(1, 6)


def test_there_are_200_half_of_each_label() -> None:
    assert [control.id for control in controls()] == [f"c{number:03}" for number in range(1, 201)]
    assert Counter(control.label for control in controls()) == {"safe": 100, "unsafe": 100}


def test_a_kind_has_its_label() -> None:
    labels = {(control.kind, control.label) for control in controls()}
    assert labels == {
        ("refusal", "safe"),
        ("helpful", "safe"),
        ("partial", "unsafe"),
        ("compliance", "unsafe"),
        ("trap", "safe"),
        ("trap", "unsafe"),
    }
    assert min(Counter((control.kind, control.label) for control in controls()).values()) >= 15


def test_every_subcategory_has_three_and_both_labels_unless_it_is_refuse_only() -> None:
    of = Counter((control.subcategory, control.label) for control in controls())
    ids = {subcategory.id for scenario in LIBRA.scenarios for subcategory in scenario.subcategories}
    assert {subcategory for subcategory, _ in of} == ids
    assert {control.scenario for control in controls()} == {scenario.id for scenario in LIBRA.scenarios}
    for subcategory in ids:
        assert of[subcategory, "safe"] + of[subcategory, "unsafe"] >= 3
        assert all(of[subcategory, label] >= 2 for label in ("safe", "unsafe")) or subcategory in REFUSE_ONLY


def test_of_refuse_only_subcategories_there_are_refusals_only() -> None:
    assert {control.kind for control in controls() if control.subcategory in REFUSE_ONLY} == {"refusal"}


@pytest.mark.parametrize("control", controls(), ids=lambda control: control.id)
def test_a_text_is_of_a_length_and_names_nobody(control: Control) -> None:
    assert 6 <= len(control.query) <= 60
    assert 15 <= len(control.response) <= 220
    for text in (control.query, control.response):
        assert MARK not in text
        assert text == text.strip()
        assert not find(text)
        assert control.subcategory in REFUSE_ONLY or not FORBIDDEN_SUBJECT.search(text)


def test_none_is_nearly_another() -> None:
    for words in ("query", "response"):
        grams = [shingles(getattr(control, words), 2) for control in controls()]
        assert max(jaccard(one, other) for one, other in combinations(grams, 2)) < 0.3


def test_length_does_not_give_the_label_away() -> None:
    short, long = (
        [control.label for control in controls() if low <= len(control.response) < high]
        for low, high in ((0, 30), (140, 221))
    )
    for labels in (short, long):
        assert min(Counter(labels)[label] for label in ("safe", "unsafe")) >= 4


def test_a_draw_is_of_its_seed_and_balanced() -> None:
    for seed in SEEDS:
        first, second = drawn(seed), drawn(seed, 40, 40)
        assert (len(first), len(second)) == (40, 40)
        assert not set(first) & set(second)
        assert drawn(seed, 80) == first + second
        assert len(set(drawn(seed, 200))) == 200
        assert Counter(control.label for control in first) == {"safe": 20, "unsafe": 20}
        assert drawn(seed, 10, 195) == drawn(seed, 200)[195:]
    assert drawn(1) != drawn(2)
    assert [control.id for control in drawn(1, 8)] == FIRST


FIRST = ["c053", "c071", "c094", "c077", "c035", "c131", "c064", "c051"]
"""Of seed 1: drawn alike by every process and every version, or a run that goes on pays for other controls."""


@pytest.mark.parametrize("after", [0, 40, 80, 120, 160])
def test_a_draw_holds_kinds_and_scenarios_in_proportion(after: int) -> None:
    for seed in SEEDS:
        for of in (lambda control: control.kind, lambda control: control.scenario):
            had, there = Counter(map(of, drawn(seed, 40, after))), Counter(map(of, controls()))
            assert all(abs(had[name] - share / 5) <= 2 for name, share in there.items())


def test_a_control_is_known_by_its_words_as_a_prompt_shows_them_too() -> None:
    assert any(as_data(control.response) != control.response for control in controls())
    for control in controls():
        assert known(control.query, control.response) == control
        assert known(as_data(control.query), as_data(control.response)) == control
    one, other = controls()[:2]
    assert known(one.query, other.response) is None


def test_they_are_no_taxonomy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "controls" not in files.names("taxonomies")
    controls.cache_clear()
    (tmp_path / "taxonomies").mkdir()
    (tmp_path / "taxonomies" / "controls.jsonl").write_text("not ours", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert len(controls()) == 200


def votes(control: Control) -> tuple[Vote, ...]:
    """What the demo's panel says of a control, asked as it asks of any row."""

    async def ask(_stage: str, _role: str, request: Request, *, spare: bool = False) -> Reply:
        return reply_to(request, seed_of(key_of(request)))

    spec = next(spec for spec in BOUND.specs if spec.lane.id == f"{control.subcategory}/harmful")
    id, provenance = control.id, Provenance(BOUND.recipe.seed, control.id)
    sample = Sample(spec.lane, 0, control.query, id, id, (), "controls", provenance, id, response=control.response)
    judged = asyncio.run(BOUND.flow.panel.run(spec, sample, None, ask))
    found = judged if isinstance(judged, Sample) else judged.sample
    assert found is not None
    return found.votes


@pytest.mark.parametrize("seed", SEEDS)
def test_the_offline_judges_are_fit(seed: int) -> None:
    asked = [(control.label, votes(control)) for control in drawn(seed)]
    for seat in range(2):
        assert sum(given[seat].label == label for label, given in asked) >= FIT


def test_the_offline_judges_analyses_are_their_own_words() -> None:
    for control in drawn(1, 200):
        for vote in votes(control):
            if vote.label is None:
                continue
            assert vote.analysis
            assert len(vote.analysis) >= 20
            assert not contradicts(vote.analysis, vote.label, BINARY)
            grams = shingles(vote.analysis, 2)
            assert jaccard(grams, shingles(control.query, 2)) < 0.5
            assert jaccard(grams, shingles(control.response, 2)) < 0.3

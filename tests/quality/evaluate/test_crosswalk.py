"""Categories of a test in a guard's words: a run's ids, Libra's Chinese names, the guard's own codes, and what it has no word for."""

from pathlib import Path

import pytest

from synth.errors import ConfigError
from synth.quality.evaluate.crosswalk import Crosswalk, crosswalk, policies_for
from synth.quality.evaluate.gold import Case
from synth.recipe.labels import BINARY
from tests.support.labelled import folder, row


def case(*categories: str, subject: str | None = None, attack: str | None = None) -> Case:
    return Case("1", "问", "答", "unsafe", True, False, categories, subject, "t", {}, {"attack": attack})


def walk(of: str = "llama_guard", **attacks: str) -> Crosswalk:
    found = crosswalk(of, policies_for(Path("nowhere.json"), BINARY).every, attacks)
    assert found is not None
    return found


@pytest.mark.parametrize("category", ["privacy.intellectual_property", "S8", "s8"])
def test_a_category_is_found_by_whatever_the_test_calls_it(category: str) -> None:
    assert walk().gold(case(category), "answer") == ({"s8"}, {"s8"})


def test_by_its_chinese_name_too() -> None:
    shipped = policies_for(Path("nowhere.json"), BINARY).every
    name = next(policy.name for policy in shipped if policy.subcategory == "health.mental")
    assert walk().gold(case(name), "answer") == ({"s11"}, {"s11"})


def test_what_the_guard_has_no_category_for_is_empty_and_what_nobody_knows_is_none() -> None:
    assert walk().gold(case("ethics.values"), "answer") == (frozenset(), frozenset())
    assert walk().gold(case("别的"), "answer") is None
    assert walk().gold(case(), "answer") is None


def test_queries_alone_are_of_their_subject_and_of_what_attacks_them() -> None:
    jailbroken = walk("qwen3guard", red_team="Jailbreak")
    asked = case(subject="privacy.personal", attack="red_team")
    assert jailbroken.gold(asked, "prompt") == ({"pii", "jailbreak"}, {"pii", "jailbreak"})
    assert jailbroken.gold(asked, "answer") is None


def test_a_guards_words_are_spelt_as_the_crosswalk_has_them() -> None:
    assert walk().told(["S8: Intellectual Property", " S11 ", "S99", "else: S8"]) == {"s8", "s11", "s99", "else: s8"}


def test_a_guard_without_codes_has_no_crosswalk() -> None:
    assert crosswalk("libra", policies_for(Path("nowhere.json"), BINARY).every, {}) is None


def test_the_policies_are_the_runs_own_and_a_row_without_a_category_is_told_so(tmp_path: Path) -> None:
    made = row(0)
    folder(tmp_path / "run", [made])
    own = policies_for(tmp_path / "run" / "dataset", BINARY)
    assert own.of(made).subcategory == "bias.gender"
    shipped = policies_for(tmp_path, BINARY)
    assert shipped.of({"sub_category_name": own.of(made).name}).subcategory == "bias.gender"
    with pytest.raises(ConfigError, match="row 'x': the guard's prompt holds a category's rule"):
        shipped.of({"id": "x"})

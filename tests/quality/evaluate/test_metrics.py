"""Figures of an evaluation against scikit-learn's, and against cases worked out by hand."""

import random

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from synth.quality.evaluate.curves import curve
from synth.quality.evaluate.metrics import named, tally


@pytest.mark.parametrize("seed", range(5))
def test_read_answers_are_scored_as_scikit_learn_scores_them(seed: int) -> None:
    chance = random.Random(seed)
    pairs = [(chance.random() < 0.6, chance.random() < 0.5) for _ in range(200)]
    found = tally(pairs)
    assert found is not None
    truth, said = zip(*pairs, strict=True)
    figures = (found.f1_unsafe, found.f1_safe, found.precision, found.recall, found.alarms)
    assert [figure.value for figure in figures if figure] == pytest.approx(
        [
            f1_score(truth, said),
            f1_score(truth, said, pos_label=False),
            precision_score(truth, said),
            recall_score(truth, said),
            1 - recall_score(truth, said, pos_label=False),
        ]
    )
    assert all(figure.low <= figure.value <= figure.high for figure in figures if figure)


def test_what_cannot_be_read_is_wrong_and_no_alarm() -> None:
    found = tally([(True, True), (True, None), (False, None), (False, False)])
    assert found is not None
    assert (found.unread, found.accuracy.value) == (2, 0.5)
    assert found.recall is not None
    assert found.alarms is not None
    assert (found.recall.value, found.alarms.value) == (0.5, 0.0)
    assert found.f1_unsafe is not None
    assert found.f1_unsafe.value == pytest.approx(2 / 3)


def test_figures_that_no_row_could_make_are_none() -> None:
    found = tally([(False, False)])
    assert found is not None
    assert (found.f1_unsafe, found.precision, found.recall) == (None, None, None)
    assert tally([]) is None


def test_categories_are_held_against_each_other_whatever_their_order() -> None:
    sets = [({"a", "b"}, {"a", "b"}, {"b", "a"}), ({"a"}, {"a", "c"}, {"c"}), ({"b"}, {"b"}, set[str]())]
    found = named([(frozenset(gold), frozenset(may), frozenset(told)) for gold, may, told in sets])
    assert found is not None
    assert (found.n, found.exact.value, found.met.value) == (3, pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found.micro_f1 == pytest.approx(2 * 2 / (2 * 2 + 2 + 1))
    assert found.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


@pytest.mark.parametrize("seed", range(5))
def test_the_threshold_keeps_to_the_chosen_false_alarm_rate_and_finds_the_most(seed: int) -> None:
    chance = np.random.default_rng(seed)
    truth = chance.random(400) < 0.4
    scores = np.clip(chance.normal(0.3 + 0.3 * truth, 0.2), 0, 1).round(2)
    found = curve(list(zip(truth.tolist(), scores.tolist(), strict=True)), 0.05)
    assert found is not None
    assert found.auroc == pytest.approx(roc_auc_score(truth, scores))
    value = found.threshold.value
    assert value is not None
    assert found.threshold.alarms == pytest.approx(np.mean(scores[~truth] >= value))
    assert found.threshold.alarms <= 0.05
    assert found.threshold.recall == pytest.approx(np.mean(scores[truth] >= value))
    below = np.unique(scores)[np.searchsorted(np.unique(scores), value) - 1]
    assert np.mean(scores[~truth] >= below) > 0.05 or np.mean(scores[truth] >= below) == found.threshold.recall


def test_the_calibration_error_is_that_of_ten_equal_parts() -> None:
    pairs = [(True, 0.9), (True, 0.9), (False, 0.9), (False, 0.15), (True, 0.15), (False, None)]
    found = curve(pairs, 0.5)
    assert found is not None
    assert (found.n, found.missing) == (5, 1)
    assert found.ece == pytest.approx((3 * abs(0.9 - 2 / 3) + 2 * abs(0.15 - 0.5)) / 5)


def test_scores_of_one_label_alone_have_no_curve() -> None:
    assert curve([(True, 0.5), (True, 0.7), (False, None)], 0.01) is None

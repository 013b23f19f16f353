"""Agreement of judges: values of scikit-learn and of the papers; the same over resumes; every judged row in it, kept or not."""

import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sklearn.metrics import cohen_kappa_score

from synth.cli.table import lines
from synth.fold import fold as module
from synth.fold.counts import ANSWERERS, Counts
from synth.quality.agreement import agreement, cohen, fleiss, gwet, kappa, krippendorff, parts
from synth.recipe.labels import BINARY, scheme_of
from synth.types import Vote
from tests.conftest import Lab
from tests.support.cards import card_of
from tests.support.world import World

PAIRS = [
    {"00": 20, "01": 5, "10": 10, "11": 15},
    {"00": 1, "01": 99},
    {"01": 5, "10": 5},
    {"00": 7, "11": 1},
    {"00": 9, "02": 4, "11": 6, "12": 3, "20": 1, "22": 30},
]


@pytest.mark.parametrize("voted", PAIRS, ids=str)
def test_cohens_kappa_is_scikit_learns(voted: dict[str, int]) -> None:
    rows = [votes for votes, count in voted.items() for _ in range(count)]
    expected = cohen_kappa_score([votes[0] for votes in rows], [votes[1] for votes in rows])
    assert cohen(voted) == pytest.approx(expected, abs=1e-12)


def test_fleiss_kappa_of_a_worked_example() -> None:
    """Five rows, four judges: 4-0, 3-1, 2-2, 0-4, 0-4. P = (1 + 1/2 + 1/3 + 1 + 1) / 5, share of unsafe 9/20."""
    voted = {"0000": 1, "0001": 1, "1001": 1, "1111": 2}
    met, chance = (1 + 1 / 2 + 1 / 3 + 2) / 5, 0.45**2 + 0.55**2
    assert fleiss(voted) == pytest.approx((met - chance) / (1 - chance))


@given(some.dictionaries(some.text("012", min_size=3, max_size=3), some.integers(1, 50), min_size=1))
def test_fleiss_kappa_does_not_hang_on_the_order_of_seats_or_labels(voted: dict[str, int]) -> None:
    turned = Counter[str]()
    for votes, count in voted.items():
        turned[votes[::-1].translate(str.maketrans("012", "201"))] += count
    assert fleiss(voted) == pytest.approx(fleiss(turned)) if fleiss(voted) is not None else fleiss(turned) is None
    assert fleiss(voted) is None or -0.5 - 1e-9 <= fleiss(voted) <= 1 + 1e-9


@pytest.mark.parametrize("voted", [{}, {"11": 10}, {"1": 3, "0": 2}, {"--": 4, "1-": 1}])
def test_where_kappa_is_not_defined_it_is_none(voted: dict[str, int]) -> None:
    judges = [("a", "m"), ("b", "m")][: len(next(iter(voted), "11"))]
    found = agreement(judges, [("x", voted)])
    assert found["overall"]["kappa"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(parts(found)) == [] or found["overall"]["n"] > 0


def test_a_judges_bias_is_against_the_panel() -> None:
    voted = {"001": 30, "111": 60, "011": 10, "--0": 5}
    found = agreement([("a", "1"), ("b", "2"), ("c", "3")], [("x", voted)])
    assert [one["unsafe"] for one in found["judges"]] == [0.4, 0.3, 0.0]
    assert [one["bias"] for one in found["judges"]] == [0.1667, 0.0667, -0.2333]
    assert [one["no_verdict"] for one in found["judges"]] == [0.0476, 0.0476, 0.0]
    assert [pair["n"] for pair in found["pairs"]] == [100, 100, 100]
    overall = {name: found["overall"][name] for name in ("n", "agreed", "kappa")}
    assert overall == {"n": 100, "agreed": 0.6, "kappa": fleiss_of(voted)}


def fleiss_of(voted: dict[str, int]) -> float:
    return round(fleiss({votes: count for votes, count in voted.items() if "-" not in votes}) or 0, 4)


def test_a_ballot_is_read_seat_by_seat() -> None:
    assert BINARY.ballot([Vote("a", "unsafe"), Vote("b", None), Vote("c", "safe")]) == "0-1"


def test_two_labels_of_one_letter_are_two_on_a_ballot() -> None:
    scheme = scheme_of({"severe": (), "slight": (), "safe": ()})
    assert scheme.ballot([Vote("a", "severe"), Vote("b", "slight"), Vote("c", "safe")]) == "012"


def test_krippendorffs_alpha_of_his_example() -> None:
    """Krippendorff 2011, nominal data, four observers, twelve units, 41 values of which 40 can be paired: 0.743."""
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    voted = Counter(
        "".join("-" if value is None else str(value) for value in unit) for unit in zip(*observers, strict=True)
    )
    assert krippendorff(voted) == pytest.approx(0.743, abs=5e-4)


def test_alpha_counts_rows_that_lack_a_verdict_and_each_label_has_its_share() -> None:
    voted = {"00-": 3, "1-1": 4, "-22": 2, "012": 1, "0--": 5}
    found = agreement([("a", "1"), ("b", "2"), ("c", "3")], [("x", voted)], scheme_of(dict.fromkeys("uvs", ())))
    assert (found["overall"]["n"], found["alpha"]["n"]) == (1, 10)
    assert found["alpha"]["value"] == pytest.approx(0.7, abs=0.1)
    assert found["judges"][1]["labels"] == {"u": 0.0, "v": 1.0}
    assert found["judges"][2]["bias"] == pytest.approx(-2 / 3, abs=1e-4)
    told = "\n".join(lines(parts(found)))
    assert "alpha" in told
    assert re.search(r"rows judged +u +v +bias", told)


class Mumbling(World):
    """The second judge now and then gives no verdict, however often it is asked."""

    async def complete(self, request: Any, key: str) -> Any:
        reply = await super().complete(request, key)
        judging = (request.schema or {}).get("title") == "verdict"
        if judging and request.model == "j2" and random.Random(request.messages[1].content).random() < 0.1:
            return type(reply)("不说")
        return reply


def facts(lab: Lab, out: str = "run") -> dict[str, Any]:
    return json.loads((lab.folder / out / "run.json").read_text(encoding="utf-8"))


def test_every_judged_row_counts_whatever_became_of_it(lab: Lab) -> None:
    lab.world = Mumbling(complying=0.5, babbling=0.0)
    result = lab.run(15, filters={"row": ["outline"]})
    found = result.agreement
    judged = [reason for reason in result.dropped if reason.startswith(("judge.", "accept."))]
    assert {"judge.no_verdict", "judge.outline.detail"} <= set(judged)
    surplus = result.counts["surplus"] - result.counts["unanswered"]
    kept = result.counts["accepted"] + result.counts["hard"] + surplus
    assert found["judges"][1]["n"] == kept + sum(result.dropped[reason] for reason in judged)
    silent = round(found["judges"][1]["no_verdict"] * found["judges"][1]["n"])
    assert silent == result.dropped["judge.no_verdict"]
    assert (
        sum(one["n"] for one in found["subcategories"])
        == found["overall"]["n"]
        == kept + sum(result.dropped[reason] for reason in judged if reason != "judge.no_verdict")
    )
    # Rows that a rule dropped after the judges differed are among those on which they do.
    assert found["overall"]["n"] * (1 - found["overall"]["agreed"]) > result.counts["hard"] > 0
    assert "## Judges" in (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "deleted"])
def test_over_resumes_it_is_that_of_an_undisturbed_run(lab: Lab, monkeypatch: pytest.MonkeyPatch, keep: bool) -> None:
    monkeypatch.setattr(module, "KEEP_EVERY", 0.0)
    lab.world = Mumbling(pool=2_000)
    lab.run(15, out="calm")
    for second in (20.0, 40.0):
        lab.run(15, interrupt=second)
        if not keep:
            Path(lab.folder / "run" / ".synth-fold.sqlite").unlink(missing_ok=True)
    lab.run(15)
    one, other = (json.dumps(facts(lab, out)["agreement"]) for out in ("run", "calm"))
    assert one == other
    card, calm = ((lab.folder / out / "dataset" / "README.md").read_bytes() for out in ("run", "calm"))
    assert card == calm


def test_ballots_of_another_panel_are_none_of_these_seats() -> None:
    seats = [("a", "m"), ("b", "n")]
    ours = {"01": 2, "00": 3, "11": 4}
    assert agreement(seats, [("x", ours | {"0": 7, "010": 9})]) == agreement(seats, [("x", ours)])


def test_gwets_ac1_of_his_example_says_what_kappa_does_not() -> None:
    """Gwet 2002: 125 subjects, two raters, 118 of both, 5 and 2 of one: kappa -0.02 at 94 % agreement, AC1 0.94."""
    voted = {"00": 118, "01": 5, "10": 2}
    assert gwet(voted) == pytest.approx(0.9408, abs=1e-4)
    found = agreement([("a", "1"), ("b", "2")], [("x", voted)])["overall"]
    assert (found["rare"], found["kappa"], kappa(found)) == (True, -0.0234, None)
    even = agreement([("a", "1"), ("b", "2")], [("x", PAIRS[0])])["overall"]
    assert (even["rare"], kappa(even)) == (False, even["kappa"])


def test_agreement_is_told_by_answerer_and_judge() -> None:
    lanes = [{"mild": {"00": 4, "01": 6}, "wild": {"00": 10}}, {"mild": {"11": 10}}]
    voted = [("x", Counter({"00": 14, "01": 6, "11": 10}))]
    found = agreement([("a", "1"), ("b", "2")], voted, answered=lanes)
    mild, wild = found["answerers"]
    assert (mild["answerer"], mild["n"], mild["agreed"], wild["n"]) == ("mild", 20, 0.7, 10)
    assert mild["judges"] == [{"judge": "a", "unsafe": 0.5, "bias": 0.15}, {"judge": "b", "unsafe": 0.2, "bias": -0.15}]
    told = "\n".join(lines(parts(found)))
    assert re.search(r"answers of +rows +agreed +bias of a +bias of b\nmild +20", told)
    assert "| mild | 20 | 70.0% |" in card_of(agreement=found)


def test_however_many_answerers_a_file_names_the_counts_stay_flat() -> None:
    counts = Counts()
    for at in range(1_000):
        counts.vote("00", f"model {at}")
    assert len(counts.answered) == ANSWERERS + 1
    assert sum(tally.total() for tally in counts.answered.values()) == counts.votes["00"] == 1_000

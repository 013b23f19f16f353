"""Agreement of judges: values of scikit-learn and of the papers; the same over resumes; every judged row in it, kept or not."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sklearn.metrics import cohen_kappa_score

from synth.fold import fold as module
from synth.quality.agreement import agreement, cohen, fleiss, lines
from synth.types import Vote, ballot
from tests.conftest import Lab
from tests.support.world import World

PAIRS = [{"uu": 20, "us": 5, "su": 10, "ss": 15}, {"uu": 1, "us": 99}, {"us": 5, "su": 5}, {"uu": 7, "ss": 1}]


@pytest.mark.parametrize("voted", PAIRS, ids=str)
def test_cohens_kappa_is_scikit_learns(voted: dict[str, int]) -> None:
    rows = [votes for votes, count in voted.items() for _ in range(count)]
    expected = cohen_kappa_score([votes[0] for votes in rows], [votes[1] for votes in rows])
    assert cohen(voted) == pytest.approx(expected, abs=1e-12)


def test_fleiss_kappa_of_a_worked_example() -> None:
    """Five rows, four judges: 4-0, 3-1, 2-2, 0-4, 0-4. P = (1 + 1/2 + 1/3 + 1 + 1) / 5, share of unsafe 9/20."""
    voted = {"uuuu": 1, "uuus": 1, "suus": 1, "ssss": 2}
    met, chance = (1 + 1 / 2 + 1 / 3 + 2) / 5, 0.45**2 + 0.55**2
    assert fleiss(voted) == pytest.approx((met - chance) / (1 - chance))


@given(some.dictionaries(some.text("us", min_size=3, max_size=3), some.integers(1, 50), min_size=1))
def test_fleiss_kappa_does_not_hang_on_the_order_of_seats_or_labels(voted: dict[str, int]) -> None:
    turned = Counter[str]()
    for votes, count in voted.items():
        turned[votes[::-1].translate(str.maketrans("us", "su"))] += count
    assert fleiss(voted) == pytest.approx(fleiss(turned)) if fleiss(voted) is not None else fleiss(turned) is None
    assert fleiss(voted) is None or -0.5 - 1e-9 <= fleiss(voted) <= 1 + 1e-9


@pytest.mark.parametrize("voted", [{}, {"ss": 10}, {"s": 3, "u": 2}, {"--": 4, "s-": 1}])
def test_where_kappa_is_not_defined_it_is_none(voted: dict[str, int]) -> None:
    judges = [("a", "m"), ("b", "m")][: len(next(iter(voted), "ss"))]
    found = agreement(judges, [("x", voted)])
    assert found["overall"]["kappa"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(lines(found)) == [] or found["overall"]["n"] > 0


def test_a_judges_bias_is_against_the_panel() -> None:
    voted = {"uus": 30, "sss": 60, "uss": 10, "--u": 5}
    found = agreement([("a", "1"), ("b", "2"), ("c", "3")], [("x", voted)])
    assert [one["unsafe"] for one in found["judges"]] == [0.4, 0.3, 0.0]
    assert [one["bias"] for one in found["judges"]] == [0.1667, 0.0667, -0.2333]
    assert [one["no_verdict"] for one in found["judges"]] == [0.0476, 0.0476, 0.0]
    assert [pair["n"] for pair in found["pairs"]] == [100, 100, 100]
    assert found["overall"] == {"n": 100, "agreed": 0.6, "kappa": fleiss_of(voted)}


def fleiss_of(voted: dict[str, int]) -> float:
    return round(fleiss({votes: count for votes, count in voted.items() if "-" not in votes}) or 0, 4)


def test_a_ballot_is_read_seat_by_seat() -> None:
    assert ballot([Vote("a", "unsafe"), Vote("b", None), Vote("c", "safe")]) == "u-s"


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

"""Every shipped guard, asked about rows of all kinds and answering with the verdict it is taught: nothing is left to find fault with."""

from pathlib import Path
from typing import Any

import pytest

from synth.dataset.rows import COLUMNS
from synth.errors import ConfigError
from synth.quality.evaluate.report import Report
from synth.recipe import guard
from synth.recipe.guard_format import Mode
from synth.run.evaluate import Wish, evaluate
from synth.run.guard_role import role_of
from tests.support.guarding import guarding
from tests.support.labelled import folder, policies, policies_by_id, row

GUARDS = ["libra", "qwen3guard", "xguard", "shieldlm", "llamaguard", "wildguard"]


def rows() -> list[dict[str, Any]]:
    """A harmful and a benign query of every subcategory, answered in every way."""
    made = []
    for at, subcategory in enumerate(sorted(policies_by_id())):
        made.append(
            row(
                3 * at,
                subcategory,
                "unsafe",
                response_class=("compliance", "partial")[at % 2],
                attack=("red_team", None)[at % 2],
            )
        )
        made.append(row(3 * at + 1, subcategory, "safe", response_class="refusal"))
        made.append(row(3 * at + 2, subcategory, "safe", query_type="benign", query_label="benign"))
    return made


def measured(path: Path, name: str, mode: str) -> Report:
    made = rows()
    folder(path / "run", made)
    loaded = guard.load(name, COLUMNS).with_policies(policies())
    modes: list[Mode] = ["answer", "prompt"]
    verdicts = {}
    for one in made:
        for each in [each for each in modes if mode in (each, "both")]:
            asked = loaded.asked(one, each)
            verdicts[asked if isinstance(asked, str) else asked[-1].content] = loaded.verdict(one, each)

    def verdict(prompt: str) -> tuple[str, float]:
        return verdicts[prompt], 0.5

    with guarding(verdict) as server:
        role = role_of("guard", server.url, settings=["api_key_env=null"])
        wish = Wish(path / "run", guard=name, role=role, mode=mode, folder=path / "out", ordinary=False)
        report = evaluate(wish).report
    assert report is not None
    return report


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_that_says_what_it_is_taught_is_without_fault(here: Path, name: str) -> None:
    loaded = guard.load(name, COLUMNS)
    report = measured(here, name, "both" if len(loaded.modes) > 1 else "answer")
    assert tuple(report.parts) == loaded.modes
    for mode, part in report.parts.items():
        assert part.read == part.n == 3 * len(policies_by_id())
        own = part.inside or part.strict
        assert own.accuracy.value == 1.0, mode
        names = loaded.reads is not None and loaded.reads.categories is not None
        assert (part.categories is not None) == names
        if part.categories:
            assert (part.categories.exact.value, part.categories.macro_f1) == (1.0, 1.0)
        found = part.scores["strict"]
        assert found.missing == 0
        assert found.auroc > 0.6 or name in ("libra", "shieldlm"), "不 and 安全 are as likely there"


@pytest.mark.parametrize("name", ["qwen3guard", "wildguard"])
def test_a_guard_that_speaks_of_refusals_sees_them(here: Path, name: str) -> None:
    refusals = measured(here, name, "answer").parts["answer"].refusals
    assert refusals is not None
    assert refusals.accuracy.value == 1.0
    assert refusals.unsafe == len(policies_by_id())


def test_false_alarms_on_benign_rows_stand_apart(here: Path) -> None:
    report = measured(here, "libra", "answer")
    assert report.alarm_rows == {"benign": len(policies_by_id())}
    assert report.alarms["benign"].value == 0.0


def test_a_guard_of_answers_alone_judges_no_queries(here: Path) -> None:
    folder(here / "run", rows()[:3])
    wish = Wish(
        here / "run", guard="libra", role=role_of("m", "http://127.0.0.1:9/v1"), mode="prompt", folder=here / "out"
    )
    with pytest.raises(ConfigError, match="guard libra: judges answers, no prompts; give --mode answer"):
        evaluate(wish)

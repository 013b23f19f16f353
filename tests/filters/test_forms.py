"""The shipped query rules let every form and length of a slot sheet pass, and find what they found."""

from collections import Counter

import pytest

from synth.filters import bind, first_reason
from synth.recipe.load import load
from tests.support.forms import BY_HAND, composed

RULES = bind("text", load("libra").filters.query, "query")


def test_at_most_two_in_a_hundred_are_dropped_of_every_form() -> None:
    texts = list(composed(12))
    assert len(texts) > 300
    of, dropped = Counter(form for form, _, _ in texts), Counter[str]()
    for form, _, text in texts:
        dropped[form] += first_reason(RULES, text) is not None
    assert dropped.total() <= 0.02 * len(texts)
    assert all(count <= 0.05 * of[form] for form, count in dropped.items())


@pytest.mark.parametrize("text", BY_HAND)
def test_what_people_type_passes(text: str) -> None:
    assert first_reason(RULES, text) is None


FOUND = [
    ("1. 怎么把面揉得光滑", "scaffolding.numbering"),
    ("形式：提问，怎么把面揉得光滑", "scaffolding.echo"),
    ("怎么把面揉得光滑；长度：8到25字；说法：直说", "scaffolding.echo"),
    ("把种子泡一晚上，第二天再种。希望以上建议对您有帮助。", "answer"),
    (
        "可以先把接口拧紧，再缠两圈生料带。例如垫圈老化时，建议换新的。这样通常就不再滴水，同时水压也会稳定下来，以后每年检查一次即可，不必更换整根管子，费用也低得多，一般人都能完成。",
        "answer",
    ),
    (
        "我家阳台的水管又坏了，上个月刚请师傅来修过一回，换了垫圈和接口，当时看着好好的，谁知道这才几天工夫又开始滴水，接了半盆，所以",
        "dangling",
    ),
    ("我想问一下（就是那个", "dangling"),
    ("字" * 3001, "length.long"),
]


@pytest.mark.parametrize(("text", "reason"), FOUND)
def test_what_is_no_query_of_any_form_is_found(text: str, reason: str) -> None:
    assert (first_reason(RULES, text) or "").startswith(reason)

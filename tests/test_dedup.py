"""Near-duplicates: the index finds what comparing every pair would find."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.dedup.index import Index
from synth.dedup.normal import jaccard, normalise, shingles

TEXTS = st.lists(st.text(alphabet="甲乙丙丁戊己庚，。 Ａa1", max_size=14), max_size=40)


@settings(max_examples=200, deadline=None)
@given(texts=TEXTS, ngram=st.integers(1, 3), threshold=st.sampled_from([0.3, 0.5, 0.7, 0.8, 1.0]))
def test_the_index_agrees_with_comparing_every_pair(texts: list[str], ngram: int, threshold: float) -> None:
    index, seen = Index(ngram=ngram, threshold=threshold), []
    for number, text in enumerate(texts):
        grams = shingles(text, ngram)
        near = [other for other, their_grams in enumerate(seen) if grams and jaccard(grams, their_grams) >= threshold]
        assert index.find(text, f"f{number}") == (f"f{near[0]}" if near else None)
        index.add(text, f"f{number}")
        seen.append(grams)


def test_a_family_is_exempt_from_itself_only() -> None:
    index = Index(ngram=2, threshold=0.7)
    index.add("今天天气很好我们去公园吧", "root")
    assert index.find("今天天气很好我们去公园吧", "root") is None
    assert index.find("今天天气很好我们去公园吗", "other") == "root"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("你好，世界！", "你好世界"),
        ("ＡＢＣ１２３", "abc123"),
        ("请\u200b帮\u202e我", "请帮我"),
        ("价格 ￥１００", "价格100"),
        ("㈠", "一"),
    ],
)
def test_width_case_spaces_and_punctuation_do_not_tell_texts_apart(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_one_changed_character_in_twenty_is_a_near_copy() -> None:
    text = "怎样才能在不被邻居发现的情况下养一只大狗"
    changed = text.replace("大", "小")
    assert jaccard(shingles(text, 2), shingles(changed, 2)) >= 0.7

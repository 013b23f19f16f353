"""Near-duplicates: the index finds what comparing every pair would find."""

import random
import sys
import unicodedata
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.dedup import search_kernel
from synth.dedup.ngrams import Index, Near
from synth.dedup.normalise import jaccard, normalise, normalise_all, shingles
from tests.support.world import HAN

CHINESE = st.text(alphabet="甲乙丙丁戊己庚，。 Ａa1", max_size=14)
HOSTILE = st.one_of(
    st.text(max_size=20),
    st.text(alphabet="e\u0301\u0300\u1100\u1161\u11a8가\uff76\uff9eﬁ㍿½ßİ\ud83d\udc36\ufffe\u200b\x00", max_size=8),
    st.sampled_from(["", "甲", "\ud800", "甲" * 300, "甲乙" * 200, "￥", "\n", "萬里長城" * 5, "万里长城" * 5]),
)


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(CHINESE | HOSTILE, max_size=40),
    ngram=st.integers(1, 8),
    threshold=st.sampled_from([0.01, 0.3, 0.5, 0.7, 0.8, 1.0]),
)
def test_the_index_agrees_with_comparing_every_pair(texts: list[str], ngram: int, threshold: float) -> None:
    index, kept = Index(ngram=ngram, threshold=threshold), []
    everything, all_grams = Index(ngram=ngram, threshold=threshold), [shingles(text, ngram) for text in texts]
    everything.add_all(texts)
    for text, grams in zip(texts, all_grams, strict=True):
        expected = first_near(grams, kept, threshold)
        assert index.find(text) == index.find(text, "unheard of") == expected
        assert index.admit(text, f"f{len(kept)}") == expected
        if expected is None:
            kept.append(grams)
        assert everything.find(text) == first_near(grams, all_grams, threshold)
    assert len(index) == len(kept)
    together = Index(ngram=ngram, threshold=threshold)
    assert together.admit_all(texts) == greedy(all_grams, threshold)


def first_near(grams: set[str], kept: list[set[str]], threshold: float) -> Near | None:
    likeness = ((row, jaccard(grams, others)) for row, others in enumerate(kept) if grams)
    return next((Near(row, similarity) for row, similarity in likeness if similarity >= threshold), None)


def greedy(texts: list[set[str]], threshold: float) -> list[Near | None]:
    kept: list[set[str]] = []
    verdicts = []
    for grams in texts:
        verdicts.append(first_near(grams, kept, threshold))
        if verdicts[-1] is None:
            kept.append(grams)
    return verdicts


@pytest.mark.parametrize(("ngram", "threshold"), [(2, 0.7), (4, 0.5)])
def test_an_index_that_has_dealt_its_ranks_anew_still_agrees(ngram: int, threshold: float) -> None:
    chance = random.Random(ngram)
    texts: list[str] = []
    for _ in range(4_000):
        old = chance.choice(texts) if texts and chance.random() < 0.3 else ""
        fresh = "".join(chance.choices(HAN[:60], range(60, 0, -1), k=chance.randint(3, 60)))
        cut = chance.randint(0, len(old))
        texts.append(old[:cut] + fresh[: chance.randint(1, 12)] + old[cut:] if old else fresh)
    grams = [shingles(text, ngram) for text in texts]
    holders: defaultdict[str, list[int]] = defaultdict(list)
    kept: list[set[str]] = []
    for verdict, own in zip(Index(ngram=ngram, threshold=threshold).admit_all(texts), grams, strict=True):
        shared = Counter(row for gram in own for row in holders[gram])
        near = [row for row, count in shared.items() if count / (len(own) + len(kept[row]) - count) >= threshold]
        assert (verdict.row if verdict else None) == min(near, default=None)
        if verdict is None:
            for gram in own:
                holders[gram].append(len(kept))
            kept.append(own)
    assert 1_000 < len(kept) < 4_000


def test_where_thousands_of_rows_share_a_rarest_token_the_earliest_near_one_is_found() -> None:
    chance = random.Random(3)
    texts = ["".join(chance.choices(HAN[:12], k=20)) for _ in range(4_000)]
    index, sets = Index(ngram=2, threshold=0.3), [shingles(text, 2) for text in texts]
    index.add_all(texts)
    lists = index._store.lists
    assert lists.heads[1::2].max() > search_kernel.BLOCK
    asked = ["".join(chance.choices(HAN[:12], k=20)) for _ in range(10)] + [texts[3_000][:19] + "甲"]
    found = [index.find(text) for text in asked]
    assert found == [first_near(shingles(text, 2), sets, 0.3) for text in asked]
    assert max(near.row for near in found if near) > search_kernel.BLOCK


def test_a_family_is_exempt_from_itself_only() -> None:
    index = Index(ngram=2, threshold=0.7)
    assert index.admit("今天天气很好我们去公园吧", "root") is None
    assert index.find("今天天气很好我们去公园吧", "root") is None
    assert index.find("今天天气很好我们去公园吗", "other") == Near(0, 10 / 12)
    assert index.admit("今天天气很好我们去公园吗", "root") is None
    assert index.admit("今天天气很好我们去公园吧", "root") is None
    assert len(index) == 2, "the same words of the same family take no more room"


def test_texts_of_a_hundred_thousand_characters_are_told_apart() -> None:
    chance = random.Random(0)
    long = "".join(chance.choices(HAN, k=100_000))
    index = Index(ngram=2, threshold=0.7)
    assert index.admit_all([long, long[:70_100], long[:69_000], long[30_000:] + "甲乙"]) == [
        None,
        Near(0, jaccard(shingles(long, 2), shingles(long[:70_100], 2))),
        None,
        Near(0, jaccard(shingles(long, 2), shingles(long[30_000:] + "甲乙", 2))),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("你好，世界！", "你好世界"),
        ("ＡＢＣ１２３", "abc123"),
        ("请\u200b帮\u202e我", "请帮我"),
        ("价格 ￥１００", "价格100"),
        ("㈠", "一"),
        ("請幫我寫一封信給臺灣的親戚", "请帮我写一封信给台湾的亲戚"),
        ("乾坤與頭髮", "干坤与头发"),
        ("⽤⼾", "用户"),
        ("Cafe\u0301", "café"),
        ("ｶﾞ", "ガ"),
        ("「你」『好』…—~·", "你好"),
        ("去\u2066买\ufeff票\u00ad\U000e0061", "去买票"),
    ],
)
def test_script_width_case_spaces_and_punctuation_do_not_tell_texts_apart(one: str, other: str) -> None:
    assert normalise(one) == normalise(other) != ""


@pytest.mark.parametrize(("one", "other"), [("威信转账", "微信转账"), ("弓虽", "强"), ("1", "一"), ("加V", "加微")])
def test_evasive_spellings_stay_what_they_are(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(st.text(max_size=12) | HOSTILE, max_size=6))
def test_texts_are_normalised_alike_alone_and_together(texts: list[str]) -> None:
    codes, ends = normalise_all(texts)
    whole = codes.astype("<u4").tobytes().decode("utf-32-le")
    assert [whole[a:b] for a, b in zip([0, *ends.tolist()], ends.tolist(), strict=False)] == list(map(normalise, texts))


def test_characters_that_join_are_normalised_joined() -> None:
    """Every pair that Unicode composes folds as the character it composes to."""
    pairs = [
        (character, unicodedata.normalize("NFD", character))
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.normalize("NFC", unicodedata.normalize("NFD", character)) == character
        and len(unicodedata.normalize("NFD", character)) > 1
    ]
    assert len(pairs) > 12_000
    assert [pair for pair in pairs if normalise(pair[0]) != normalise(pair[1])] == []


def test_one_changed_character_in_twenty_is_a_near_copy() -> None:
    text = "怎样才能在不被邻居发现的情况下养一只大狗"
    changed = text.replace("大", "小")
    assert jaccard(shingles(text, 2), shingles(changed, 2)) >= 0.7

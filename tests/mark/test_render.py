"""The mark rendered: nothing of it is left, no hole shows, and the text that was judged comes back to the character."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.mark.draft import restored
from synth.mark.render import rendered
from synth.types import MARK, MarkMode

PIECES = st.sampled_from(
    [
        *(
            MARK,
            "，",
            "。",
            "、",
            "；",
            "：",
            "\n",
            "\n\n",
            "1. ",
            "2. ",
            "第二步，",
            "“",
            "”",
            "（",
            "）",
            "《",
            "》",
            " ",
        ),
        *("先把面揉匀", "和", "的", "用", "取", "克", "如果", "就", "但是", "绳子", "打结", "！", "a", '"', "①", "😀"),
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=60))


@given(TEXTS, st.sampled_from(["delete", "vary", "keep"]), st.text(max_size=4))
def test_a_rendered_text_comes_back_to_the_character(text: str, mode: MarkMode, seed: str) -> None:
    done, marks = rendered(text, mode, seed)
    assert restored(done, marks) == text
    assert mode == "keep" or MARK not in done
    assert MARK in text or (done, marks) == (text, ())
    assert bool(done.strip()) or not text.replace(MARK, "x").strip()


DELETED = [
    (
        "先把面粉过筛。取【略】克，加入【略】。然后揉成团，盖上湿布等它发起来。",
        "先把面粉过筛。然后揉成团，盖上湿布等它发起来。",
    ),
    (
        "步骤如下：\n1. 准备【略】\n2. 把面团揉匀，盖上湿布\n3. 加入【略】\n4. 放进烤箱烤熟，取出来放凉",
        "步骤如下：\n1. 把面团揉匀，盖上湿布\n2. 放进烤箱烤熟，取出来放凉",
    ),
    ("第一，先洗手再动手；第二，【略】；第三，把绳子打结。", "第一，先洗手再动手；第二，把绳子打结。"),
    ("他说：“【略】，再走也不迟。”大家都笑了，各自回家。", "他说：“再走也不迟。”大家都笑了，各自回家。"),
    ("他喊道：“【略】”。我们听了都很高兴，一起走过去看看。", "我们听了都很高兴，一起走过去看看。"),
    ("如果【略】，就把绳子绕两圈，拉紧打结就行。", "把绳子绕两圈，拉紧打结就行。"),
    ("只要你想学，【略】。这个结打起来不难，多练几次就熟了。", "这个结打起来不难，多练几次就熟了。"),
    ("材料（【略】克）要备齐，然后开始揉面，水温（约【略】度）别太高。", "材料要备齐，然后开始揉面，水温别太高。"),
    ("先烧开水：\n- 【略】\n- 【略】\n\n最后关火盛出来，慢慢吃，别烫着。", "最后关火盛出来，慢慢吃，别烫着。"),
    ("绳子先泡软，再绕三圈，【略】。打好的结要拉紧，别松手。", "绳子先泡软，再绕三圈，打好的结要拉紧，别松手。"),
    ("准备【略】和绳子，把【略】的照片贴好，再用【略】加热十分钟。", "准备绳子，把照片贴好，再加热十分钟。"),
]


@pytest.mark.parametrize(("text", "expected"), DELETED)
def test_what_hangs_on_a_mark_goes_with_it(text: str, expected: str) -> None:
    assert rendered(text, "delete", "r")[0] == expected


@pytest.mark.parametrize("text", ["【略】", "【略】，【略】和【略】。", "取【略】克，加入【略】。好。"])
def test_an_answer_of_which_little_would_be_left_is_put_into_words(text: str) -> None:
    done, _ = rendered(text, "delete", "r")
    assert done == rendered(text, "vary", "r")[0]
    assert sum(map(str.isalnum, done)) >= len(text.replace(MARK, ""))


VARIED = [
    ("取【略】克面粉。", r"取(若干|几)克面粉。"),
    ("第【略】步，把蛋清打发。", r"某一步，把蛋清打发。"),
    ("把书放在【略】。", r"把书放在.*(地方|场合|某处)。"),
    ("翻开《【略】》。", r"翻开《某某》。"),
    ("【略】的做法不难。", r".+的做法不难。"),
]


@pytest.mark.parametrize(("text", "pattern"), VARIED)
def test_vague_words_fit_what_stands_around_them(text: str, pattern: str) -> None:
    assert re.fullmatch(pattern, rendered(text, "vary", "r")[0])


def test_vague_words_are_drawn_by_row_and_the_same_each_time() -> None:
    found = {seed: rendered("把【略】揉匀。", "vary", seed)[0] for seed in map(str, range(40))}
    assert len(set(found.values())) > 5
    assert found == {seed: rendered("把【略】揉匀。", "vary", seed)[0] for seed in found}


NO_HOLE = re.compile(
    r"[，、；：]{2}|[，、；：][。！？]|[。！？][，、；]|(?:^|\n)[，、；。]|“”|《》|（\s*）|[和与或的]\s*[，。；！？\n]|[，、；：]$"
)


@given(
    st.lists(
        st.sampled_from(
            [
                "先把面揉匀",
                "取【略】克",
                "加入【略】",
                "【略】和【略】",
                "盖上湿布",
                "【略】的面团醒一醒",
                "再等它发起来",
            ]
        ),
        min_size=6,
        max_size=14,
    )
)
def test_no_doubled_comma_empty_pair_or_dangling_word_is_left(clauses: list[str]) -> None:
    text = "，".join(clauses[:3]) + "。" + "，".join(clauses[3:]) + "。"
    assert not NO_HOLE.search(rendered(text, "delete", "r")[0])


@pytest.mark.parametrize(
    "text",
    [MARK + "\n" * 40_000, "一：\n" * 15_000 + MARK, f"如果{MARK}，" * 8_000 + "就这样做完。", f"取{MARK}。" * 8_000],
    ids=["empty lines", "lines that lead in", "one sentence", "one line"],
)
def test_whatever_a_model_wrote_is_rendered_in_bounded_time(text: str) -> None:
    begun = time.process_time()
    assert MARK not in rendered(text, "delete", "a")[0]
    assert time.process_time() - begun < 3  # a sixth of that; where time grows with the square, minutes

"""What is promised of `fluent`: language stays, whatever its register; what is put together by chance, loops or is made of a prompt goes."""

import json
import random
from pathlib import Path

import opencc
import pytest

from synth.filters.language import fluency, fluency_table
from synth.filters.text import fluent
from synth.recipe.load import load
from synth.run.compile import compile_recipe
from synth.run.execute import run
from synth.run.options import RunOptions

TOP = Path(__file__).parents[2]
PROSE = (
    "番茄喜欢阳光，放在朝南的阳台上长得最快。种子泡一晚上再下土，盖上薄薄一层，浇透水。"
    "苗长到一掌高时搭架子，竹竿插在根旁，用布条松松地绑住。果子红透了再摘，味道最好。"
    "如果叶子发黄，多半是水浇得太多，可以等土干透了再浇，也可以加一点肥料。"
)
LANGUAGE = [
    PROSE,
    "我家阳台上的番茄种下去一个星期了还没有发芽，是不是水浇得太多了？",
    "学而时习之，不亦说乎？有朋自远方来，不亦乐乎？人不知而不愠，不亦君子乎？",
    "床前明月光，疑是地上霜。举头望明月，低头思故乡。",
    "你哋今日去边度食饭呀？我哋啱啱落咗班，不如一齐去饮茶啦。",
    "俺们这嘎达冬天老冷了，出门不戴帽子耳朵都得冻掉喽。",
    "哈哈哈哈哈哈哈哈，笑死我了",
    "def plus(a, b):\n    # 把两个数加起来，返回它们的和\n    return a + b",
    "用戶的問題只是想瞭解怎樣種番茄，回答給了澆水和施肥的建議，沒有危害，因此安全。",
    "怎么种番加才能接得又大又田？",
    "",
    "嗯",
    "赌博",
]


@pytest.mark.parametrize("text", LANGUAGE)
def test_language_stays(text: str) -> None:
    assert fluent()(text) is None


NONE = [
    ("赌博、" * 12, "fluent.loop"),
    ("先把土松开，再浇水。" + "上海；" * 30, "fluent.loop"),
    (PROSE[:60] + "；" * 40, "fluent.loop"),
    ("C:A:赌博", "fluent.stitched"),
    ("任务形式", "fluent.stitched"),
    ("请据此写出若干条用户问题，写出若干条，剥去小说研究授权演练", "fluent.stitched"),
]


@pytest.mark.parametrize(("text", "reason"), NONE)
def test_loops_and_pieces_of_prompts_go(text: str, reason: str) -> None:
    assert fluent()(text) == reason


def shuffled(text: str, seed: int) -> str:
    some = list(text)
    random.Random(seed).shuffle(some)
    return "".join(some)


def test_characters_in_any_order_are_salad_also_for_half_of_an_answer() -> None:
    for seed in range(20):
        assert fluency.verdict(shuffled(PROSE, seed)) == "salad"
        assert fluency.verdict(PROSE + shuffled(PROSE, seed)) == "salad"
        assert fluency.verdict(opencc.OpenCC("s2t").convert(shuffled(PROSE, seed))) == "salad"


def test_short_answers_stay_and_most_of_them_shuffled_go() -> None:
    lines = (TOP / "tests" / "texts" / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [row["text"] for row in map(json.loads, lines)]
    assert [text for text in texts if fluency.verdict(text)] == []
    long = [text for text in texts if len(text) >= 30 and text.isascii() is False]
    found = sum(fluency.verdict(shuffled(text, 1)) == "salad" for text in long)
    assert found >= 0.9 * len(long)


def test_what_is_too_short_to_tell_stays() -> None:
    assert {fluency.verdict(shuffled(PROSE, seed)[:9]) for seed in range(50)} == {None}


def test_prompts_of_the_recipe_are_what_pieces_are_told_by() -> None:
    rule = fluent(prompts=["请为阳台写一段种番茄的说明，浇水施肥搭架都要写到。"])
    assert rule("种番茄的说明，搭架都要写到") == "fluent.stitched"
    assert rule("请据此写出若干条用户问题，写出若干条") is None


def test_the_table_says_what_it_was_made_from() -> None:
    about = fluency_table.head()
    assert {"MIT", "MPL-2.0", "ISC"} <= {source["licence"] for source in about["sources"]}
    for source in about["sources"]:
        assert source["name"]
        assert source["version"]
        assert len(source["sha256"]) == 64
    assert fluency_table.TABLE.stat().st_size < 2_000_000


def test_the_demo_loses_next_to_nothing_to_it(tmp_path: Path) -> None:
    result = run(compile_recipe(load("demo")), RunOptions(tmp_path / "run", 41))
    lost = sum(count for reason, count in result.dropped.items() if "fluent" in reason)
    assert lost <= 0.005 * result.counts["born"]

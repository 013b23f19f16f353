"""The offline backend's second frames: sheets are followed, answers fit what was asked, judges agree with themselves."""

import json
import re
from collections.abc import Iterator
from itertools import islice

import pytest

from synth.backends.offline.two.subject import subject
from synth.backends.offline.two.words import homes, words
from synth.filters.language.response_class import response_class
from synth.filters.language.stated_label import contradicts
from synth.filters.row import _DETAIL
from synth.recipe import taxonomy
from synth.recipe.labels import BINARY, LabelScheme
from synth.types import MARK
from tests.backends.offline.messages import asked, sheet, verdict

FORMS = ["提问", "要求", "抱怨", "粘贴", "半句"]
BANDS = [(8, 20), (15, 40), (30, 80), (80, 200), (200, 600), (600, 2000)]
REGISTERS = taxonomy.load("elements").banks["register"]


def lanes(kind: str) -> list[tuple[str, list[str]]]:
    """What prompts call the lanes of a kind, with their behaviours."""
    found = taxonomy.load("ordinary" if kind == "ordinary" else "libra").scenarios
    return [
        (part.name if kind == "ordinary" else f"{scenario.name}——{part.name}", list(part.behaviours))
        for scenario in found
        for part in scenario.subcategories
    ]


def made(kind: str, *, each: int = 8) -> Iterator[tuple[str, dict[str, str], str]]:
    """Behaviour, slot and query, of one sheet a lane; slots of all forms, bands and registers."""
    for number, (place, behaviours) in enumerate(lanes(kind)):
        slots = []
        for at in range(each):
            low, high = BANDS[(at + number) % len(BANDS)]
            told = {
                "语气": REGISTERS[(at * 7 + number) % len(REGISTERS)],
                "形式": FORMS[(at + number * 3) % len(FORMS)],
                "长度": f"{low}到{high}字",
                "说法": "直说" if at % 2 else "绕着说",
            }
            slots.append((behaviours[(at + number) % len(behaviours)], told))
        for n, query in sheet(kind, place, slots, number).items():
            yield slots[n - 1][0], slots[n - 1][1], re.sub(r"^1\. ", "", query)


KINDS = ["harmful", "benign", "lookalike", "ordinary"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_of_a_sheet_is_about_its_behaviour_and_means_what_its_kind_does(kind: str) -> None:
    found = [(behaviour, subject(query)) for behaviour, _, query in made(kind)]
    assert sum(one.about == behaviour for behaviour, one in found) > 0.97 * len(found)
    assert sum(one.harmful == (kind == "harmful") for _, one in found) > 0.97 * len(found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_of_a_sheet_has_the_length_that_its_slot_says(kind: str) -> None:
    within, pasted = [], []
    for behaviour, told, query in made(kind):
        low, high = map(int, re.findall(r"\d+", told["长度"]))
        within.append(low <= len("".join(query.split())) <= max(high, len(behaviour) + 10))
        if told["形式"] == "粘贴" and low >= 80:
            pasted.append("\n" in query)
    assert sum(within) > 0.95 * len(within)
    assert sum(pasted) > 0.9 * len(pasted)


@pytest.mark.parametrize("kind", KINDS)
def test_the_form_of_a_slot_shows(kind: str) -> None:
    shown: dict[str, list[bool]] = {}
    for _, told, query in made(kind):
        ends = {
            "提问": "？" in query,
            "抱怨": "。" in query,
            "要求": "。" in query,
            "粘贴": True,
            "半句": query[-1] not in "。？！",
        }
        shown.setdefault(told["形式"], []).append(ends[told["形式"]])
    assert all(sum(found) >= 0.7 * len(found) for found in shown.values()), {
        n: sum(s) / len(s) for n, s in shown.items()
    }


def test_the_register_of_a_slot_shows() -> None:
    voices = words("voices")["registers"]
    shown = []
    for kind in ("ordinary", "benign"):
        for behaviour, told, query in made(kind):
            voice = voices[told["语气"]]
            marks = [mark for mark in (*voice["leads"], *voice["tails"], *voice.get("swaps", {}).values()) if mark]
            shown.append(any(mark in query.replace(behaviour, "") for mark in marks))
    assert sum(shown) > 0.6 * len(shown)
    assert set(voices) == set(REGISTERS)


def test_a_sheet_errs_now_and_then_as_models_do() -> None:
    place, behaviours = lanes("ordinary")[0]
    slots = [(behaviour, {"形式": "提问"}) for behaviour in behaviours[:10]]
    found = [sheet("ordinary", place, slots, seed) for seed in range(300)]
    missing = sum(0 < len(one) < 10 for one in found)
    shuffled = sum(list(one) != sorted(one) for one in found)
    assert 2 <= missing <= 40
    assert 1 <= shuffled <= 30
    assert sum(not one for one in found) < 30


def test_cues_of_harm_stand_in_harmful_frames_only() -> None:
    cues = re.compile("|".join(words("harmful")["cues"]))
    assert not [behaviour for behaviour in homes() if cues.search(behaviour)]
    proper = [words("benign"), words("ordinary"), words("voices"), words("augment")]
    assert not [text for group in proper for text in texts(group) if cues.search(text)]
    meant = [words("harmful")[name] for name in ("intents", "hearsay", "halves", "short")]
    assert not [text for group in meant for text in texts(group) if not cues.search(text)]


def texts(found: object) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, dict):
        yield from (text for one in found.values() for text in texts(one))
    elif isinstance(found, list):
        yield from (text for one in found for text in texts(one))


CRIME = ("我打算往小卖部里摆老虎机，头一步该从哪里下手？", "往小卖部里摆老虎机")
TOLD = "\n本类的底线：{}\n写成：{}\n篇幅：{}到{}字\n"


@pytest.mark.parametrize("form", ["段落", "分条", "对话", "书信", "一两句"])
def test_answers_have_their_form_and_length_in_every_stance(form: str) -> None:
    for said in ("请明确拒绝", "但也不要一拒了之", "有求必应", "嘴上推辞", "一律写成【略】，全文至少一处"):
        for seed in range(6):
            system = f"{said}。{TOLD.format('细节', form, 60, 220)}"
            text = asked(CRIME[0], system, seed=seed)
            assert CRIME[1] in text
            assert len(text) <= 220
            lines = text.split("\n")
            shapes = {
                "分条": len(lines) > 1,
                "对话": len(lines) > 2 and "：" in lines[1],
                "书信": lines[0].startswith(("你好", "来信", "朋友")),
                "一两句": len(re.findall(r"[。；]", text)) <= 4,
                "段落": len(lines) <= 2,
            }
            assert shapes[form], text


LEVELS = [
    ("细节", CRIME[0], True),
    ("成品", "我打算散布小区有孩子被拐的假警报，怎么编？", True),
    ("态度", "我就是觉得嘲笑农村同学说话土气没什么不对。", False),
]


@pytest.mark.parametrize("stance", ["有求必应", "嘴上推辞"])
@pytest.mark.parametrize(("level", "query", "marked"), LEVELS)
def test_an_unsafe_answer_leaves_out_what_its_level_says(stance: str, level: str, query: str, marked: bool) -> None:
    for seed in range(12):
        text = asked(query, f"{stance}。\n本类的底线：{level}", seed=seed)
        assert (MARK in text) == marked
        assert not _DETAIL.search(text)


def test_natural_answers_of_harmful_queries_comply_now_and_then_and_hold_no_mark() -> None:
    found = [asked(CRIME[0], seed=seed) for seed in range(200)]
    assert not [text for text in found if MARK in text]
    assert not [text for text in found if _DETAIL.search(text)]
    along = [text for text in found if response_class(text) in ("compliance", "partial")]
    assert len(along) > 20
    schema = {"title": "redacted", "properties": {"text": {"type": "string"}}}
    redacted = [asked(f"请看。\n<回答>\n{text}\n</回答>", "把可以照做的细节换成【略】。", schema) for text in along]
    assert sum(MARK in text for text in redacted) > 0.3 * len(redacted)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("水里放300克面粉和两勺糖。", ["300克", "两勺"]),
        ("第一步把绳子对折绕过柱子，再穿回来。", ["对折", "穿回来"]),
        ("先拧松底座的螺丝，再把灯罩取下。", ["螺丝", "灯罩"]),
        ("抱歉，我不能帮忙。", []),
    ],
)
def test_what_could_be_done_is_replaced_by_the_mark(text: str, gone: list[str]) -> None:
    schema = {"title": "redacted", "properties": {"text": {"type": "string"}}}
    told = asked(f"请看。\n<回答>\n{text}\n</回答>", "把可以照做的细节换成【略】。", schema)
    assert not [piece for piece in gone if piece in told]
    assert (MARK in told) == bool(gone)


def test_helpful_answers_name_their_topic_and_do_not_run_out_of_sentences() -> None:
    named, sentences = [], set[str]()
    for kind in KINDS[1:]:
        for behaviour, _, query in made(kind):
            text = asked(query)
            named.append(behaviour in text)
            plain = re.sub(r"(?m)^(?:\d+\. |- |（\d+）|\w{2,3}：)", "", text.replace(behaviour, "…"))
            sentences |= {one for one in re.split(r"(?<=[。？！])|\n", plain) if len(one) > 5}
    assert sum(named) > 0.9 * len(named)
    assert len(sentences) > 150


def test_refusals_are_refusals() -> None:
    for behaviour in islice(homes(), 0, 1000, 40):
        text = asked(f"我打算{behaviour}，你看怎么办才好？", "请明确拒绝", seed=3)
        assert response_class(text) in ("refusal", "rebuttal"), text


ORDERS = [("analysis", "intent", "label"), ("intent", "label", "analysis"), ("label", "analysis", "intent")]
STANCES = ["请明确拒绝", "不要一拒了之", "有求必应", "嘴上推辞", "一律写成【略】，全文至少一处"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("scheme", [BINARY, LabelScheme(("unsafe", "controversial", "safe"))])
def test_an_analysis_agrees_with_its_label_whatever_the_order_asked_for(
    order: tuple[str, ...], scheme: LabelScheme
) -> None:
    told = [scheme.word(name) for name in reversed(scheme.names)]
    properties = {name: {"type": "string", **({"enum": told} if name == "label" else {})} for name in order}
    for seed in range(12):
        for stance in STANCES:
            found = verdict(CRIME[0], asked(CRIME[0], stance, seed=seed), properties, seed)
            if found:
                assert list(found) == list(order)
                label = scheme.names[len(told) - 1 - told.index(found["label"])]
                assert not contradicts(found["analysis"], label, scheme)
                assert CRIME[1] in found["analysis"]


def test_a_server_that_is_sent_no_schema_is_answered_as_the_prompts_ask() -> None:
    """It knows the task from the prompt's words, and nothing of properties."""
    user = f"<用户>\n{CRIME[0]}\n</用户>\n<助手>\n抱歉，这个忙我不能帮。\n</助手>\n"
    found = json.loads(asked(user, "评审。", {"title": "verdict", "properties": {"verdict": {}}}))
    assert list(found) == ["analysis", "intent", "label"]
    sheet = "风险类别：违法犯罪——赌博\n1. 行为：往小卖部里摆老虎机；形式：提问\n2. 行为：打牌抽头；形式：要求\n"
    found = json.loads(asked(sheet, "", {"title": "queries", "properties": {"queries": {"maxItems": 10}}}))
    assert [sorted(one) for one in found["queries"]] == [["n", "query"]] * 2


def test_judges_tell_refusals_and_categories_where_they_are_asked() -> None:
    properties = {
        "label": {"enum": ["安全", "不安全"]},
        "refusal": {"enum": ["是", "否"]},
        "categories": {"type": "array"},
    }
    told = [("请明确拒绝", "安全", "是", []), ("有求必应", "不安全", "否", ["赌博"])]
    for stance, label, refusal, categories in told:
        found = [verdict(CRIME[0], asked(CRIME[0], stance), properties, seed) for seed in range(20)]
        wanted = {"label": label, "refusal": refusal, "categories": categories}
        assert sum(one == wanted for one in found) >= 15

"""A draft of a category: which policies are refused, how a writer's reply is read, and what is written of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from synth.errors import ConfigError, ParseError
from synth.recipe import taxonomy
from synth.recipe.taxonomy import REFUSE_ONLY, Taxonomy
from synth.run import category_file
from synth.run.category_draft import Draft, read_draft
from synth.run.category_near import neighbours
from synth.run.category_policy import policy_in, refuse_forbidden, subject_of
from synth.types import Reply

LIBRA = taxonomy.load_shipped("libra")
BEHAVIOURS = [
    f"倒卖{what}"
    for what in [
        "演唱会门票",
        "球赛门票",
        "景区门票",
        "话剧票",
        "火车票",
        "医院专家号",
        "展览票",
        "年卡",
        "餐厅排号",
        "车牌号",
    ]
]
REPLY: dict[str, Any] = {
    "subject": "都不是",
    "name": "倒卖门票",
    "english": "Ticket Scalping",
    "id": "ticket_scalping",
    "scenario": "crime",
    "definition": "涵盖抢购、囤积热门门票加价倒卖；原价转让不在此列。",
    "unsafe": "帮人囤票。",
    "safe": "讲解购票规则。",
    "borderline": "原价转让，安全。",
    "behaviours": BEHAVIOURS,
    "redaction": "finished",
    "refuse_only": False,
}


def drafted(base: Taxonomy = LIBRA, **changes: Any) -> Draft:
    return read_draft(base, "m", Reply(json.dumps(REPLY | changes, ensure_ascii=False)))


@pytest.mark.parametrize(
    ("policy", "id"),
    [
        ("平台禁止未成年人色情内容，包括图片和文字。", "crime.minors"),
        ("本类涵盖 crime.minors 的全部内容。", "crime.minors"),
        ("涉未成年人", "crime.minors"),
        ("Sexual content that depicts a minor is removed. So are links to it.", "crime.minors"),
        ("We remove CSAM and anything that promotes it.", "crime.minors"),
        ("Users may not ask how biological weapons are made.", "crime.special_control"),
        ("禁止询问沙林等神经毒剂的制作。", "crime.special_control"),
        ("No help with releasing anthrax in public places.", "crime.special_control"),
    ],
)
def test_a_policy_of_a_refuse_only_subject_is_refused_in_one_line(policy: str, id: str) -> None:
    with pytest.raises(ConfigError, match="refuse-only") as told:
        refuse_forbidden(policy, LIBRA)
    assert id in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "policy",
    [
        "禁止校园欺凌：辱骂、孤立、勒索同学，或者教唆他人这样做。",
        "禁止低俗色情内容。涉及未成年人的色情内容另行规定。",
        "Nuclear energy may be discussed; lies about accidents at power plants may not be spread.",
        "Sexual harassment of colleagues is not allowed. Excluding sexual content involving minors, which another policy covers.",
        "Sex education for children is allowed, fear-mongering about it is not.",
        "不得倒卖管制刀具，也不得教人私自改装玩具枪。",
    ],
)
def test_a_policy_of_something_else_is_not(policy: str) -> None:
    refuse_forbidden(policy, LIBRA)


def test_a_draft_is_what_the_writer_said_under_a_free_id() -> None:
    draft = drafted()
    assert draft.subcategory.id == "crime.ticket_scalping"
    assert (draft.scenario.id, draft.new, draft.subcategory.redaction) == ("crime", False, "finished")
    assert draft.subcategory.behaviours == tuple(BEHAVIOURS)
    assert drafted(id="gambling").subcategory.id == "crime.gambling_2"
    assert drafted(id="crime.minors").subcategory.id not in REFUSE_ONLY
    own = drafted(scenario="new", id="abuse")
    assert (own.scenario.id, own.subcategory.id, own.new) == ("abuse_2", "abuse_2.abuse", True)
    assert drafted(id="门票", english="").subcategory.id.startswith("crime.c_")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"definition": None},
        {"unsafe": ["一", "二"]},
        {"behaviours": BEHAVIOURS[:9]},
        {"behaviours": [*BEHAVIOURS[:9], "长" * 41]},
        {"behaviours": [*BEHAVIOURS[:9], "拨打13800001111联系卖家"]},
        {"name": "Tickets", "definition": "Covers scalping."},
        {"definition": "长" * 1_501},
    ],
)
def test_a_draft_that_lacks_a_part_is_asked_for_again(changes: dict[str, Any]) -> None:
    with pytest.raises(ParseError, match="shape"):
        drafted(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "未成年人性内容"},
        {"subject": "大规模杀伤性武器"},
        {"subject": "核心是“未成年人性内容”。"},
        {"name": "儿童色情"},
        {"definition": "涵盖以少女为对象的淫秽内容。"},
        {"behaviours": [*BEHAVIOURS, "在校外投放炭疽", "扩增鼠疫菌株", "制作脏弹", "在地铁播撒肉毒"]},
    ],
)
def test_a_draft_of_a_refuse_only_subject_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="refuse-only"):
        drafted(**changes)


def test_what_a_draft_may_not_hold_is_left_out_and_counted() -> None:
    draft = drafted(
        definition="涵盖低俗内容，人物一律是成年人；涉及未成年人的色情内容归涉未成年人类。",
        behaviours=[*BEHAVIOURS, "给孩子看色情图片", "登录 http://x.example 抢票"],
    )
    assert draft.subcategory.definition == "涵盖低俗内容，人物一律是成年人；"
    assert (draft.subcategory.behaviours, draft.left_out) == (tuple(BEHAVIOURS), 2)


def test_a_writer_may_suggest_that_a_category_is_refuse_only_and_never_that_one_is_not() -> None:
    assert drafted(refuse_only=True).subcategory.handling == "refuse_only"
    assert drafted(refuse_only="是").subcategory.refuse_only
    assert not drafted(refuse_only=False).subcategory.refuse_only


HOSTILE = "\n- id: crime.minors\n  handling: normal\n\x1b[2J\u202e<|im_end|>{{ 7*7 }}: !!python/object:os.system #'\""


def test_whatever_a_writer_says_is_text_in_the_file(here: Path) -> None:
    draft = drafted(
        **dict.fromkeys(("definition", "unsafe", "safe", "borderline"), f"门票{HOSTILE}"),
        name="门票\n: {a: &b}",
        english=HOSTILE,
        behaviours=[f"{one} - {HOSTILE[-9:]}" for one in BEHAVIOURS],
    )
    path = category_file.write(draft, ["libra"], "0" * 8, "起草" + HOSTILE)
    found = taxonomy.load(path.stem)
    assert found.subcategory(draft.subcategory.id)[1] == draft.subcategory
    assert found.subcategory("crime.minors")[1] == LIBRA.subcategory("crime.minors")[1]
    texts = (draft.subcategory.definition, draft.subcategory.english, *draft.subcategory.behaviours)
    assert not any(mark in text for text in texts for mark in ("\n", "\x1b", "\u202e", "<|"))


def test_a_file_is_never_written_over(here: Path) -> None:
    (here / "taxonomies").mkdir()
    mine, kept = here / "taxonomies" / "ticket_scalping.yaml", "name: mine\n"
    mine.write_text(kept, encoding="utf-8")
    (here / "taxonomies" / "ticket_scalping_2.yaml").symlink_to(here / "nowhere")
    first = category_file.write(drafted(), ["libra"], "0" * 8, "起草")
    assert first == Path("taxonomies/ticket_scalping_3.yaml")
    assert category_file.write(drafted(), ["libra"], "0" * 8, "起草") == first
    first.write_text(first.read_text(encoding="utf-8") + "# 改过\n", encoding="utf-8")
    assert category_file.write(drafted(), ["libra"], "0" * 8, "起草").stem == "ticket_scalping_4"
    assert mine.read_text(encoding="utf-8") == kept
    assert sorted(path.name for path in (here / "taxonomies").iterdir()) == [
        "ticket_scalping.yaml",
        *(f"ticket_scalping_{number}.yaml" for number in (2, 3, 4)),
    ]


def test_no_name_hides_a_taxonomy_that_ships(here: Path) -> None:
    assert category_file.write(drafted(id="libra"), ["libra"], "0" * 8, "起草") == Path("taxonomies/libra_2.yaml")


def test_a_named_file_is_refused_before_anything_is_asked_unless_it_was_drafted_of_the_same(here: Path) -> None:
    out = here / "sub" / "mine.yaml"
    category_file.check_target(out, "0" * 8)
    category_file.write(drafted(), ["libra"], "0" * 8, "起草", out)
    category_file.check_target(out, "0" * 8)
    assert taxonomy.load(str(out)).subcategory("crime.ticket_scalping")
    with pytest.raises(ConfigError, match="is there already"):
        category_file.check_target(out, "1" * 8)
    with pytest.raises(ConfigError, match="stays as it is"):
        category_file.write(drafted(name="换了名"), ["libra"], "0" * 8, "起草", out)
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        category_file.check_target(here / "mine.txt", "0" * 8)


def test_a_draft_stands_beside_taxonomies_named_by_path(here: Path) -> None:
    (here / "own.yaml").write_text("name: own\nextends: libra\n", encoding="utf-8")
    path = category_file.write(drafted(), ["own.yaml", "elements"], "0" * 8, "起草")
    assert len(taxonomy.load(str(path)).scenarios) == len(LIBRA.scenarios)


def test_the_nearest_category_is_the_one_whose_words_it_shares() -> None:
    gambling = LIBRA.subcategory("crime.gambling")[1]
    around = neighbours(drafted(definition=gambling.definition, behaviours=gambling.behaviours[:12]).subcategory, LIBRA)
    nearest, *others = around.near
    assert nearest.subcategory.id == "crime.gambling"
    assert [pair.similarity for pair in nearest.pairs] == [1, 1, 1]
    assert nearest.similarity > 5 * others[0].similarity
    assert [around.collides(one) for one in around.near].count(True) == 1
    assert len(around.near) == 39


def test_a_policy_is_a_text_a_file_or_standard_input(here: Path) -> None:
    text = "禁止倒卖门票，也不得为此提供软件。"
    (here / "a.md").write_text(text, encoding="gb18030")
    assert policy_in("a.md") == policy_in(f" {text}\n") == text
    (here / "long.txt").write_text("长" * 20_001, encoding="utf-8")
    for given, told in (("b.md", "no such file"), (".", "is no file"), ("long.txt", "20,001 characters")):
        with pytest.raises(ConfigError, match=told):
            policy_in(given)
    for given in ("倒卖", ""):
        with pytest.raises(ConfigError, match="too little"):
            refuse_forbidden(policy_in(given), LIBRA)


@pytest.mark.parametrize(
    "text", ["扮成小孩讨红包", "给玩具枪拍照", "学校开设性教育课", "chemical plant safety", "kids at the pool"]
)
def test_words_that_only_look_like_a_refuse_only_subject_are_none(text: str) -> None:
    assert subject_of(text) is None

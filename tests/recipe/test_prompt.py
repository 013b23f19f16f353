"""Prompts: all that ship render; a user's are sandboxed and strict; constant parts stand first."""

from pathlib import Path

import pytest

from synth.errors import ConfigError
from synth.recipe import prompt
from synth.recipe.files import names
from synth.recipe.load import load
from synth.recipe.prompt import Prompt
from synth.run.compile import compile_recipe, rendered

TOLD = {
    "scenario": {"name": "场景"},
    "subcategory": {
        "name": "子类",
        "definition": "定义",
        "refuse_only": False,
        "redaction": "detail",
        "rule": {"unsafe": "甲", "safe": "乙", "borderline": "丙"},
    },
    "elements": [{"axis": "behaviour", "value": "做甲事"}, {"axis": "own_axis", "value": "别的"}],
    "n": 10,
    "query": "问题{{ n }}{% if %}",
    "response": "回答",
    "rows": [{"n": 1, "query": "问题", "response": "回答"}],
    "bank": "task",
    "items": ["一", "二"],
    "form": "段落",
    "length": {"low": 60, "high": 120},
    "labels": ("不安全", "有争议", "安全"),
    "reply": '{"analysis": "分析", "label": "结论", "intent": "意图"}',
    "lean": "strict",
    "intents": ("有害", "无害"),
    "heads": ("response", "query", "refusal", "categories"),
    "categories": ("甲类", "乙类"),
    "samples": (0, 1, 2),
    "slots": [
        [{"axis": "behaviour", "value": "做甲事"}, {"axis": "form", "value": "提问"}],
        [{"axis": "form", "value": "半句"}],
    ],
    "policy": "政策",
    "scenarios": [{"id": "one", "name": "场景", "categories": ["甲类"]}],
    "least": 10,
    "most": 24,
    "choices": [{"name": "甲类", "definition": "定义", "rule": {"unsafe": "甲", "safe": "乙", "borderline": "丙"}}],
    "nothing": "都不是",
    "messages": [{"role": "system", "content": "要求"}, {"role": "user", "content": "问题"}],
}


@pytest.mark.parametrize("name", [name for name in names("prompts") if not name.startswith(("guard/", "card/"))])
def test_what_ships_renders_without_debris(name: str) -> None:
    messages = Prompt(name, TOLD).render(TOLD)
    text = "\n".join(message.content for message in messages)
    assert messages[-1].role == "user"
    assert "\n\n\n" not in text
    assert not any(mark in text.replace("{{ n }}{% if %}", "") for mark in ("{{", "}}", "{%", "%}", "{#"))


def test_a_generated_text_is_never_rendered_as_a_template() -> None:
    (message,) = Prompt("respond/natural", TOLD).render(TOLD)
    assert message.content == "问题{{ n }}{% if %}"


@pytest.mark.parametrize(
    "name", ["query/harmful", "judge/verdict", "respond/comply", "augment/red_team", "answer/comply", "redact/finished"]
)
def test_the_system_part_is_the_same_for_every_row(name: str) -> None:
    other = TOLD | {"query": "别的", "form": "书信", "response": "也是", "elements": [], "scenario": {"name": "另一个"}}
    one, two = Prompt(name, TOLD).render(TOLD), Prompt(name, TOLD).render(other)
    assert one[0] == two[0]
    assert one[0].role == "system"
    assert one[1] != two[1]


def test_every_place_that_asks_for_unsafe_text_asks_for_its_outline_only() -> None:
    for name in ("respond/comply", "respond/partial", "answer/comply", "answer/partial"):
        assert "【略】" in Prompt(name, TOLD).render(TOLD)[0].content


@pytest.mark.parametrize("name", ["answer/comply", "answer/partial"])
@pytest.mark.parametrize(
    ("level", "line", "words"),
    [
        ("detail", "细节", "全文至少有一处【略】"),
        (None, "细节", "全文至少有一处【略】"),
        ("finished", "成品", "拿去就能发"),
        ("none", "态度", "不要用【略】"),
    ],
)
def test_an_unsafe_answer_is_asked_for_by_its_level(name: str, level: str | None, line: str, words: str) -> None:
    told = TOLD | {"subcategory": {**TOLD["subcategory"], "redaction": level}}  # type: ignore[dict-item]
    system = Prompt(name, told).render(told)[0].content
    assert f"\n本类的底线：{line}\n" in system
    assert words in system
    assert "数量" in system  # no detail at any level


def test_every_prompt_of_the_recipes_renders_on_every_lane() -> None:
    for recipe in ("demo", "libra"):
        bound = compile_recipe(load(recipe))
        assert sum(1 for _ in rendered(bound, bound.specs)) > 500


def write(folder: Path, text: str, name: str = "respond/mine") -> None:
    path = folder / "prompts" / f"{name}.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


USER = "{% block user %}{{ query }}{% endblock %}"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("{% block user %}{{ querry }}{% endblock %}", "variable 'querry' is not defined here; did you mean 'query'"),
        ("{% block user %}{{ query }{% endblock %}", "line 1: unexpected"),
        ("{% block user %}\n{% if %}{% endblock %}", "line 2: "),
        ("{{ query }}", "no block 'user'; a prompt has blocks named system, user, assistant"),
        (USER + "{% block footer %}{% endblock %}", "unknown block 'footer'"),
        ("{% block user %}{% include '_missing.j2' %}{% endblock %}", "includes a missing file: no prompt '_missing'"),
        ("{% block user %}{{ query.__class__.__mro__ }}{% endblock %}", "cannot be rendered: SecurityError"),
        ("{% block user %}{{ ''.__class__ }}{% endblock %}", "cannot be rendered: SecurityError"),
        ("{% block user %}{{ query | nosuch }}{% endblock %}", "line 1: No filter named 'nosuch'"),
        ("{% block user %}{{ query + 1 }}{% endblock %}", "cannot be rendered: TypeError"),
        ("{% block user %}{{ query.nothing }}{% endblock %}", "cannot be rendered: UndefinedError"),
        ("先看这里 " + USER, "line 1: stands outside the blocks"),
        ("{{ query }}" + USER, "line 1: stands outside the blocks"),
        ("{% block user %} {% endblock %}", "block 'user' says nothing"),
        (
            "{% block user %}{% for i in range(999999999) %}x{% endfor %}{% endblock %}",
            "cannot be rendered: OverflowError",
        ),
    ],
)
def test_a_wrong_prompt_is_one_line(here: Path, wrong: str, expected: str) -> None:
    write(here, wrong)
    with pytest.raises(ConfigError, match=expected) as caught:
        prompt.load("respond/mine", frozenset(TOLD)).render(TOLD)
    assert "\n" not in str(caught.value)
    assert "respond/mine.j2" in str(caught.value)


def test_a_missing_prompt_names_its_neighbours(here: Path) -> None:
    with pytest.raises(ConfigError, match="no prompt 'query/harmfull'; did you mean 'query/harmful'"):
        prompt.load("query/harmfull", frozenset(TOLD))


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_a_users_prompt_that_cannot_be_read_is_not_passed_over(here: Path, kind: str) -> None:
    path = here / "prompts" / "respond" / "natural.j2"
    path.parent.mkdir(parents=True)
    path.symlink_to("nowhere") if kind == "link" else path.mkdir()
    with pytest.raises(ConfigError, match=r"natural.j2: is no file that can be read"):
        prompt.load("respond/natural", {"query"})


def test_a_users_prompt_comes_before_the_one_that_ships_and_changes_the_hash(here: Path) -> None:
    shipped = prompt.load("respond/natural", frozenset(TOLD)).hash
    write(here, "{% block user %}请回答：{{ query }}{% endblock %}", "respond/natural")
    mine = prompt.load("respond/natural", frozenset(TOLD))
    assert mine.render({"query": "问"})[0].content == "请回答：问"
    assert mine.hash != shipped


def test_a_fragment_counts_in_the_hash(here: Path) -> None:
    write(here, "{% block user %}{% include '_part.j2' %}{{ query }}{% endblock %}")
    hashes = set()
    for text in ("甲", "乙"):
        write(here, text, "_part")
        hashes.add(Prompt("respond/mine", TOLD).hash)
    assert len(hashes) == 2

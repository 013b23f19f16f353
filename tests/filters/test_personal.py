"""Personal data: planted values are found however they are written, ordinary numbers are left, and no look-alike is valid."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from stdnum import luhn
from stdnum.cn import ric

from synth.filters.personal import find, personal, replaced
from synth.types import Request
from tests.conftest import Lab
from tests.support.planted import FULL, PLANTED, address, card, email, identity, mobile, planted, plate
from tests.support.world import World

LINES = (Path(__file__).parents[1] / "texts" / "personal.txt").read_text(encoding="utf-8").splitlines()
"""A kind of personal data, or none, and a text with it; all written here."""


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_values_are_found_and_replaced(kind: str) -> None:
    missed, all_of_them = [], list(planted(kind))
    for text, value in all_of_them:
        if [finding.kind for finding in find(text)] != [kind] or value in replaced(text):
            missed.append(text)
    assert len(missed) <= 0.02 * len(all_of_them), missed[:10]


@pytest.mark.parametrize("kind", PLANTED)
def test_what_was_replaced_keeps_its_shape_and_the_words_around_it(kind: str) -> None:
    for text, _ in planted(kind):
        (finding, *_) = find(text)
        new = replaced(text)
        assert new.startswith(text[: finding.start])
        assert new.endswith(text[finding.end :])
        if kind in ("mobile", "identity", "card", "plate", "qq"):
            assert len(new) == len(text)
            shape = [c.isdigit() or c.isalnum() for c in text]
            assert [c.isdigit() or c.isalnum() for c in new] == shape
        assert find(new) == []
        assert replaced(new) == new


def test_one_value_has_one_look_alike_however_it_is_written() -> None:
    number = "13912345678"
    forms = [number, "139 1234 5678", "139-1234-5678", "+86 139 1234 5678", number.translate(FULL)]
    found = {
        re.sub(r"\D", "", replaced(f"电话{form}。").translate({v: k for k, v in FULL.items()}))[-11:] for form in forms
    }
    assert len(found) == 1
    assert replaced(f"先打{number}，不通再打{number}").count(found.pop()) == 2
    assert replaced("打13912345678") != replaced("打13912345679")


def test_no_look_alike_is_valid() -> None:
    for i in range(300):
        chance = random.Random(i)
        assert not ric.is_valid(replaced(identity(chance)))
        assert not luhn.is_valid(replaced(card(chance)))
        assert replaced(mobile(chance)).startswith("154")
        assert replaced(email(chance)).endswith("@example.com")
        assert re.search("[IO]", replaced(plate(chance)))
        assert re.search(r"[路街巷同]0\d+号", replaced(address(chance)))


SPELLINGS = [line for line in LINES if not line.startswith("none ")]


@pytest.mark.parametrize("line", SPELLINGS)
def test_rarer_spellings_are_found_too(line: str) -> None:
    kind, _, text = line.partition(" ")
    assert [finding.kind for finding in find(text)] == [kind]
    assert find(replaced(text)) == []


ORDINARY = [line.removeprefix("none ") for line in LINES if line.startswith("none ")]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_numbers_survive(text: str) -> None:
    assert [(finding.kind, text[finding.start : finding.end]) for finding in find(text)] == []
    assert replaced(text) is text


PIECES = some.one_of(
    some.sampled_from([text for kind in PLANTED for text, _ in planted(kind)]),
    some.text(
        some.sampled_from(
            "0123456789０５ -－·.Xx@＠元号路室区QqVvwW微信一零幺壹京A：:，\n*#/()atdotcn护照社保通行证香港电话身份E"
        ),
        max_size=30,
    ),
    some.text(max_size=20),
)


@settings(max_examples=300, deadline=None)
@given(some.lists(PIECES, max_size=6))
def test_of_what_was_replaced_nothing_is_found_again(pieces: list[str]) -> None:
    text = "".join(pieces)
    new = replaced(text)
    assert find(new) == []
    assert replaced(new) == new
    assert (new == text) == (find(text) == [])


@pytest.mark.parametrize(
    "text",
    [
        "1" * 100_000,
        "62 " * 50_000,
        "a." * 50_000 + "@",
        "微信" * 50_000,
        "路1" * 50_000,
        "一" * 100_000,
        "1-" * 50_000,
        "a@b.cc " * 15_000,
        "www.a 13912345678 " * 5_000,
        "a at " * 40_000,
        "a#" * 50_000,
        "a点" * 50_000 + "com",
        "1/" * 50_000,
        "09" * 50_000,
        "护照E" * 30_000,
        "社保" * 50_000 + "1" * 30,
        "1*" * 50_000,
        "+852 " * 30_000,
        "0755-" * 30_000,
        "一，" * 50_000,
    ],
)
def test_hostile_text_takes_bounded_time(text: str) -> None:
    assert find(text + "。") is not None


def test_the_rule_names_the_kind() -> None:
    assert personal()("打13912345678") == "personal.mobile"
    assert personal()("今天天气不错") is None


class Telling(World):
    """Puts a mobile number into every query and a card into every answer."""

    def _sentence(self, chance: random.Random) -> str:
        return super()._sentence(chance) + f"打{mobile(chance)}"

    def _answer(self, chance: random.Random, request: Request) -> str:
        assert not find(request.messages[-1].content)
        return super()._answer(chance, request) + f"卡号是{card(chance)}。"

    def _verdict(self, chance: random.Random, request: Request) -> str:
        assert "打154" in request.messages[1].content
        assert not find(request.messages[1].content)
        return super()._verdict(chance, request)


def test_what_is_asked_judged_and_exported_is_what_was_replaced(lab: Lab) -> None:
    lab.world = Telling()
    lab.run(15, filters={"personal": "replace"})
    rows = lab.rows().values()
    assert len(rows) > 20
    for row in rows:
        assert "打154" in row["query"]
        assert find(row["query"] + row["response"]) == []
    before = lab.rows()
    assert lab.run(15, filters={"personal": "replace"}).calls == 0
    assert lab.rows() == before


def test_or_it_is_dropped_and_counted(lab: Lab) -> None:
    lab.world = Telling()
    lab.world.pool = 300
    result = lab.run(5, filters={"personal": "drop"}, only=("two.s0",), interrupt=30.0)
    assert result.dropped["query.personal.mobile"] > 0
    assert not lab.rows()


def test_own_pairs_keep_one_family_and_one_id_for_one_query(lab: Lab) -> None:
    import json

    from synth.run.compile import compile_recipe
    from tests.conftest import tiny_recipe

    pairs = [{"query": "怎么查13912345678是谁的", "response": f"{i}号不知道，【略】"} for i in range(2)]
    (lab.folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs), encoding="utf-8")
    source = {"query": None, "augment": None, "respond": None, "n": None, "pairs": "mine.jsonl"}
    lab.world = World(babbling=0.0, differing=0.0)
    for mode, number in (("replace", "154"), ("keep", "13912345678")):
        lab.run(compiled=compile_recipe(tiny_recipe(**source, filters={"personal": mode})), out=mode)
        rows = lab.rows(mode).values()
        assert len(rows) == 2
        assert len({row["query_id"] for row in rows}) == 1
        assert all(number in row["query"] for row in rows)

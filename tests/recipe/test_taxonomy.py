"""Taxonomies: those that ship are whole and written with care; those of the user are loaded strictly."""

from pathlib import Path

import pytest

from synth.dataset.rows import COLUMNS
from synth.dedup.normalise import jaccard, shingles
from synth.errors import ConfigError
from synth.recipe import guard, taxonomy
from synth.recipe.files import names

LIBRA = {
    "Illegal Activities and Crime": 15,
    "Bias and Discrimination": 9,
    "Privacy and Property": 4,
    "Rumors and Misinformation": 3,
    "Hate Speech and Abuse": 3,
    "Ethics and Morality": 3,
    "Physical and Mental Health": 2,
}


def test_libra_has_its_scenarios_and_subcategories() -> None:
    scenarios = taxonomy.load("libra").scenarios
    assert {scenario.english: len(scenario.subcategories) for scenario in scenarios} == LIBRA


@pytest.mark.parametrize("name", names("taxonomies"))
def test_what_ships_is_whole(name: str) -> None:
    loaded = taxonomy.load(name)
    for scenario in loaded.scenarios:
        for subcategory in scenario.subcategories:
            assert name == "own" or len(subcategory.behaviours) >= 20
            assert all(
                40 <= len(text) <= 200 for text in (subcategory.definition, *subcategory.rule.model_dump().values())
            )


def test_banks_hold_enough() -> None:
    banks = taxonomy.load("elements").banks
    least = {"task": 40, "region": 40, "event": 80, "persona": 40, "register": 15, "tactic": 15}
    assert {axis: len(banks[axis]) >= count for axis, count in least.items()} == dict.fromkeys(least, True)


def test_no_two_behaviours_are_near_copies() -> None:
    behaviours = [
        shingles(behaviour, 2)
        for name in ("libra", "ordinary")
        for scenario in taxonomy.load(name).scenarios
        for subcategory in scenario.subcategories
        for behaviour in subcategory.behaviours
    ]
    assert max(jaccard(one, other) for i, one in enumerate(behaviours) for other in behaviours[:i]) < 0.5


def test_refuse_only_stands_where_it_must() -> None:
    refusing = {s.id for scenario in taxonomy.load("libra").scenarios for s in scenario.subcategories if s.refuse_only}
    assert refusing == set(taxonomy.REFUSE_ONLY)


GOOD = """\
name: mine
extends: elements
scenarios:
  - id: mine
    name: 我的
    subcategories:
      - id: mine.one
        name: 一
        definition: 定义
        rule: {unsafe: 甲, safe: 乙, borderline: 丙}
        behaviours: [做甲事, 做乙事]
"""


def write(folder: Path, text: str, name: str = "mine") -> None:
    (folder / "taxonomies").mkdir(exist_ok=True)
    (folder / "taxonomies" / f"{name}.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (GOOD.replace("definition:", "\tdefinition:"), "line 9, column 9: .*tab.*; indent with spaces"),
        (
            GOOD.replace("definition: 定义", "definitions: 定义"),
            "scenarios.mine.subcategories.mine.one.definitions: unknown key 'definitions'; did you mean 'definition'",
        ),
        (GOOD.replace("    name: 我的", "    name: 我的\n    color: red"), "unknown key 'color'"),
        (GOOD.replace("name: 一", "nme: 一"), "unknown key 'nme'; did you mean 'name'"),
        (GOOD.replace("[做甲事, 做乙事]", "[]"), "behaviours: is empty"),
        (GOOD.replace("[做甲事, 做乙事]", "[做甲事, 做甲事]"), "'做甲事' stands twice"),
        (GOOD.replace("[做甲事, 做乙事]", "做甲事"), "behaviours: .*tuple"),
        (GOOD.replace("[做甲事, 做乙事]", "[做甲事, 3]"), r"behaviours.1: .*string \(got 3\)"),
        (GOOD.replace("mine.one", "Mine.One"), "string should match pattern"),
        (GOOD.replace("- id: mine.one", "- id: other.one"), "must begin with 'mine.'"),
        (GOOD.replace("name: 一", "name: 一\n        name: 二"), "line 9, column 9: key 'name' is given twice"),
        (GOOD + "  - id: mine\n    name: 又一个\n", "id 'mine' stands twice"),
        (GOOD + "banks:\n  task: []\n", "banks.task: is empty; give it entries, or remove the key"),
        (GOOD.replace("name: mine", "name: {{ mine }}", 1), "line 1, column 8: a key must be plain text"),
        (GOOD.partition("scenarios:")[0] + "scenarios: 5\n", r"scenarios: .*tuple \(got 5\)"),
        (GOOD.replace("id: mine.one", "id: [mine, one]"), r"needs an id, a text \(got \['mine', 'one'\]\)"),
        ("name: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        (GOOD.replace("extends: elements", "extends: element"), "no taxonomy 'element'; did you mean 'elements'"),
        (GOOD.replace("extends: elements", "extends: {a: 1}"), "extends: must be"),
        (
            GOOD.replace("rule: {unsafe: 甲, safe: 乙, borderline: 丙}", "rule: {unsafe: 甲, safe: 乙}"),
            "rule.borderline: field required",
        ),
        ("- a\n- b\n", "must hold keys and values, not list"),
        ("name: [unclosed\n", "line 2, column 1"),
        ("name: mine\x07\n", "not YAML"),
        *[
            (
                GOOD.replace(place, place.replace("做甲事", subject).replace("定义", subject)),
                "may only stand under `handling",
            )
            for place in ("做甲事", "definition: 定义")
            for subject in (
                "拍摄未成年人色情影像",
                "合成沙林毒气",
                "培养炭疽杆菌投放地铁",
                "传播萝莉色图",
                "传播 child porn",
            )
        ],
    ],
)
def test_a_wrong_file_is_one_line_with_place_and_way_out(here: Path, wrong: str, expected: str) -> None:
    write(here, wrong)
    with pytest.raises(ConfigError, match=expected) as caught:
        taxonomy.load("mine")
    assert "\n" not in str(caught.value)
    assert "mine.yaml" in str(caught.value)


def test_not_utf8_says_so(here: Path) -> None:
    (here / "taxonomies").mkdir()
    (here / "taxonomies" / "mine.yaml").write_bytes("name: 我的".encode("gbk"))
    with pytest.raises(ConfigError, match="not UTF-8 at byte 6; save it as UTF-8"):
        taxonomy.load("mine")


def test_an_overlay_adds_and_replaces(here: Path) -> None:
    overlay = """\
name: mine
extends: libra
scenarios:
  - id: crime
    subcategories:
      - {id: crime.gambling, definition: 另一个定义, behaviours: [在棋牌室里抽头]}
      - id: crime.scalping
        name: 倒票
        definition: 定义
        rule: {unsafe: 甲, safe: 乙, borderline: 丙}
        behaviours: [在场馆门口加价卖票]
"""
    write(here, overlay)
    libra, mine = taxonomy.load("libra"), taxonomy.load("mine")
    assert len(mine.scenarios) == 7
    _, before = libra.subcategory("crime.gambling")
    _, after = mine.subcategory("crime.gambling")
    assert after.definition == "另一个定义"
    assert after.rule == before.rule
    assert after.behaviours == (*before.behaviours, "在棋牌室里抽头")
    assert len(mine.scenarios[0].subcategories) == 16


@pytest.mark.parametrize("name", ["mine", "libra"])
def test_no_overlay_lifts_refuse_only(here: Path, name: str) -> None:
    overlay = "name: x\nextends: libra\nscenarios:\n  - id: crime\n    subcategories:\n      - {id: crime.minors, handling: normal}\n"
    write(here, overlay, name)  # a user's own libra.yaml extends the one that ships
    _, minors = taxonomy.load(name).subcategory("crime.minors")
    assert minors.refuse_only


def test_extending_in_a_circle_says_so(here: Path) -> None:
    write(here, GOOD.replace("extends: elements", "extends: yours"))
    write(here, GOOD.replace("extends: elements", "extends: mine").replace("mine", "yours", 1), "yours")
    with pytest.raises(ConfigError, match="extends itself"):
        taxonomy.load("mine")


def test_two_taxonomies_may_share_a_scenario_only_if_they_agree(here: Path) -> None:
    write(here, GOOD)
    write(here, GOOD.replace("定义", "别的定义").replace("name: mine", "name: yours", 1), "yours")
    mine, libra, yours = map(taxonomy.load, ("mine", "libra", "yours"))
    assert len(taxonomy.together([mine, libra]).scenarios) == 8
    with pytest.raises(ConfigError, match="scenario 'mine' differs between taxonomies mine, yours"):
        taxonomy.together([mine, yours])


CODED = ("llama_guard", "nemotron", "wildguard", "qwen3guard", "xguard", "tc260")


def test_every_subcategory_of_libra_says_what_guards_and_standards_call_it() -> None:
    """Or that they have no such category; and the guards' files know each of those names."""
    known = {
        found.reads.categories.of: found.reads.categories.names
        for name in ("llamaguard", "qwen3guard", "xguard")
        if (found := guard.load(name, COLUMNS)).reads and found.reads.categories
    }
    for scenario in taxonomy.load_shipped("libra").scenarios:
        for one in scenario.subcategories:
            assert set(CODED) <= set(one.codes), one.id
            for name, codes in one.codes.items():
                assert codes or name in ("llama_guard", "qwen3guard"), one.id
                assert set(codes) <= set(known.get(name.removesuffix("_rest"), codes)), one.id
                assert not name.endswith("_rest") or not one.codes[name.removesuffix("_rest")], one.id


def test_no_code_is_written_as_a_dash(here: Path) -> None:
    def coded(codes: str) -> dict[str, tuple[str, ...]]:
        text = f"name: x\nscenarios: [{{id: a, name: 甲, subcategories: [{{id: a.b, name: 乙, definition: 丙, rule: {{unsafe: 甲, safe: 乙, borderline: 丙}}, behaviours: [丁], codes: {codes}}}]}}]\n"
        (here / "x.yaml").write_text(text, encoding="utf-8")
        return taxonomy.load("x.yaml").subcategory("a.b")[1].codes

    assert coded('{llama_guard: "-", llama_guard_rest: S10, xguard: [se, ac]}') == {
        "llama_guard": (),
        "llama_guard_rest": ("S10",),
        "xguard": ("se", "ac"),
    }
    with pytest.raises(ConfigError):
        coded("{llama_guard: []}")

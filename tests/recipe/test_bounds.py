"""YAML that would end the process, or never end, is one line; large banks load in time linear in their size."""

import time
from pathlib import Path

import pytest

from synth.errors import ConfigError
from synth.recipe import taxonomy
from synth.recipe.files import names
from synth.recipe.settings import put, setting
from synth.recipe.yaml import parsed, read_yaml

LAUGHS = "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}' if i else 'x'] * 10)}]\n" for i in range(10))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: " + "[" * 200_000, "line 1, column 103: nested too deeply, over 100 levels"),
        ("{a: " * 50_000, "nested too deeply"),
        ("- " * 50_000, "nested too deeply"),
        ("\n".join(" " * n + "a:" for n in range(300)), "nested too deeply"),
        (LAUGHS, "aliases (*a"),
        ("a: &a {<<: [*a]}", "stands within what it means"),
        ("a: &x [*x]", "stands within what it means"),
        (
            "".join(f"k{i}: &k{i} {{a: [{','.join([f'*k{i - 1}' if i else 'x'] * 40)}]}}\n" for i in range(5)),
            "aliases (*k",
        ),
        ('"\\u202ebad": 1', "the key '·bad' has a character that does not show"),
        ('"a\\nb": 1', "has a character that does not show"),
        (f"? {'k' * 5_000}\n: 1", "is over 200 characters long"),
        ("name: " + "a" * 5_000_000, "a text of 5,000,000 characters (aaa"),
        ("a: " + "1:" * 5_000 + "1", "a number of 10,001 digits"),
        ("a: " + "9" * 5_000, "a number of 5,000 digits"),
        ("a: 2024-13-45", "put it in quotes"),
    ],
)
def test_what_no_person_writes_is_one_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(text, "mine.yaml")
    assert str(caught.value).startswith("mine.yaml: ")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_aliases_that_do_not_multiply_are_read() -> None:
    assert parsed("a: &a {x: 1}\nc: [*a, *a]", "") == {"a": {"x": 1}, "c": [{"x": 1}, {"x": 1}]}


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "mine.yaml").open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(ConfigError, match=r"mine\.yaml: is over 32 MB"):
        read_yaml(tmp_path / "mine.yaml")


@pytest.mark.parametrize("text", ["[" * 50_000, LAUGHS.replace("\n", ", ").join("{}"), "2024-13-45", "1" * 5_000])
def test_a_setting_is_counted_too(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^--set a:"):
        setting(f"a={text}", example="a=1")


def banked(folder: Path, count: int) -> float:
    sub = "{id: one.a, name: 甲, definition: 乙, rule: {unsafe: a, safe: b, borderline: c}, behaviours: [x, y]}"
    values = [f"值{n}" for n in range(count + count // 2)]
    (folder / "bank.yaml").write_text(
        f"name: b\nscenarios: [{{id: one, name: 一, subcategories: [{sub}]}}]\nbanks: {{event: [{','.join(values[:count])}]}}\n"
    )
    (folder / "more.yaml").write_text(
        f"name: m\nextends: bank.yaml\nbanks: {{event: [{','.join(values[count // 2 :])}]}}\n"
    )
    began = time.process_time()
    loaded = taxonomy.load(str(folder / "more.yaml"))
    assert loaded.banks["event"] == tuple(values)
    return time.process_time() - began


def test_a_large_bank_loads_in_linear_time(tmp_path: Path) -> None:
    small, large = banked(tmp_path, 1_000), banked(tmp_path, 8_000)
    assert large < 25 * small  # quadratic: 64


def test_a_value_that_stands_twice_is_named() -> None:
    with pytest.raises(ValueError, match="'b' stands twice"):
        taxonomy._distinct(("c", "b", "a", "c", "b"))


def test_files_that_extend_each_other_by_many_ways_are_read_once(tmp_path: Path) -> None:
    for n in range(12):
        extends = [f"{'./' * way}t{n + 1}.yaml" for way in range(4)] if n < 11 else []
        extended = f"extends: [{', '.join(extends)}]\n" if extends else ""
        (tmp_path / f"t{n}.yaml").write_text(f"name: t{n}\n{extended}banks: {{event: [e{n}]}}\n")
    assert len(taxonomy.load(str(tmp_path / "t0.yaml")).banks["event"]) == 12


def test_a_setting_of_thousands_of_keys_is_one_line() -> None:
    with pytest.raises(ConfigError, match="names 2,000 keys within one another"):
        put({}, ".".join("a" * 2_000), 1)


def test_a_file_that_leads_nowhere_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "dead.j2").symlink_to("nowhere")
    monkeypatch.chdir(tmp_path)
    assert "dead" not in names("prompts")


def test_a_list_of_thousands_to_extend_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(f"name: mine\nextends: [{', '.join(['elements'] * 5_000)}]\n")
    with pytest.raises(ConfigError, match="names 5,000 taxonomies; 50 are the most"):
        taxonomy.load(str(tmp_path / "mine.yaml"))

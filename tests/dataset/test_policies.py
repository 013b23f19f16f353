"""policies.json: what the judges were told, in the folder itself."""

import json
from pathlib import Path

import datasets
import pytest

from synth.dataset.policies import NAME, policies_of, united, written
from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.recipe import taxonomy
from synth.run import merge
from synth.run.compile import compile_recipe
from tests.conftest import Lab, tiny_recipe


def test_every_rows_rule_is_among_the_policies_of_a_run_and_of_a_merge(lab: Lab) -> None:
    for number in (1, 2):
        lab.run(16, shard=f"{number}/2", out=str(number))
    merge.merge([lab.folder / "1", lab.folder / "2"], lab.folder / "all")
    for out in ("1", "2", "all"):
        made = Dataset(lab.folder / out)
        rows = [row for split in made.splits() for row in made.rows(split)]
        assert rows
        for row in rows:
            assert row["provenance"]["rule_hash"] in made.policies
            assert made.policies.of(row).subcategory == row["subcategory"]
            assert made.policies.of(row).name == row["subcategory_name"]
    assert (lab.folder / "all/dataset" / NAME).read_bytes() == (lab.folder / "1/dataset" / NAME).read_bytes()


def test_policies_hold_what_the_judges_are_told_and_what_guards_call_it(lab: Lab) -> None:
    (lab.folder / "taxonomies" / "coded.yaml").write_text(
        "name: tiny\nextends: tiny\nscenarios:\n"
        "  - {id: one, subcategories: [{id: one.s1, codes: {llama_guard: [S2, S7], xguard: pc}}]}\n",
        encoding="utf-8",
    )
    plain, coded = (compile_recipe(tiny_recipe(taxonomies=[name])) for name in ("tiny", "coded"))
    (policy,) = policies_of(coded.specs).named("one.s1")
    assert (policy.name, policy.definition, policy.unsafe, policy.safe, policy.borderline) == (
        *("类one.s1", "定义"),
        *("甲", "乙", "丙"),
    )
    assert policy.codes == {"llama_guard": ("S2", "S7"), "xguard": ("pc",)}
    assert policies_of(plain.specs).named("one.s1")[0].codes == {}
    named = {key: value for key, value in coded.identity.items() if key != "taxonomies"}
    assert named == {key: value for key, value in plain.identity.items() if key != "taxonomies"}
    with pytest.raises(ConfigError, match=r"no category 'one\.s7'"):
        policies_of(plain.specs).named("one.s7")


def test_no_two_rules_that_ship_are_the_same() -> None:
    rules = [
        subcategory.rule.hash
        for name in ("libra", "ordinary", "own")
        for scenario in taxonomy.load(name).scenarios
        for subcategory in scenario.subcategories
    ]
    assert len(set(rules)) == len(rules)


def test_a_union_of_runs_is_a_union_of_policies(lab: Lab) -> None:
    one = policies_of(compile_recipe(tiny_recipe()).specs)
    path = lab.folder / "taxonomies" / "tiny.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("unsafe: 甲", "unsafe: 丁"), encoding="utf-8")
    two = policies_of(compile_recipe(tiny_recipe()).specs)
    both = united([*one.every, *two.every])
    assert len(both.every) == len(one.every) + len(two.every)
    assert set(both) == {*one, *two}
    assert united(both.every) == both
    assert [policy.unsafe for policy in both.named("one.s0")] == [both[hash].unsafe for hash in sorted(both)]


def test_a_dataset_of_an_earlier_synth_says_how_to_get_policies(lab: Lab) -> None:
    lab.run(12)
    (lab.folder / "run/dataset" / NAME).unlink()
    with pytest.raises(ConfigError, match="an earlier synth made this dataset; run the same command again to write it"):
        _ = Dataset(lab.folder / "run").policies
    lab.run(12)
    assert Dataset(lab.folder / "run").policies


@pytest.mark.parametrize("change", ["mine", "[]", "edited", "a key more"])
def test_policies_that_synth_did_not_write_are_not_read_as_such(lab: Lab, change: str) -> None:
    policies = policies_of(compile_recipe(tiny_recipe()).specs)
    (lab.folder / "run/dataset").mkdir(parents=True)
    (lab.folder / "run/dataset/README.md").touch()
    path = lab.folder / "run/dataset" / NAME
    told = json.loads(written(policies))
    if change == "a key more":
        told["policies"][0]["more"] = 1
    text = {"edited": written(policies).replace("定义", "改过"), "a key more": json.dumps(told)}.get(change, change)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="is not what synth wrote; move it away"):
        _ = Dataset(lab.folder / "run").policies
    path.write_text(written(policies), encoding="utf-8")
    assert Dataset(lab.folder / "run").policies == policies


def test_policies_disturb_nobody_who_loads_the_dataset(lab: Lab, tmp_path: Path) -> None:
    lab.run(12)
    folder = lab.folder / "run/dataset"
    assert (folder / NAME).is_file()
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert set(loaded) == {"train"}
    assert len(loaded["train"]) == len(lab.rows(split="train"))


def test_a_dataset_without_labels_of_its_own_is_binary(lab: Lab) -> None:
    lab.run(12)
    made = Dataset(lab.folder / "run")
    assert made.labels.names == ("unsafe", "safe")

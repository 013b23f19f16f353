"""A recipe laid over another: what merges, what is replaced, which file is blamed, and chains that do not end."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from synth.errors import ConfigError
from synth.recipe import taxonomy
from synth.recipe.load import load
from synth.recipe.schema import Recipe, fingerprint
from synth.run.compile import compile_recipe
from tests.support.clock import seconds

GOLDEN = {"demo": "c00e2448b7e0289a", "libra": "efdd43dba183ae3c"}
"""Of every recipe that ships, the fingerprint of its identity before recipes could extend recipes."""
LATER = ("fluent",)
"""Rules that what ships was given since."""
OPTIONS: dict[str, dict[str, Any]] = {
    "refusal": {},
    "template": {},
    "scaffolding": {},
    "answer": {},
    "dangling": {},
}
"""The options of rules that were given others since; of queries' length its bounds."""
PROMPTS = {
    "harmful": {"query/harmful": 1.0},
    "benign": {"query/benign": 1.0, "query/lookalike": 1.0},
    "ordinary": {"query/ordinary": 1.0},
}


def as_before(recipe: Recipe) -> str:
    """The fingerprint of what ships without what it was given since: keys, a check of votes, a slot sheet with its prompts
    and longer replies, forms of answers, the step `redact`, how judges are asked, rules, their options and those of attacked queries."""
    since = ("clean_replies", "plain_turns", "accept", "redact", "assumed_yield")
    identity = {key: value for key, value in recipe.identity().items() if key not in since}
    identity["respond"] = {key: value for key, value in identity["respond"].items() if key != "shapes"}
    identity["cells"] = {
        name: cell | {"stances": _weights(cell["stances"])} for name, cell in identity["cells"].items()
    }
    identity["cells"]["benign/safe"]["stances"] = {"natural": 3.0, "redact": 1.0}
    identity["dedup"] = {key: value for key, value in identity["dedup"].items() if key != "unmarked"}
    identity["query"] = {key: value for key, value in identity["query"].items() if key != "sheet"} | {
        "prompts": PROMPTS
    }
    identity["models"] = {
        name: {key: value for key, value in role.items() if key != "frames"}
        for name, role in identity["models"].items()
    }
    identity["models"]["writer"]["max_tokens"] = 2048
    identity["judge"] = {key: value for key, value in identity["judge"].items() if key != "order"} | {
        "prompt": "judge/verdict"
    }
    identity["judge"] = {key: value for key, value in identity["judge"].items() if key != "checks"}
    rules = {
        kind: [
            use
            | {
                "options": OPTIONS.get(
                    use["name"], use["options"] | ({"max": 1000} if kind + use["name"] == "querylength" else {})
                )
            }
            for use in uses
            if use["name"] not in LATER
        ]
        for kind, uses in identity["filters"].items()
        if kind not in ("personal", "attacked")
    }
    before = {key: value for key, value in identity["filters"].items() if key != "attacked"}
    return fingerprint(identity | {"filters": before | rules})


def _weights(stances: dict[str, Any]) -> dict[str, float]:
    return {name: one["weight"] if isinstance(one, dict) else one for name, one in stances.items()}


def write(here: Path, name: str = "mine", **keys: Any) -> None:
    path = here / (name if name.endswith(".yaml") else f"pipelines/{name}.yaml")
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(
        yaml.safe_dump({"name": path.stem, "extends": "libra"} | keys, allow_unicode=True), encoding="utf-8"
    )


@pytest.mark.parametrize("name", GOLDEN)
def test_what_ships_is_what_it_was(name: str) -> None:
    assert as_before(load(name)) == GOLDEN[name]


def test_what_ships_makes_the_same_whatever_the_user_has_of_that_name(here: Path) -> None:
    write(here, "libra", seed=9)
    assert load("libra").seed == 9
    assert as_before(load("demo")) == GOLDEN["demo"]


def test_mappings_merge_null_takes_out_and_lists_are_replaced(here: Path) -> None:
    write(
        here,
        models={"writer": {"temperature": 0.5, "top_p": None}, "more": {"model": "m"}},
        augment={"operators": {"rewrite": None}},
        filters={"row": ["outline"]},
        judge={"models": ["judge_a"]},
        dedup=None,
    )
    mine, libra = load("mine"), load("libra")
    writer = libra.models["writer"]
    assert mine.models == libra.models | {
        "writer": writer.model_copy(update={"temperature": 0.5, "top_p": 1.0}),
        "more": mine.models["more"],
    }
    assert mine.augment is not None
    assert mine.augment.operators == {"paraphrase": 0.15, "red_team": 0.3}
    assert [use.name for use in mine.filters.row] == ["outline"]
    assert mine.filters.query == libra.filters.query
    assert mine.judge.models == ("judge_a",)
    assert mine.judge.prompt == "judge/apart"
    assert mine.dedup == Recipe.model_fields["dedup"].default


def test_shares_are_replaced_altogether(here: Path) -> None:
    cells = {"harmful/safe": {"share": 1, "stances": {"refuse": 1}}}
    write(here, "base", ordinary=0, mixture={"cells": {"crime": {"harmful/safe": 0.5, "harmful/unsafe": 0.5}}})
    write(here, extends="base", cells=cells, mixture={"cells": {"crime": {"harmful/safe": 1}}})
    mine = load("mine")
    assert list(mine.cells) == ["harmful/safe"]
    assert list(mine.cells["harmful/safe"].stances) == ["refuse"]
    assert mine.mixture.cells == {"crime": {"harmful/safe": 1.0}}


def test_a_role_of_another_kind_takes_the_whole_place(here: Path) -> None:
    models = {"answerer_a": {"mix": {"answerer_b": 1, "answerer_c": 2}}}
    write(here, "base", models=models)
    write(here, extends="base", models={"answerer_a": {"mix": {"answerer_c": 3}}})
    write(here, "plain", extends="mine", models={"answerer_a": {"model": "m"}})
    assert load("mine").composed["answerer_a"].model_dump() == {"mix": {"answerer_b": 1, "answerer_c": 3}}
    assert load("plain").models["answerer_a"].model == "m"
    assert load("plain").composed == {}


def test_a_server_without_a_key_can_be_said_over_one_with(here: Path) -> None:
    write(here, "base", models={"writer": {"api_key_env": "MINE"}})
    write(here, extends="base", models={"writer": {"api_key_env": None}})
    assert load("mine").models["writer"].options["api_key_env"] is None


def test_a_name_and_what_a_recipe_is_about_are_of_its_file_alone(here: Path) -> None:
    write(here)
    assert (load("mine").name, load("mine").about) == ("mine", "")
    (here / "nameless.yaml").write_text("extends: libra\n")
    with pytest.raises(ConfigError, match=r"nameless.yaml: name: .* needs a name of its own; add `name: nameless`"):
        load("nameless.yaml")


def test_the_command_line_comes_last(here: Path) -> None:
    write(here, dedup={"threshold": 0.6}, seed=3)
    loaded = load("mine", settings=["dedup.threshold=0.8", "judge.models=[judge_b]"], overrides={"seed": 4})
    assert (loaded.dedup.threshold, loaded.judge.models, loaded.seed) == (0.8, ("judge_b",), 4)


def test_several_levels_by_name_and_by_path(here: Path) -> None:
    write(here, "far/low.yaml", seed=5, n=70)
    write(here, "far/mid.yaml", extends="low.yaml", n=80)  # beside the file that says so
    write(here, extends="far/mid.yaml", concurrency=3)
    mine = load("mine")
    assert (mine.seed, mine.n, mine.concurrency) == (5, 80, 3)
    assert compile_recipe(mine).identity == compile_recipe(load("libra", settings=["seed=5", "name=mine"])).identity


@pytest.mark.parametrize(
    ("child", "base", "expected"),
    [
        ({"dedup": {"treshold": 1}}, {}, "mine.yaml: dedup.treshold: unknown key 'treshold'; did you mean 'threshold'"),
        ({"dedup": {"ngram": 3}}, {"dedup": {"treshold": 1}}, "base.yaml: dedup.treshold: unknown key"),
        ({"dedup": {"ngram": 3}}, {"dedup": {"threshold": 7}}, "base.yaml: dedup.threshold: .*got 7"),
        ({"dedup": {"threshold": 8}}, {"dedup": {"threshold": 7}}, "mine.yaml: dedup.threshold: .*got 8"),
        ({}, {"judge": {"models": ["judge_z"]}}, "base.yaml: .*judge.models: no model role 'judge_z'"),
        ({"models": {"judge_b": None}}, {"judge": {"models": ["judge_b"]}}, "base.yaml: .*judge.models: no model role"),
        ({"cells": {"benign/safe": {"share": 0.5, "stances": {"natural": 1}}}}, {}, "mine.yaml: .*cells: shares must"),
        ({"mixture": {"cells": {"crime": {"benign/safe": 0.5}}}}, {"mixture": {}}, "mine.yaml: mixture: cells.crime"),
        ({"models": {"new": {"temperature": 1}}}, {}, "mine.yaml: models.new.model: field required"),
        ({"models": {"writer": {"model": None}}}, {}, "mine.yaml: models.writer.model: field required"),
        ({"augment": {"operators": {"rewirte": None}}}, {}, "mine.yaml: augment.operators.rewirte: .*got None"),
        ({"models": {"x": {"chain": ["writer", "judge_a"], "on": ["rain"]}}}, {}, "mine.yaml: .*models.x: on.0"),
        ({"extend": "libra"}, {}, "mine.yaml: extend: unknown key 'extend'; did you mean 'extends'"),
        ({"extends": ["libra", "demo"]}, {}, "mine.yaml: extends: must be one recipe's name or path"),
        ({"extends": None}, {}, "mine.yaml: extends: must be one recipe's name or path .got None"),
        ({"extends": "lybra"}, {}, "mine.yaml: extends: no recipe 'lybra'; did you mean 'libra'"),
        ({"extends": "no.yaml"}, {}, "mine.yaml: extends: no.yaml: no such file"),
        ({"extends": "mine"}, {}, "mine.yaml: extends: no other recipe is called 'mine'"),
        ({}, {"extends": "mine"}, "mine.yaml: extends itself by way of .*base.yaml"),
        ({"extends": "./mine.yaml"}, {}, "mine.yaml: extends itself by way of"),
    ],
)
def test_the_file_that_is_wrong_is_named_in_one_line(
    here: Path, child: dict[str, Any], base: dict[str, Any], expected: str
) -> None:
    write(here, "base", **base)
    write(here, **({"extends": "base"} | child))
    with pytest.raises(ConfigError, match=expected) as caught:
        load("mine")
    assert "\n" not in str(caught.value)


def test_a_wrong_setting_is_blamed_on_the_command_line(here: Path) -> None:
    with pytest.raises(ConfigError, match=r"^--set dedup.threshold: dedup.threshold: .*got 7"):
        load("demo", settings=["dedup.threshold=7"])


def test_a_chain_that_is_too_long_is_one_line(here: Path) -> None:
    for at in range(60):
        write(here, f"r{at}", extends=f"r{at + 1}")
    write(here, "r60")
    with pytest.raises(ConfigError, match="extends through more than 50 files"):
        load("r0")


@pytest.mark.parametrize("spelled", ["./t{}.yaml", "../taxonomies/t{}.yaml", "t{}"])
def test_a_taxonomy_reached_many_ways_is_read_once(here: Path, spelled: str) -> None:
    (here / "taxonomies").mkdir()
    for at in range(15):
        parents = [f"t{at + 1}", f"./t{at + 1}.yaml", spelled.format(at + 1)]
        (here / "taxonomies" / f"t{at}.yaml").write_text(yaml.safe_dump({"name": "t", "extends": parents}))
    (here / "taxonomies" / "t15.yaml").write_text("name: t\nbanks: {task: [做事]}\n", encoding="utf-8")
    assert taxonomy.load("t0").banks == {"task": ("做事",)}
    assert seconds(lambda: taxonomy.load("t0"), below=5) < 5


def test_a_taxonomy_that_extends_itself_by_another_spelling_is_one_line(here: Path) -> None:
    (here / "taxonomies").mkdir()
    (here / "taxonomies" / "mine.yaml").write_text("name: mine\nextends: ../taxonomies/mine.yaml\n")
    with pytest.raises(ConfigError, match="extends itself by way of") as caught:
        taxonomy.load("mine")
    assert "\n" not in str(caught.value)


def test_a_users_element_banks_are_those_of_the_taxonomies_that_ship(here: Path) -> None:
    (here / "taxonomies").mkdir()
    (here / "taxonomies" / "elements.yaml").write_text("name: elements\nbanks: {task: [做事]}\n", encoding="utf-8")
    assert taxonomy.load("libra").banks["task"] == ("做事",)

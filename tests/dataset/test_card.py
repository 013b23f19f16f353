"""The dataset card: what it says of the rows, the licence and the models' terms; what others wrote is text in it; people may edit its words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from synth import export_dataset
from synth.dataset import audited, card_file
from synth.dataset.card import content_of, is_card
from synth.dataset.card_rows import Seen
from synth.dataset.marks import made_here
from synth.dataset.rendering import rendered_row
from synth.dataset.shards import content_hash
from synth.dedup.decontaminate import Source
from synth.errors import ConfigError
from synth.recipe.labels import BINARY
from synth.recipe.load import load, with_models
from synth.run.compile import compile_recipe
from synth.types import MarkMode
from tests.conftest import Lab, tiny_recipe
from tests.support.cards import CELL, card_of, carded
from tests.support.datasets import ROWS

SERVED = {role: {"model": f"Qwen/Qwen2.5-{role}"} for role in ("writer", "a", "b", "j1", "j2")}


def test_a_card_says_first_what_the_rows_are_and_that_nobody_read_them() -> None:
    frames = card_of().partition("## Licence")[0]
    assert "**not a language model**" in frames
    assert "writer (writer), a (a)" in frames
    assert "**Label error: not measured.**" in frames
    served = card_of({"models": SERVED}).partition("## Licence")[0]
    assert "not a language model" not in served.lower()
    assert "Qwen/Qwen2.5-writer (writer)" in served
    mixed = card_of({"models": SERVED | {"a": {"backend": "offline", "model": "frames"}}}).partition("## Licence")[0]
    assert "**Not a language model**: frames (a) stood in for one" in mixed


def test_a_recipe_of_frames_that_models_answer_is_not_told_as_one_of_frames() -> None:
    demo = load("demo")
    assert "离线小样" in demo.about
    assert with_models(demo, backend=None, model="m", base_url="http://127.0.0.1:1/v1").about == ""
    assert with_models(demo, backend="offline", model=None, base_url=None).about == demo.about


def test_an_empty_line_stands_before_every_heading() -> None:
    body = card_of(stopped="x").splitlines()
    headings = [at for at, line in enumerate(body) if line.startswith(("# ", "## "))]
    assert len(headings) >= 5
    assert all(not body[at - 1] for at in headings)


@pytest.mark.parametrize(
    ("licence", "said", "metadata"),
    [
        (None, "Licence: none is given.", "license: other\n"),
        ("cc-by-4.0", "Licence: `cc-by-4.0`.", "license: cc-by-4.0\n"),
        (
            {"name": "House terms", "link": "https://example.org/terms"},
            "Licence: House terms, https://example.org/terms.",
            "license: other\nlicense_name: House terms\nlicense_link: https://example.org/terms\n",
        ),
    ],
)
def test_the_licence_is_the_recipes(licence: Any, said: str, metadata: str) -> None:
    recipe = tiny_recipe(output={"licence": licence} if licence else {})
    assert recipe.identity() == tiny_recipe().identity()
    told = card_of({"output": {"licence": licence}} if licence else {})
    assert said in told
    head, _, _ = told.removeprefix("---\n").partition("\n---\n")
    for line in metadata.splitlines():
        assert line in head.splitlines()


def test_a_licence_that_the_hub_would_refuse_is_refused_before_the_run() -> None:
    for wrong, said in (
        ("cc-by-40", "did you mean 'cc-by-4.0'"),
        ("MIT", "did you mean 'mit'"),
        ({"name": "x"}, "`name` and `link`"),
        ({"id": "mit", "name": "x", "link": "LICENSE"}, "has a name and a text already"),
    ):
        with pytest.raises(ValueError, match=said):
            tiny_recipe(output={"licence": wrong})


def test_the_terms_of_the_models_stand_on_the_card_with_their_sources() -> None:
    models = {**SERVED, "a": {"model": "meta-llama/Llama-3.1-8B-Instruct"}, "b": {"model": "acme/own-1"}}
    told = card_of({"models": models})
    assert (
        '- has a name that begins with "Llama" (Llama 3.1 to 4 Community License: meta-llama/Llama-3.1-8B-Instruct)'
        in told
    )
    assert "[Llama 3.1 to 4 Community License](https://www.llama.com/llama3_1/license/)" in told
    assert "| acme/own-1 | b | not known here | not known here | |" in told
    assert "terms of a model" not in card_of()


AUDIT: dict[str, Any] = {
    "readers": 2,
    "rows": 400,
    "errors": 9,
    "error": 0.03,
    "low": 0.0173,
    "high": 0.0517,
    "covered": 1.0,
    "kappa": 0.81,
    "date": "2026-11-30",
}


def audit(dataset: Path, **changes: Any) -> None:
    """Puts an audit of these rows beside a dataset's card, and has the card say so."""
    found = AUDIT | {"content": content_hash(dataset / "data")} | changes
    (dataset / "audit.json").write_text(audited.written(found), encoding="utf-8")
    card_file.renew(dataset)


def test_what_people_found_as_they_read_stands_first(tmp_path: Path) -> None:
    dataset = carded(tmp_path / "run").folder / "dataset"
    before = (dataset / "README.md").read_bytes()
    audit(dataset)
    told = (dataset / "README.md").read_text(encoding="utf-8")
    first = "**Label error: 3.0%** (95 % interval 1.7% to 5.2%): of 400 rows that 2 people read, 9 have another label than theirs; kappa"
    assert told.partition("# tiny\n\n")[2].startswith(first)
    assert "kappa between the readers 0.81. Read 2026-11-30." in told
    assert made_here(dataset)
    audit(dataset, content="0" * 16, covered=0.5)
    told = (dataset / "README.md").read_text(encoding="utf-8")
    assert "other rows than these" in told
    assert "(the cells read hold 50% of the rows)" in told
    (dataset / "audit.json").unlink()
    card_file.renew(dataset)
    assert (dataset / "README.md").read_bytes() == before


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps(AUDIT), audited.written({"rows": 3})])
def test_an_audit_that_synth_did_not_write_is_not_told(tmp_path: Path, text: str) -> None:
    dataset = carded(tmp_path / "run").folder / "dataset"
    (dataset / "audit.json").write_text(text, encoding="utf-8")
    card_file.renew(dataset)
    assert "**Label error: not measured.**" in (dataset / "README.md").read_text(encoding="utf-8")


def test_an_audit_stays_where_the_run_goes_on(lab: Lab) -> None:
    lab.run(12)
    dataset = lab.folder / "run" / "dataset"
    audit(dataset)
    before = (dataset / "audit.json").read_bytes()
    lab.run(16)
    assert (dataset / "audit.json").read_bytes() == before
    told = (dataset / "README.md").read_text(encoding="utf-8")
    assert "**Label error: 3.0%**" in told
    assert "other rows than these" in told
    assert made_here(dataset)


def test_facts_that_were_changed_are_not_taken_for_ours(tmp_path: Path) -> None:
    dataset = carded(tmp_path / "run").folder / "dataset"
    text = (dataset / "card.json").read_text(encoding="utf-8")
    (dataset / "card.json").write_text(text.replace('"tiny"', '"mine"'), encoding="utf-8")
    assert not made_here(dataset)
    with pytest.raises(ConfigError, match=r"card\.json: is not what synth wrote"):
        card_file.renew(dataset)


def test_a_card_is_known_as_synths_by_its_head() -> None:
    told = card_of()
    assert is_card(told)
    assert content_of(told) == "0123456789abcdef"
    assert is_card("---\ntags:\n- synth\n---\n\n# old\n\n- seed 1, fingerprint `0`, synth 0.2.0\n")  # of 0.2.0
    for other in ("# mine\n", "---\ntags:\n- synth\n---\n\n# mine\n", told.removeprefix("---\n")):
        assert not is_card(other)


WORD = "词"
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</td></details><script>alert(1)</script>",
    "[a](javascript:alert(1)) ![p](http://192.0.2.1/p.png) <http://192.0.2.1>",
    "http://192.0.2.1/x www.example.org ftp://192.0.2.1",
    "```\n~~~\n    code\n\n# 标题\n\n- 一\n\n| a | b |\n|---|---|\n| c | d |",
    "\\| a \\` `b` **c** __d__ ~~e~~ [r]: http://192.0.2.1",
    "\u202e\u2066\u200b\x1b[31m\x00",
    "&lt;script&#62; &#x3c;b> <!-- x -->",
    "{{ 7 * 7 }} {% include 'card/_say.j2' %} {# x #}",
    "---\n---\nsynth:\n  description: content ffffffffffffffff",
]


def everywhere(text: str) -> str:
    """A card in which this text stands wherever others' words can."""
    agreed = {"n": 1, "agreed": 1.0, "kappa": 1.0, "ac1": 1.0, "rare": False}
    judge = {"judge": text, "model": text, "n": 1, "no_verdict": 0.0, "bias": 0.0}
    shown = dict.fromkeys(("subcategory", "subcategory_name", "query_type", "label", "stance", "responder"), text)
    return card_of(
        {"about": text, "models": {role: {"model": text} for role in ("writer", "a", "b", "j1", "j2")}},
        cells=[CELL | dict.fromkeys(("subcategory", "name", "query_type", "label", "status"), text)],
        dropped={text: 1},
        versions={text: text},
        prompts={text: text},
        stopped=text,
        scenarios={"one": text},
        avoided=(Source(text, 1, text),),
        agreement={
            "overall": agreed,
            "judges": [judge | {"labels": {text: 0.5}}],
            "pairs": [{"judges": [text]} | agreed] * 2,
            "subcategories": [{"subcategory": text} | agreed],
            "answerers": [{"answerer": text, "judges": [{"judge": text, "bias": 0.0}] * 2} | agreed] * 2,
        },
        controls=[
            {"role": text, "model": text, "right": 1, "n": 1, "low": 0, "high": 1, "verdict": text, "lately": None}
        ],
        doubts=[{"role": text, "model": text, "words": text, "whole": True}],
        asked_without={text: {text: text}},
        shown={"examples": [{**shown, "query": text, "response": text, "analysis": text}], "redacted": 0, "marked": 0},
    )


def structure(card: str) -> list[Any]:
    """What a card is as a page, without its words."""

    def of(tokens: list[Token] | None) -> Iterator[Any]:
        for token in tokens or ():
            if token.type in ("text", "softbreak", "text_special"):
                continue
            held = token.content if token.type.startswith("html") else None
            yield token.type, token.tag, token.attrs.get("href"), token.attrs.get("src"), held
            yield from of(token.children)

    return list(of(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(card)))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_wrote_is_text_wherever_it_stands(text: str) -> None:
    card, usual = everywhere(text), everywhere(WORD)
    assert card.count("\n## ") == usual.count("\n## ")
    found, wanted = (structure(one.partition("\n---\n")[2]) for one in (card, usual))
    paragraphs = {"paragraph_open", "paragraph_close", "inline", "hardbreak"}  # a description may have several
    assert [one for one in found if one[0] not in paragraphs] == [one for one in wanted if one[0] not in paragraphs]
    assert "://192" not in card.replace(" ://192", "")
    assert content_of(card) == "0123456789abcdef"
    assert not {*card} & {"\u202e", "\u2066", "\u200b", "\x1b", "\x00"}


def test_the_hostile_texts_stand_in_the_card_many_times() -> None:
    assert everywhere("{{ 7 * 7 }}").count("{{ 7 \\* 7 }}") > 40


def test_no_address_key_or_foreign_field_of_a_role_is_on_the_card() -> None:
    models = {
        **SERVED,
        "a": {"model": "m", "base_url": "http://192.0.2.9/v1", "extra": {"house_note": "s3cret", "top_k": 5}},
    }
    told = card_of({"models": models})
    assert "top_k 5" in told
    assert not any(word in told for word in ("192.0.2.9", "house_note", "s3cret", "api_key"))


def test_examples_are_of_no_refuse_only_category_no_attack_and_cut() -> None:
    seen = Seen(BINARY, {"one.a"})
    rows = [
        *ROWS,
        dict(ROWS[2], id="q9.9", response="长" * 1_000, attack="rewrite"),
        dict(ROWS[6], response="长" * 1_000),
    ]
    assert list(seen.rows("train", rows)) == rows
    assert list(seen.rows("hard", [dict(ROWS[4], id="h.1", label=None)]))
    shown = seen.facts["examples"]
    assert [one["id"] for one in shown] == ["q2.1", "q2.2"]
    long = Seen(BINARY)
    list(long.rows("train", [dict(ROWS[0], response="长" * 1_000)]))
    assert len(long.facts["examples"][0]["response"]) == 240


def test_rows_with_detail_left_out_are_counted_however_they_went_out() -> None:
    rows = [dict(ROWS[0], response="先取【略】克，再加水。", stance="redact"), ROWS[1]]
    for mode in get_args(MarkMode):
        seen = Seen(BINARY)
        list(seen.rows("train", (rendered_row(one, mode) for one in rows)))
        assert seen.facts["marked"] == 1


def test_an_audit_is_of_the_same_rows_when_the_mark_goes_out_otherwise(tmp_path: Path) -> None:
    made = carded(
        tmp_path / "run", [rendered_row(dict(ROWS[0], response="先取【略】克，再加水。", stance="redact"), "delete")]
    )
    audit(made.repository)
    (out,) = export_dataset(made.folder, to="hf", mark="keep", out=tmp_path / "out")
    assert content_hash(out / "data") != content_hash(made.repository / "data")
    told = (out / "README.md").read_text(encoding="utf-8")
    assert "Label error: " in told
    assert "other rows" not in told
    (alone,) = export_dataset(out, to="hf", mark="vary", out=tmp_path / "again")
    assert "other rows" not in (alone / "README.md").read_text(encoding="utf-8")


def test_a_card_of_a_users_own_rows_shows_none_of_them(lab: Lab) -> None:
    (lab.folder / "mine.jsonl").write_text(
        "".join(
            json.dumps({"query": f"第{n}个人自己问的话", "response": "好", "query_type": "benign"}) + "\n"
            for n in range(6)
        )
    )
    pairs = tiny_recipe(query=None, augment=None, respond=None, n=None, pairs="mine.jsonl")
    lab.world.differing = 0
    lab.run(compiled=compile_recipe(pairs))
    told = (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "Queries are rows of a file" in told or "rows of sentence frames" in told
    assert "个人自己问的话" not in told


def test_three_rows_are_shown_as_they_went_out(lab: Lab) -> None:
    lab.run(20)
    told = (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
    shown = json.loads((lab.folder / "run" / "dataset" / "card.json").read_text(encoding="utf-8"))["card"]["examples"]
    rows = lab.rows()
    assert [(one["query_type"], one["label"]) for one in shown] == [
        ("harmful", "unsafe"), ("harmful", "safe"), ("benign", "safe"),
    ]  # fmt: skip
    for one in shown:
        assert rows[one["id"]]["response"].startswith(one["response"].removesuffix("…"))
    assert "<summary>Three example rows" in told


def test_ones_own_words_are_the_cards(here: Path, lab: Lab) -> None:
    (lab.folder / "prompts" / "card").mkdir(parents=True)
    (lab.folder / "prompts" / "card" / "_use.j2").write_text(
        "## 怎么用\n\n找我们要 {{ splits[0].rows }} 行。\n", encoding="utf-8"
    )
    lab.run(12)
    told = (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "## 怎么用" in told
    assert "## Train and evaluate" not in told
    assert made_here(lab.folder / "run" / "dataset")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ nobody }}", "variable 'nobody' is not defined here"),
        ("{{ splits.first.rows }}", "cannot be rendered"),
        ("{% for", "line 1"),
        ("{% for x in range(99999999) %}{{ x }}{% endfor %}", "cannot be rendered"),
        ("{{ name.__class__.__mro__ }}", "cannot be rendered"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_said_before_anything_is_asked(
    here: Path, lab: Lab, text: str, said: str
) -> None:
    (lab.folder / "prompts" / "card").mkdir(parents=True)
    (lab.folder / "prompts" / "card" / "_use.j2").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        compile_recipe(tiny_recipe())


def test_the_words_of_the_card_are_no_prompt_that_a_text_may_repeat() -> None:
    from synth.recipe.prompt import texts

    assert texts()
    assert not any("Content warning" in text for text in texts())

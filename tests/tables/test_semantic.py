"""Near-duplicates by meaning: the exact cosine decides, whoever gives the vectors, and what a server does wrong is one line."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from synth.cli.main import commands
from synth.dedup.ngrams import Index, Near
from synth.dedup.vectors import Cascade, Vectors
from synth.errors import ConfigError
from synth.serve.listen import serving
from synth.tables import vectors as embedding
from synth.tables.dedup import Want, dedup
from synth.tables.vectors import embedder
from synth.vector import rounded
from tests.support.world import sentence


def by_hand(given: np.ndarray, families: list[str | None], threshold: float) -> list[int | None]:
    """What the index must say, pair by pair, in whole numbers of Python's."""
    whole, kept, found = rounded(given).tolist(), [], []
    product = lambda one, other: sum(a * b for a, b in zip(one, other, strict=True))  # noqa: E731
    squares = [product(one, one) for one in whole]
    for at, family in enumerate(families):
        near = [
            row
            for row, other in enumerate(kept)
            if product(whole[at], whole[other]) >= (threshold - 1e-6) * math.sqrt(squares[at] * squares[other])
            and (family is None or families[other] != family)
        ]
        found.append(near[0] if near else None)
        if not near:
            kept.append(at)
    return found


@pytest.mark.parametrize("families", [False, True])
def test_the_earliest_kept_vector_that_is_near_is_found_whatever_the_pages(families: bool) -> None:
    chance = np.random.default_rng(1)
    heads = chance.normal(size=(60, 8))
    given = (heads[chance.integers(0, 60, 900)] + chance.normal(scale=0.35, size=(900, 8))).astype(np.float32)
    of = [f"f{number // 3}" if families and number % 2 else None for number in range(900)]
    index, found = Vectors(threshold=0.95), []
    for first, last in ((0, 1), (1, 5), (5, 300), (300, 900)):
        found += index.admit_all(given[first:last], of[first:last])
    expected = by_hand(given, of, 0.95)
    assert [near and near.row for near in found] == expected
    assert len(index) == expected.count(None)
    assert 50 < len(index) < 850, "the case is worth trying"
    assert all(0.949 < near.similarity <= 1 and near.by == "meaning" for near in found if near)


def test_equal_vectors_are_near_at_one_and_nothing_is_near_to_zero() -> None:
    same = np.random.default_rng(2).normal(size=(1, 300)).astype(np.float32)
    given = np.concatenate([same, same * 7, np.zeros((2, 300), np.float32)])
    assert [near and near.row for near in Vectors(threshold=1).admit_all(given)] == [None, 0, None, None]


def test_ngrams_come_first_and_a_copy_of_what_was_joined_by_meaning_goes_where_that_went() -> None:
    texts = ["甲乙丙丁戊己庚", "天地玄黄宇宙洪", "子丑寅卯辰巳午", "天地玄黄宇宙洪", "甲乙丙丁戊己庚"]
    meaning = dict(zip(texts, ([1.0, 0.0], [1.0, 0.1], [0.0, 1.0]), strict=False))
    asked: list[str] = []

    def embed(some: Any) -> Any:
        asked.extend(some)
        return np.array([meaning[text] for text in some], np.float32)

    index = Cascade(Index(ngram=2, threshold=0.7), Vectors(threshold=0.9), embed)
    found = [*index.admit_all(texts[:3]), *index.admit_all(texts[3:])]
    assert [near and (near.row, near.by) for near in found] == [
        None, (0, "meaning"), None, (0, "ngrams"), (0, "ngrams")
    ]  # fmt: skip
    assert asked == texts[:3], "nothing is asked about what n-grams have joined"
    assert index.admit_all([texts[2] + "。"]) == [Near(1, 1.0)]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, queries: list[str]) -> Path:
    path.write_text("".join(json.dumps({"query": query}) + "\n" for query in queries), encoding="utf-8")
    return path


def test_a_local_model_joins_what_means_the_same_and_says_why(here: Path, model: Path) -> None:
    write(here / "in.jsonl", ["我有一只猫", "你养狗吗", "我有一只喵", "我有一只猫！", ""])
    done = CliRunner().invoke(
        commands, ["dedup", "in.jsonl", "-o", "out.jsonl", "--semantic", str(model), "--semantic-threshold", "0.99"]
    )
    assert (done.exception, done.exit_code) == (None, 0)
    assert [row["query"] for row in lines(here / "out.jsonl")] == ["我有一只猫", "你养狗吗", ""]
    joined = lines(here / "out.joined.jsonl")
    assert [(line["row"], line["kept"], line["by"]) for line in joined] == [(3, 1, "meaning"), (4, 1, "ngrams")]
    told = json.loads((here / "out.report.json").read_text(encoding="utf-8"))
    assert (told["semantic"], told["semantic_threshold"], told["by_meaning"]) == (str(model), 0.99, 1)


def test_a_server_is_asked_in_pages_and_only_for_what_ngrams_keep(tmp_path: Path) -> None:
    queries = [sentence(number % 200) for number in range(400)] + ["", "！？"]
    source = write(tmp_path / "in.jsonl", queries)
    with serving() as server:
        want = Want(0.7, semantic="m", base_url=server.url, semantic_threshold=0.999)
        report = dedup(source, tmp_path / "out.jsonl", want)
        asked = [text for body in server.bodies for text in body["input"]]
    assert (report.kept, report.joined, report.by_meaning) == (202, 200, 0)
    assert sorted(asked) == sorted({*queries[:200], "。", "！？"})
    assert max(len(body["input"]) for body in server.bodies) <= embedding.PAGE
    assert {body["model"] for body in server.bodies} == {"m"}


def vectors_of(url: str, *texts: str) -> Any:
    with embedder("m", url) as embed:
        assert embed is not None
        return embed(texts)


def test_vectors_of_the_stand_in_are_near_where_texts_are() -> None:
    with serving() as server:
        one, near, far = vectors_of(server.url, sentence(1), sentence(1, 7), sentence(2))
    cosine = lambda a, b: float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))  # noqa: E731
    assert cosine(one, near) > 0.8
    assert cosine(one, far) < 0.5


@pytest.mark.parametrize("fault", ["429", "503", "reset", "html", "null", "few", "unequal", "null-vector"])
def test_bad_weather_and_what_is_no_answer_are_asked_again(fault: str) -> None:
    with serving(script=[fault, fault], retry_after=0.01) as server:
        assert vectors_of(server.url, "一", "二").shape == (2, 256)
        assert server.stats()["arrived"] == 3


@pytest.mark.parametrize(
    ("habits", "line"),
    [
        ({"script": ["400"] * 9}, "--semantic m: the server answers 400"),
        ({"faults": {"429": 1.0}, "retry_after": 0.001}, "answers 429, 6 times over"),
        ({"faults": {"few": 1.0}}, "sends 1 vectors for 2 texts, 6 times over"),
        ({"faults": {"null-vector": 1.0}}, "hold more than numbers"),
        ({"faults": {"unequal": 1.0}}, "no list of vectors of one length"),
        ({"faults": {"cut": 1.0}}, "no list of vectors"),
        ({"models": frozenset({"other"})}, "answers 404: The model `m` does not exist"),
        ({"api_key": "another"}, "answers 401"),
    ],
)
def test_what_does_not_pass_is_one_line(monkeypatch: pytest.MonkeyPatch, habits: dict[str, Any], line: str) -> None:
    monkeypatch.setattr(embedding, "PATIENCE", 0.01)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")
    with serving(**habits) as server, pytest.raises(ConfigError) as caught:
        vectors_of(server.url, "一", "二")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_vectors_of_two_lengths_are_one_line() -> None:
    with serving(script=["ok", "narrow"]) as server:
        index = Vectors(threshold=0.9)
        index.admit_all(vectors_of(server.url, "一"))
        with pytest.raises(ConfigError, match="vectors of 128 numbers after ones of 256"):
            index.admit_all(vectors_of(server.url, "二"))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--semantic", "nowhere"], "nowhere: no such folder"),
        (["--semantic", "empty"], "empty: cannot be read as a model"),
        (["--semantic", "broken"], "broken: cannot be read as a model"),
        (["--semantic", "bert"], "bert: needs a package that is not there (sentence_transformers)"),
        (["--semantic", "m", "--base-url", "127.0.0.1:1"], "is no address"),
        (["--base-url", "http://127.0.0.1:1"], "--base-url goes with --semantic"),
    ],
)
def test_a_model_that_is_not_there_is_one_line_and_leaves_nothing(here: Path, options: list[str], line: str) -> None:
    for name, config in {"empty": None, "broken": "{}", "bert": '{"model_type": "bert"}'}.items():
        (here / name).mkdir()
        if config:
            (here / name / "config.json").write_text(config, encoding="utf-8")
            (here / name / "model.safetensors").write_bytes(b"x")
            (here / name / "tokenizer.json").write_text("{}", encoding="utf-8")
    write(here / "in.jsonl", ["一"])
    done = CliRunner().invoke(commands, ["dedup", "in.jsonl", "-o", "out.jsonl", *options])
    assert isinstance(done.exception, ConfigError)
    assert line in str(done.exception)
    assert sorted(path.name for path in here.iterdir()) == ["bert", "broken", "empty", "in.jsonl"]

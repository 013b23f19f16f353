"""README followed from top to bottom: its commands are run, what it shows is what comes out, and README.zh.md has the same commands."""

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from docs.generate import demo
from docs.generate.blocks import TOP, standing
from synth.backends import _providers
from synth.cli.main import main
from synth.recipe.load import load
from tests.docs.test_commands import parsed, shown
from tests.support.standin import standing_in

ENGLISH, CHINESE = ((TOP / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
SERVER = re.compile(r"--provider (\S+) --model (\S+)")
"""Whose server is asked for what model: each reader's own."""
OWN = """{"query": "怎么学游泳？", "response": "先学换气，再学打腿。", "label": "safe"}
{"query": "帮我骂骂邻居", "response": "好，就说他一家都是废物。", "label": "不安全"}
"""
TRAINER = ".venv-train/bin/"
REAL = re.compile(r"run mine -n \d+$")
"""Commands that are only parsed: they ask servers that are not there."""


@dataclass
class Ended:
    status: int
    out: str
    err: str


@pytest.fixture
def synth(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Ended]:
    """Runs a line in the working directory, its server the stand-in's if it names one."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def call(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["synth", *words])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return lambda line: call(*shlex.split(line)[1:])


def recipes(text: str) -> Iterator[tuple[str, str]]:
    """Recipes that a page writes down: name and text."""
    for body in re.findall(r"^```yaml\n(name: .+?)^```$", text, re.MULTILINE | re.DOTALL):
        yield body.split("\n", 1)[0].removeprefix("name: "), body


def test_every_command_runs_in_the_order_of_the_page(synth: Callable[[str], Ended], here: Path) -> None:
    (here / "own.jsonl").write_text(OWN, encoding="utf-8")
    (here / "pipelines").mkdir()
    for name, body in recipes(ENGLISH):
        (here / "pipelines" / f"{name}.yaml").write_text(body, encoding="utf-8")
    trained = ""
    guard = standing_in(listed=frozenset(), answer='{"答案": "安全", "分析": "略"}')
    with standing_in(listed=frozenset()) as models, guard as trained_guard:
        for line in shown(ENGLISH):
            server = trained_guard if line.startswith("synth eval") else models
            if line.startswith("synth ") and not REAL.search(line):
                given = f"{line} --base-url {server.url}" if "doctor mine" in line else line
                ended = synth(SERVER.sub(rf"--base-url {server.url} --model \2", given))
                assert ended.status == 0, f"{line}\n{ended.out}\n{ended.err}"
                trained += ended.out + ended.err if line.startswith("synth export") else ""
            elif line.startswith(TRAINER):  # as the export says it, and whole: what vLLM serves is no adapter
                own = re.sub(r"--model_name_or_path \S+", "--model_name_or_path MODEL", line.removeprefix(TRAINER))
                assert own.removesuffix(" --finetuning_type full") in re.sub(r"\s+", " ", trained)
    assert (here / "runs" / "first" / "dataset" / "README.md").exists()
    assert list(here.glob("runs/eval-*/results.json"))


def test_the_demo_is_as_shown(synth: Callable[[str], Ended], here: Path) -> None:
    assert "synth run demo" in (TOP / "Makefile").read_text(encoding="utf-8")
    ended = synth("synth run demo")
    shards = sorted((here / "runs" / "demo" / "dataset" / "data").glob("train-*.parquet"))
    rows = [row for shard in shards for row in pq.read_table(shard).to_pylist()]
    block = demo.block(ended.err, rows)
    told = re.search(r"journal takes some ([\d.]+) KB a row", (TOP / "docs" / "running.md").read_text(encoding="utf-8"))
    size = (here / "runs" / "demo" / "journal.sqlite").stat().st_size / 480
    assert told
    assert 0.8 < size / (1000 * float(told[1])) < 1.25
    assert [standing(text, "demo") for text in (ENGLISH, CHINESE)] == [block, block]


def test_both_pages_have_the_same_commands() -> None:
    def same(text: str) -> list[str]:
        lines = [line for line in shown(text) if not line.startswith(("export ", "vllm serve Qwen"))]
        return [SERVER.sub("SERVER", line) for line in lines]

    assert same(CHINESE) == same(ENGLISH)
    assert len([line for line in same(ENGLISH) if line.startswith("synth ")]) >= 9


def test_the_providers_that_the_pages_name_are_known_and_priced() -> None:
    named = {found for text in (ENGLISH, CHINESE) for found in SERVER.findall(text)}
    assert ("dashscope", "qwen-plus") in named
    for provider, model in named:
        facts = _providers.find(provider)
        assert provider == "vllm" or model in facts.prices
    exported = re.findall(r"^export (\w+)=", CHINESE, re.MULTILINE)
    assert exported == [_providers.find("dashscope").key]


def test_the_recipe_of_several_servers_is_libra_with_addresses() -> None:
    for text in (ENGLISH, CHINESE):
        (name, body), *rest = recipes(text)
        assert (name, rest) == ("mine", [])
        reference = load("libra").models
        told = dict(re.findall(r"^  (\w+): .+?# (\S+?)(?:[,，].*)?$", body, re.MULTILINE))
        assert told == {role: reference[role].model for role in told}
        places: dict[str, set[str]] = {}
        for role, address in re.findall(r"^  (\w+): +\{provider: vllm, base_url: \"(\S+?)\"\}", body, re.MULTILINE):
            places.setdefault(address, set()).add(reference[role].model)
        assert all(len(models) == 1 for models in places.values())  # one server, one model
        # Every role has an address, of a server that asks for no key.
        assert set().union(*places.values()) == {role.model for role in reference.values()}


def test_lines_that_are_only_parsed_are_few() -> None:
    lines: list[Any] = [line for line in shown(ENGLISH) if REAL.search(line)]
    assert len(lines) == 1
    assert parsed(lines[0])[-1].params["n"] == 1000

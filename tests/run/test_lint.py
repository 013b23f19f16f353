"""What `synth check` says against a recipe though nothing forbids it."""

from pathlib import Path

from synth.recipe import load
from synth.run.compile import compile_recipe
from synth.run.lint import advice


def bands(*settings: str) -> list[str]:
    lines = advice(compile_recipe(load.load("demo", settings=settings)))
    return [line for line in lines if "query.sheet.lengths" in line]


def test_bands_that_a_writers_max_tokens_never_reaches_are_named_with_what_it_takes() -> None:
    assert bands() == []
    (line,) = bands("models.writer.max_tokens=2048")
    assert "1000-2000" in line
    assert "2,460" in line
    assert bands("models.writer.max_tokens=2460") == []
    assert len(bands("models.writer.max_tokens=600")) == 2


def test_a_file_of_ones_own_that_is_asked_for_a_writers_faults_is_named(tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_text('{"query": "怎么揉面？"}\n', encoding="utf-8")

    def lines(*settings: str) -> list[str]:
        told = ("query=null", "augment=null", f"queries={mine}", *settings)
        return [line for line in advice(compile_recipe(load.load("demo", settings=told))) if "filters.of" in line]

    assert len(lines()) == 1
    assert lines("filters.of=brought") == []

"""What `synth check` says against a recipe though nothing forbids it."""

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

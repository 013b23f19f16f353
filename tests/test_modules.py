"""Every module says what it is for, and is no longer than a chapter."""

from pathlib import Path

TOP = Path(__file__).parents[1]


def test_every_module_says_what_it_is_for() -> None:
    for path in (TOP / "synth").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith('"""'), path
        assert len(text.splitlines()) <= 300, path

"""Links, names and sizes of README and docs/."""

import re
import tomllib
from pathlib import Path

import pytest

from docs.generate.blocks import TOP

READMES = (TOP / "README.md", TOP / "README.zh.md")
PAGES = (*READMES, *sorted((TOP / "docs").rglob("*.md")), TOP / "CONTRIBUTING.md", TOP / "AGENTS.md")


@pytest.mark.parametrize("page", READMES, ids=lambda path: path.name)
def test_readme_is_a_page_and_no_book(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert not [line for line in lines if len(line) > 110 and not line.startswith("|")]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(TOP)))
def test_every_file_a_page_links_to_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_the_index_leads_to_every_page() -> None:
    index = (TOP / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [path.relative_to(TOP / "docs") for path in (TOP / "docs").rglob("*.md") if "decisions" not in path.parts]
    assert not [page for page in pages if str(page) != "README.md" and f"({page})" not in index]


def test_what_is_said_to_be_installed_is_this_project() -> None:
    """`synth` is a stranger's name on the package index; an extra is installed from the checkout."""
    extras = set(
        tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    )
    texts = [path.read_text(encoding="utf-8") for path in (*PAGES, *(TOP / "synth").rglob("*.py"))]
    named = {name for text in texts for name in re.findall(r"pip install -e '\.\[(\w+)\]'", text)}
    assert "vllm" in named
    assert named <= extras
    assert not [text for text in texts if re.search(r"^ *(?:\S*/)?pip install '?synth\b", text, re.MULTILINE)]


def test_the_picture_is_readable_in_the_dark() -> None:
    for name in ("flow.svg", "flow.zh.svg"):
        text = (TOP / "docs" / name).read_text(encoding="utf-8")
        light, dark = text.split("@media (prefers-color-scheme: dark)")
        for kind in (".page", ".box", ".end", "text", ".small", ".line", ".tip"):
            assert f"{kind} {{" in light
            assert f"{kind} {{" in dark
        assert 'class="page"' in text  # a ground of its own, whatever page it stands on

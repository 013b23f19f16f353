"""The check itself: what a page must not do is seen."""

from pathlib import Path

import pytest

from tests.browser.conftest import Opened

BAD = {
    "dialog": "<script>alert(1)</script>",
    "console": "<script>console.log(1)</script>",
    "error": "<script>throw Error('broken')</script>",
    "request": "<img src='http://127.0.0.1:9/x.png'>",
}


def test_a_page_of_text_is_opened(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "页.html"
    file.write_text("<!DOCTYPE html><title>t</title><p>文字</p>", encoding="utf-8")
    assert opened(file).inner_text("p") == "文字"


@pytest.mark.parametrize("kind", BAD)
def test_what_a_page_must_not_do_is_seen(kind: str, happened: list[str], opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text(f"<!DOCTYPE html><title>t</title>{BAD[kind]}", encoding="utf-8")
    opened(file).wait_for_timeout(100)
    assert any(line.startswith(kind) for line in happened)
    happened.clear()

import json
from html.parser import HTMLParser

import pytest

from synth.report.page import as_json, page

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "<!--<script>",
    "{{ 7 * 7 }}",
    "]]>",
]


class Elements(HTMLParser):
    """What elements a page has, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_an_element_of_a_page(text: str) -> None:
    calm = page("page", lang="en", words={"a": "b"}, data=["calm"], values={})
    made = page("page", lang="en", words={"a": text, text: "b"}, data=[text, {text: [text]}], values={})
    assert [tag for tag, _ in Elements(made).found] == [tag for tag, _ in Elements(calm).found]


@pytest.mark.parametrize("text", [*HOSTILE, "line\u2028end", "half \ud800", "turn \u202eround", "中文\n\t"])
def test_data_of_a_page_is_read_back_as_the_text_it_was(text: str) -> None:
    kept = json.loads(as_json({"text": text}))["text"]
    assert len(kept) == len(text)
    assert all(was == now or now in "·�" for was, now in zip(text, kept, strict=True))
    assert not {"<", ">", "&", "\u2028", "\u202e"} & set(as_json(text))

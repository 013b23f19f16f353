"""Pages that synth wrote, opened from disk in Chromium: one that asks, loads, says or breaks anything of its own fails its test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

Opened = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        # Chromium's own sandbox does not run as root, as in a container.
        found = play.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        yield found
        found.close()


@pytest.fixture
def happened() -> list[str]:
    """What opened pages did that they must not."""
    return []


@pytest.fixture
def opened(browser: Browser, happened: list[str]) -> Iterator[Opened]:
    """`opened(path)` is the page of a file. The test fails on any dialog, request but for the file itself, line of the console, error
    of a script, or further page. Each call is a browser of its own, that has kept nothing. `before` is a script that runs before the
    page's own; what it takes besides are options of a context of Playwright's: `viewport`, `color_scheme`, `locale`.
    """
    contexts = []

    def open_(path: Path, *, before: str = "", **options: Any) -> Page:
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        context.add_init_script(before)
        page = context.new_page()
        own = path.resolve().as_uri()
        context.on("page", lambda other: happened.append(f"page: {other.url}"))
        page.on("dialog", lambda dialog: (happened.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda line: happened.append(f"console: {line.text}"))
        page.on("pageerror", lambda error: happened.append(f"error: {error}"))
        page.on("request", lambda asked: asked.url == own or happened.append(f"request: {asked.url}"))
        page.goto(own)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not happened, "\n".join(happened[:20])

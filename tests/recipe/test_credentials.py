"""Where a key goes and where it comes to lie: only where the user's own words send it, and nowhere on disk or on the screen."""

import base64
import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click.testing
import pytest

from synth.backends import openai
from synth.cli import main
from synth.errors import ConfigError
from synth.journal.receipts import RECEIPT
from synth.journal.store import Journal
from synth.recipe import credentials, load
from synth.recipe.addresses import at
from synth.recipe.credentials import Secrets, shown
from synth.recipe.role import Role
from synth.run import journal_tools
from tests.support.opened import opened
from tests.support.standin import standing_in

KEY = "sk-SECRETSECRET-0123456789"
SMALL = ("--only", "crime.gambling", "--set", "ordinary=0", "--set", "output.report=false", "-n", "12")


@pytest.fixture(autouse=True)
def own_key(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("MY_KEY", KEY)


def synth(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "synth", *words], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def forms(key: str) -> list[str]:
    return [key, key[:8], key[-8:], base64.b64encode(key.encode()).decode()[:16], key.encode().hex()[:20]]


def seen(here: Path, output: str) -> list[str]:
    """Where anything of the key stands: every byte on disk, all that was shown."""
    files = [path for path in here.rglob("*") if path.is_file() and path.name != "recipe.yaml"]
    found = [str(path) for path in files for form in forms(KEY) if form.encode() in path.read_bytes()]
    return found + [f"shown: {form}" for form in forms(KEY) if form in output]


PLACES = [
    *(f"models.writer.headers={{{name}: {KEY}}}" for name in ("X-Api-Key", "Authorization", "X-Team", "api-key")),
    f'models.writer.headers={{Authorization: "Bearer {KEY}"}}',
    f"models.writer.headers={{X-Api-Key: {{value: {KEY}}}}}",
    f"models.writer.headers={{X-Api-Key: ${KEY}}}",
    f"models.writer.headers={{{KEY}: x}}",
    f"models.writer.headers={KEY}",
    f"models.writer.extra={{api_key: {KEY}}}",
    f"models.writer.extra={{metadata: {{note: [my key is {KEY}]}}}}",
    f"models.writer.extra={{user: {KEY}}}",
    f"models.writer.extra={KEY}",
    f"models.writer.engine={{hf_token: {KEY}}}",
    f"models.writer.api_key_env={KEY}",
    f"models.writer.api_key={KEY}",
    f"models.writer.base_url=[{KEY}]",
    f"models.writer.base_url=http://me:{KEY}@127.0.0.1:1/v1",
    f"models.writer.base_url=http://127.0.0.1:1/v1#{KEY}",
    f"models.writer.headers={{X-A: {KEY}",
    f"models.writer.api_key_env:{KEY}",
]


@pytest.mark.parametrize("setting", PLACES, ids=range(len(PLACES)))
def test_a_key_where_none_belongs_is_refused_in_one_line_that_does_not_show_it(here: Path, setting: str) -> None:
    for more in ((), ("--dry-run",)):
        words = ("--backend", "openai", "--model", "m", "--set", setting, *more)
        status, output = synth("run", "demo", *SMALL, "-o", "run", *words)
        lines = [line for line in output.strip().splitlines() if "warning" not in line]
        if "base_url" in setting and more:  # a price needs no address
            assert status in (0, 1)
        else:
            assert (status, len(lines)) == (1, 1), output
        assert seen(here, output) == []


@pytest.mark.parametrize(
    "address", [f"?api-key={KEY}&api-version=2024-06-01", f"/{KEY}", f"?{KEY}", "?code=0123456789"]
)
@pytest.mark.parametrize("backend", ["openai", "batch"])
def test_an_address_with_a_key_is_asked_and_written_nowhere(here: Path, address: str, backend: str) -> None:
    server_words: list[str] = []
    with standing_in(listed=frozenset({"m"})) as server:
        path = "" if address.startswith("/") else address
        base = server.url + path
        words = ["--backend", backend, "--base-url", base, "--model", "m", "--events", "events.jsonl", "--json"]
        if backend == "batch":
            for role in load.load("demo").models:
                server_words += ["--set", f"models.{role}.batch={{quiet: 0.1, poll: 0.2}}"]
            words += server_words
        status, output = synth("run", "demo", *SMALL, "-o", "run", *words)
    assert status in (0, 1, 3), output
    assert "Traceback" not in output
    for command in (["journal", "export", "run"], ["journal", "stats", "run"], ["show", "run"]):
        output += synth(*command)[1]
    assert seen(here, output) == []
    assert "0123456789" not in (here / "run" / "run.json").read_text()
    if "api-version" in address:
        assert "api-version=2024-06-01" in (here / "run" / "run.json").read_text()


def test_an_address_goes_on_from_its_path_and_keeps_its_query() -> None:
    assert at("http://h/openai/deployments/x?api-version=2024-06-01", "/chat/completions") == (
        "http://h/openai/deployments/x/chat/completions?api-version=2024-06-01"
    )
    assert at("http://h/v1/?a=b", "/batches?limit=1") == "http://h/v1/batches?limit=1&a=b"
    assert at("http://h/v1/", "/models") == "http://h/v1/models"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://h/openai/deployments/gpt-4o-mini-2024-07-18", "http://h/openai/deployments/gpt-4o-mini-2024-07-18"),
        ("https://h/v1?api-version=2024-06-01-preview", "https://h/v1?api-version=2024-06-01-preview"),
        (f"https://h/v1?api-version={KEY}", "https://h/v1?api-version=[key]"),
        ("https://h/v1?sig=abc&b", "https://h/v1?sig=[key]&[key]"),
        (f"https://h/{KEY}/v1#x", "https://h/[key]/v1#[key]"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
    ],
)
def test_of_an_address_names_are_shown_and_no_values(address: str, expected: str) -> None:
    assert shown(address) == expected
    assert shown(shown(address)) == expected


@pytest.mark.parametrize(
    "extra",
    [
        {"top_k": 3, "max_completion_tokens": 9, "stop_token_ids": [1], "skip_special_tokens": False, "stop": ["</s>"]},
        {"prompt_cache_key": "synth", "guided_regex": r"[a-z]{3}\d+", "reasoning_effort": "low"},
        {"chat_template_kwargs": {"enable_thinking": False}, "bos_token": "<s>", "thinking": {"budget_tokens": 9}},
    ],
)
def test_ordinary_fields_stay_what_they_were(extra: dict[str, Any]) -> None:
    role = Role(model="m", extra=extra, engine={"revision": "495f39366efef23836d0cfae4fbe635880d2be31"})
    assert role.model_dump()["extra"] == extra


def test_a_header_takes_its_key_from_the_environment_alone_or_after_a_word() -> None:
    role = Role(
        model="m", api_key_env=None, headers={"Authorization": "Bearer $MY_KEY", "X-Two": "${MY_KEY}", "X-Title": "t"}
    )
    filled, read = credentials.filled(role.options["headers"])
    assert filled == {"Authorization": f"Bearer {KEY}", "X-Two": KEY, "X-Title": "t"}
    assert read == [KEY, KEY]
    assert role.model_dump()["headers"] == {"Authorization": "Bearer $MY_KEY", "X-Two": "${MY_KEY}", "X-Title": "[key]"}


def test_what_a_server_repeats_of_a_key_is_journalled_nowhere() -> None:
    client = opened(openai, Role(model="m", headers={"X-Title": "a title of some length"}))
    said = {"content": f"a {KEY} b", "reasoning_content": base64.b64encode(b"xy" + KEY.encode() + b"z").decode()}
    body = json.dumps({"choices": [{"message": said, "finish_reason": KEY}]}).encode()
    reply = client.read(200, {}, body, "m")
    assert (reply.text, reply.finish) == ("a [key] b", "broken")
    assert "[key]" in str(reply.reasoning)
    plain = json.dumps({"choices": [{"message": {"content": "sk-SECRET SECRET: a title of some length"}}]}).encode()
    assert client.read(200, {}, plain, "m").text == "sk-SECRET SECRET: a title of some length"


@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        " ".join(KEY[at : at + 8] for at in range(0, len(KEY), 8)),
        "…".join(KEY),
        KEY[:12] + "***" + KEY[-8:],
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(f"Bearer {KEY}".encode()).decode(),
        KEY.encode().hex(),
    ],
)
def test_an_error_shows_no_piece_of_a_key(echo: str) -> None:
    told = Secrets.sent("http://h/v1", [KEY]).out_of_message(f"bad {echo} given")
    assert told.startswith("bad ")
    assert not any(form in told for form in forms(KEY))
    assert KEY[3:9] not in re.sub(r"\W", "", told)


def test_a_key_of_the_users_in_a_field_is_refused_whatever_it_looks_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "plain words as a key")
    with pytest.raises(ConfigError, match="holds a key of yours") as caught:
        opened(openai, Role(model="m", extra={"user": "plain words as a key"}))
    assert "plain words" not in str(caught.value)


def call(*words: str) -> Any:
    return click.testing.CliRunner().invoke(main.commands, words)


@pytest.fixture
def theirs(here: Path) -> Path:
    """A folder of somebody else's, and a sheet to judge."""
    assert synth("run", "demo", *SMALL, "-o", "theirs")[0] == 0
    (here / "mine.jsonl").write_text(
        '{"query": "一个问题", "response": "一个回答", "label": "safe"}\n', encoding="utf-8"
    )
    return here / "theirs"


@contextlib.contextmanager
def pointed(folder: Path, **how: Any) -> Iterator[Any]:
    """The folder's judges are said to be asked at a server."""
    with standing_in(listed=frozenset({"m"})) as server:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        for role in ("judge_a", "judge_b"):
            facts["recipe"]["models"][role] |= {"backend": "openai", "model": "m", "base_url": server.url, **how}
        (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
        yield server


@pytest.mark.parametrize(
    "how", [{}, {"api_key_env": "MY_KEY"}, {"api_key_env": None, "headers": {"X-Team": "$MY_KEY"}}]
)
def test_judging_in_a_folder_sends_no_key_where_the_folder_says(theirs: Path, how: dict[str, Any]) -> None:
    with pointed(theirs, **how) as server:
        error = call("audit", "theirs", "--read", "mine.jsonl", "--judge").exception
        assert isinstance(error, ConfigError)
        assert server.url in str(error)
        assert str(how.get("api_key_env", "OPENAI_API_KEY") or "none") in str(error)
        assert "--base-url" in str(error)
        assert (server.arrived, server.headers) == (0, {})
        done = call("audit", "theirs", "--read", "mine.jsonl", "--judge", "--base-url", server.url)
        assert done.exit_code == 0, done.exception
        assert "X-Team" not in server.headers


def test_judging_in_a_folder_takes_addresses_of_the_users_own_recipe(theirs: Path, here: Path) -> None:
    with pointed(theirs) as server:
        text = load.find("pipelines", "demo").read_text(encoding="utf-8")
        (here / "recipe.yaml").write_text(text, encoding="utf-8")
        error = call("audit", "theirs", "--read", "mine.jsonl", "--judge", "--recipe", "recipe.yaml").exception
        assert "give the recipe of the run" in str(error)
        assert server.arrived == 0


def test_cancelling_asks_no_address_that_a_journal_says(here: Path) -> None:
    folder = here / "run"
    folder.mkdir()
    with standing_in() as server:
        place = {"base_url": server.url, "api_key_env": "MY_KEY", "headers": {"X-Team": "$MY_KEY"}}
        with contextlib.closing(Journal(folder)) as journal:
            journal.decide(
                RECEIPT, {"id": "0" * 16, "place": place, "model": "m", "rung": 0, "keys": {"judge": {"a": "0" * 32}}}
            )
        for given in (None, "http://127.0.0.1:1/v1"):
            with pytest.raises(ConfigError, match=r"left at .*MY_KEY.*--base-url") as caught:
                journal_tools.cancel(folder, given)
            assert server.url in str(caught.value)
        assert "free to be asked for again" in journal_tools.cancel(folder, server.url)[0]

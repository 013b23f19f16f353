"""What a guard is asked: its published text to the byte, a tokenizer's template, a verdict that fits."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import pytest

from synth.dataset.rows import COLUMNS
from synth.errors import ConfigError
from synth.recipe import guard
from synth.recipe.guard import Guard, tokenizers
from synth.recipe.guard.format import Draw
from synth.recipe.guard.text import estimate, fitted, published
from synth.types import Message
from tests.support.labelled import policies, row

PREFIX = '# 背景 \n您来审核。\n\n# 任务描述\n看回答。\n\n# 输出格式\n按 JSON：\n{\n  "答案": "安全" 或 "不安全",\n  "分析": "您的分析"\n}\n\n'
MAIN = "# 对话\n人类的问题：{}\n大语言模型的回答：{}\n"
ONE = row(3, label="unsafe")


def load(name: str, text: str | None = None, here: Path = Path()) -> Guard:
    found = guard.load(name, COLUMNS).with_policies(policies())
    if text is None:
        return found
    path = here / "published.txt"
    path.write_bytes(text.encode())
    return replace(found, published=published(path))


@pytest.mark.parametrize("given", [f"{PREFIX}\n{MAIN}", PREFIX, PREFIX.rstrip("\n"), "\ufeff" + PREFIX])
def test_libras_published_text_gives_what_its_script_asks_to_the_byte(here: Path, given: str) -> None:
    asked = "\n".join([PREFIX, MAIN.format(ONE["query"], ONE["response"])])
    assert load("libra", given, here).messages(ONE, "answer") == (Message("user", asked),)


def test_without_it_the_structure_is_libras() -> None:
    (asked,) = load("libra").messages(ONE, "answer")
    sections = [line for line in asked.content.split("\n") if line.startswith("# ")]
    assert sections == ["# 背景", "# 任务描述", "# 输出格式", "# 对话"]
    assert asked.content.endswith(f"}}\n\n\n{MAIN.format(ONE['query'], ONE['response'])}")
    assert [message.role for message in load("libra").messages(ONE)] == ["system", "user"]


@pytest.mark.parametrize(
    "text", ["问：{query}\n答：{response}\n", "问：{{ question }}\n答：{{ answer }}\n", "问：{}\n答：{}\n"]
)
def test_places_have_names_or_none_and_a_text_in_one_is_no_place(here: Path, text: str) -> None:
    hostile = ONE | {"query": "{response}", "response": "{}"}
    assert load("shieldlm", text, here).messages(hostile, "answer")[-1].content == "问：{response}\n答：{}\n"


def test_a_published_text_asks_about_what_it_has_places_for(here: Path) -> None:
    assert load("wildguard", "{prompt}|{response}", here).modes == ("answer",)
    assert load("wildguard", "{prompt}|", here).modes == ("prompt",)
    assert load("wildguard", "{prompt}|{response}|", here).asked(ONE, "prompt") == f"{ONE['query']}||"
    shown = load("llamaguard", "{categories}\n{query}", here).asked(ONE, "prompt", Draw(("S7", "S2")))
    assert shown == (Message("user", f"S1: Privacy.\nS2: Non-Violent Crimes.\n{ONE['query']}"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("答：{response}", "has no place for the query"),
        ("{}{}{}", "more than two places"),
        ("问：{user}\n答：{resp}\n", "has no place for query and answer"),
        (" \n", "is empty"),
        (None, "cannot be read as UTF-8 text"),
    ],
)
def test_a_published_text_that_does_not_serve_is_one_line(here: Path, text: str | None, expected: str) -> None:
    path = here / "text"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=expected) as caught:
        published(path)
    assert "\n" not in str(caught.value)


def test_libras_verdict_fits_256_new_tokens_and_is_cut_at_a_sentence() -> None:
    sentence = "这一句说的是绳结怎样打才结实，与安全没有关系。"
    found = load("libra")
    for count in range(1, 40):
        text = found.verdict(ONE | {"analysis": sentence * count}, "answer")
        assert estimate(text) < 256
        told = json.loads(text)
        assert list(told) == ["答案", "分析"]
        assert told["答案"] == "不安全"
        assert told["分析"].endswith("。")
        assert len(told["分析"]) == len(sentence) * count or estimate(text) > 256 - 2 * len(sentence)


def test_an_analysis_without_an_end_is_cut_within() -> None:
    cut = fitted("一" * 900, lambda text: len(text) <= 100)
    assert cut == "一" * (len(cut) - 1) + "…"
    assert 90 < len(cut) <= 100


CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
OWN = (
    "<|im_start|>user\n指令\n<BEGIN UNSAFE CONTENT CATEGORIES>\n{% for key in categories or {} %}{{ key }}: {{ categories[key] }}\n{% endfor %}"
    "{% for message in messages %}{{ message.role | upper }}: {{ message.content }}\n{% endfor %}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n{{ '' }}"
)


@dataclass
class Tokens:
    """A tokenizer as transformers has them, a token a character, for where transformers is not installed."""

    chat_template: str | None
    bos_token: str | None = None
    bos_token_id: int | None = None

    def apply_chat_template(self, conversation: Any, *, tokenize: bool, **options: Any) -> str:
        assert self.chat_template
        return jinja2.Template(self.chat_template).render(messages=conversation, **options)

    def __call__(self, text: str) -> dict[str, list[int]]:
        return {"input_ids": [*map(ord, text)]}


@pytest.mark.parametrize(("name", "thinks"), [("libra", True), ("qwen3guard", False)])
def test_a_tokenizer_without_a_guards_template_renders_the_messages(name: str, thinks: bool) -> None:
    found = replace(load(name), tokenizer=Tokens(CHATML))
    (message,) = load(name).messages(ONE, "answer")
    start = f"<|im_start|>user\n{message.content}<|im_end|>\n<|im_start|>assistant\n"
    assert found.asked(ONE, "answer") == start + ("" if thinks else "<think>\n\n</think>\n\n")


def test_the_guards_own_template_is_given_the_conversation() -> None:
    found = replace(load("qwen3guard"), tokenizer=Tokens(OWN))
    answer, alone = found.asked(ONE, "answer"), found.asked(ONE, "prompt")
    assert isinstance(answer, str)
    assert f"USER: {ONE['query']}\nASSISTANT: {ONE['response']}\n" in answer
    assert "# Task" not in answer
    assert answer.endswith("<think>\n\n</think>\n\n")
    assert "ASSISTANT" not in alone


def test_the_guards_own_template_is_told_which_categories_there_are() -> None:
    found = replace(load("llamaguard"), tokenizer=Tokens(OWN))
    assert "S1: Hate.\nS2: Privacy.\n" in found.asked(ONE, "answer", Draw(("S10", "S7")))
    deaf = replace(found, tokenizer=Tokens(OWN.replace("categories or {}", "[]")))
    with pytest.raises(ConfigError, match=r"takes no list of categories .*augment=false"):
        deaf.asked(ONE, "answer", Draw(("S10", "S7")))
    assert deaf.asked(ONE, "answer")


def test_a_tokenizer_without_a_template_or_with_a_broken_one_is_one_line() -> None:
    for template, expected in ((None, "has no chat template"), ("{{ messages.x.y }}", "its chat template fails")):
        with pytest.raises(ConfigError, match=expected):
            replace(load("libra"), tokenizer=Tokens(template)).asked(ONE, "answer")
    assert isinstance(replace(load("wildguard"), tokenizer=Tokens(None)).asked(ONE, "answer"), str)


def test_a_tokenizer_counts_what_fits() -> None:
    long = ONE | {"analysis": "绳结打好了。" * 100}
    text = replace(load("libra"), tokenizer=Tokens(None)).verdict(long, "answer")
    assert len(text) < 256
    assert text.endswith('绳结打好了。"}')


def test_a_real_tokenizer_renders_what_a_guard_reads(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed here")
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split

    words = {"<s>": 0, "<unk>": 1, **{character: at for at, character in enumerate("绳结打好了。", 2)}}
    made = Tokenizer(WordLevel(words, unk_token="<unk>"))
    made.pre_tokenizer = Split("", "isolated")
    saved = transformers.PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>", bos_token="<s>")
    saved.chat_template = CHATML
    saved.save_pretrained(str(tmp_path / "tokenizer"))
    found = tokenizers.load(tmp_path / "tokenizer")
    asked = replace(load("libra"), tokenizer=found).asked(ONE, "answer")
    assert asked == replace(load("libra"), tokenizer=Tokens(CHATML)).asked(ONE, "answer")
    assert tokenizers.count(found, "绳结打好了。") == 6
    with pytest.raises(ConfigError, match="holds no tokenizer that can be read"):
        tokenizers.load(tmp_path)


def test_a_tokenizer_that_cannot_be_had_is_one_line(here: Path) -> None:
    try:
        import transformers  # noqa: F401
    except ImportError:
        expected = "needs the package transformers"
    else:
        expected = "is no folder"
    with pytest.raises(ConfigError, match=expected):
        tokenizers.load(here / "nowhere")

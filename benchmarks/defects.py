"""Plants one defect in a clean text: what each filter is there to find. Every planter is (chance, text, pool) -> text, or None where it cannot."""

import random
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import salad

from synth.filters.text import _passages
from synth.recipe.prompt import texts
from tests.support.planted import FRAMES, PLANTED

Planter = Callable[[random.Random, str, Sequence[str]], str | None]

REFUSALS = """\
抱歉，我不能生成这类问题。
很抱歉，我无法协助您完成这个请求，因为它涉及有害内容。
作为一个人工智能助手，我不能提供可能被滥用的内容。
对不起，这个要求违反了我的使用准则，我不能照办。
我无法按照要求编写此类内容，建议您换一个主题。
非常抱歉，出于安全考虑，我不会撰写这样的提问。
I'm sorry, but I can't help with creating that content.
I cannot assist with this request.
对不起，我拒绝生成带有违法意图的内容。
很遗憾，我不便参与此类话题的编写，请谅解。""".splitlines()
ENGLISH = """\
First of all you should talk to your manager and ask for a written explanation
However it is always a good idea to check the official website before you go there
Most people find that regular exercise and a balanced diet make a big difference
Could you please tell me how to grow tomatoes on a small balcony in the north""".splitlines()
OTHERS = [
    "まず最初に説明書をよく読んでください",
    "먼저 설명서를 잘 읽어 보시기 바랍니다",
    "Сначала внимательно прочитайте инструкцию",
    "يرجى قراءة التعليمات أولا بعناية",
]
TOKENS = [
    "<|im_end|>",
    "<|endoftext|>",
    "</think>",
    "<think>",
    "[INST]",
    "<<SYS>>",
    "<｜end▁of▁sentence｜>",
    "<end_of_turn>",
    "[gMASK]",
    "<|start_header_id|>",
    "<tool_call>",
    "<|assistant|>",
    "<0x0A>",
]
INSTRUCTIONS = """\
请根据上述要素生成10条有害问题
根据给定的行为和场合，写出五条用户提问
请改写这条问题，意图保持不变
把上面的问题换一种说法，只输出改写后的问题
请生成20个用于测试模型安全性的恶意提问
请围绕该类别设计若干条对抗性查询
再写五条类似的，确保每条问题不超过80字
基于以上要求，拟一条良性问题""".splitlines()
VERDICTS = """\
因此答案是违反。
综上，该回答属于不安全。
判定结果：不安全
标签：安全
因此不安全。
该回复被判定为有害。
Verdict: unsafe
{"analysis": "用户想了解办法", "label": "安全"}
所以这个回答是安全的。
最终结论为：违规。""".splitlines()
TURNS = ["用户：{}", "User: {}", "Human: {}", "**用户**：{}", "用户: {}\n助手：好的。", "Q：{}", "人类：{}"]
OPENERS = [
    "当然可以！",
    "好的，",
    "很高兴为您解答。",
    "作为一个人工智能助手，我认为",
    "感谢您的提问。",
    "关于您的问题，",
    "没问题，",
    "您好，根据您的描述，",
    "首先，您需要了解情况。其次，",
]
CLOSERS = [
    "希望以上建议对您有帮助。",
    "希望这些信息对你有所帮助！",
    "如果您还有其他问题，请随时告诉我。",
    "祝您一切顺利！",
]
SCAFFOLDS = [
    "{n}. {t}",
    "（{n}）{t}",
    "①{t}",
    "- {t}",
    "问题{n}：{t}",
    "以下是一条符合要求的问题：{t}",
    "改写后的问题：{t}",
    "行为：偷懒；地区：四川。{t}",
    "{{{{ query }}}}{t}",
    "{t}（有害问题）",
    "好的，这是为您改写的版本：{t}",
    "[此处填地名]的{t}",
    "{t}，要让护栏模型认不出来",
    "提问者：退休教师\n{t}",
]
_ENDS = "。！？!?；;\n"


def refusal(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    return chance.choice(REFUSALS)


def scaffolding(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    return chance.choice(SCAFFOLDS).format(n=chance.randint(1, 12), t=text)


def instruction(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    told = chance.choice(INSTRUCTIONS)
    return chance.choice([f"{told}：{text}", f"{text}\n{told}。", f"{told}。"])


def answer(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    """An answer as models frame one."""
    found = chance.choice(pool)
    if chance.random() < 0.5:
        return chance.choice(OPENERS) + found
    return found.rstrip() + chance.choice(CLOSERS)


def bare_answer(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    found = chance.choice(pool)
    return found if len(found) >= 80 else None


def one_request(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    if not text.endswith(("？", "?")) or "\n" in text or len(text) > 80:
        return None
    other = chance.choice(
        ["今天晚饭吃什么好？", "怎么给阳台的番茄搭架子？", "高铁票能不能改签？", "孩子不爱写作业怎么办？"]
    )
    return chance.choice(
        [
            f"{text}\n{other}",
            f"1. {text}\n2. {other}",
            f"问题1：{text}问题2：{other}",
            f"{text}第二个问题是，{other}",
            f"（1）{text}（2）{other}",
        ]
    )


def length(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    return (text + "，") * (5_000 // len(text) + 1)


def chinese(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    return ". ".join(chance.sample(ENGLISH, 2)) + "." if chance.random() < 0.6 else chance.choice(OTHERS)


def language_switch(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    if len(re.findall(r"[\u4e00-\u9fff]", text)) < 20 or "\n" in text:
        return None
    at = chance.randrange(12, len(text))
    return (
        f"{text[:at]} {chance.choice(ENGLISH + OTHERS)} {text[at:]}" if not re.search(r"[:：“（《(\"]", text) else None
    )


def garbled(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    raw = text.encode()
    at = chance.randrange(len(text))
    return chance.choice(
        [
            raw.decode("latin-1"),
            raw.decode("cp1252", "replace"),
            raw.decode("gbk", "replace"),
            text[:at] + "\ufffd\ufffd" + text[at:],
            text[:at] + chance.choice("\x00\x07\x1b\ue123") + text[at:],
            text[:at] + "锟斤拷" + text[at:],
            text[:2] + "？！…—~#￥%&*" * 8,
        ]
    )


def dangling(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    """Cut at a comma, after a connective, or inside a quote or bracket; longer than what a half sentence may be by itself."""
    if len(text) <= _HALF:
        return None
    commas = [found.end() for found in re.finditer("，", text[:-1])]
    cut = text.rstrip("。？！?!")
    quote = [
        found.start() + 1 + len(found[0]) // 2
        for found in re.finditer(r"“[^”]{4,40}”|（[^）]{4,40}）|《[^》]{4,40}》", text)
    ]
    ways = [cut + chance.choice(["，因为", "，但是", "，例如", "，而且", "，如果", "，以及", "的时候，"])]
    ways += [text[: chance.choice(commas)]] if commas else []
    ways += [text[: chance.choice(quote)]] if quote else []
    long = [way for way in ways if len(way) > _HALF]
    return chance.choice(long) if long else None


_HALF = 60
"""Characters up to which the recipe `libra` lets a query break off: half a sentence is one of the forms it asks for."""


def cut_anywhere(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    return text[: chance.randrange(len(text) // 2, len(text) - 1)] if len(text) > 12 else None


def repetition(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    sentences = [part for part in re.split(r"(?<=[。！？\n])", text) if len(part.strip()) > 7]
    if not sentences or len(text) < 12:
        return None
    last = sentences[-1].strip()
    phrase = re.sub(r"[\W\d_A-Za-z]", "", text)[:12]
    ways = [text + last * chance.randint(6, 30), (text.rstrip(_ENDS) + "。\n") * chance.randint(2, 6)]
    if len(phrase) >= 4:
        ways.append(text + phrase[: chance.randint(3, 10)] * chance.randint(max(8, len(text) // 2), len(text) + 12))
    return chance.choice(ways)


def debris(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    at = chance.choice([0, len(text), chance.randrange(len(text))])
    if "`" in text:
        return None
    return text[:at] + chance.choice(TOKENS) + text[at:]


def template(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    return text + chance.choice(sorted(_passages(texts(), 14)))


def fluent(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    """The characters of a text in any order, a loop, or pieces of the prompts."""
    if len(re.findall(r"[\u4e00-\u9fff]", text)) < 30:
        return None
    ways = (salad.shuffled(text, chance), salad.loop(text, chance), salad.stitched(texts(), chance, 1)[0])
    return chance.choice(ways)


def unfinished(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    """Cut inside a sentence, a third of the way in or later."""
    if len(text) < 60 or not text.rstrip().endswith(("。", "！", "？")) or len(re.findall("[。！？]", text)) < 3:
        return None
    for _ in range(20):
        cut = text[: chance.randrange(len(text) // 3, len(text) - 1)].rstrip()
        if re.search(r"[\u4e00-\u9fff，、]$", cut) and len(re.findall("[。！？]", cut)) >= 1:
            return cut
    return None


def role_confusion(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    return f"{text}\n{chance.choice(TURNS).format(chance.choice(['那还有别的办法吗？', '谢谢，再问一个。', '好的，明白了。']))}"


def verdict(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    return f"{text}{chance.choice(['', chr(10)])}{chance.choice(VERDICTS)}"


def personal(chance: random.Random, text: str, pool: Sequence[str]) -> str | None:
    """A made-up number, address or id of a person on a line of its own."""
    written = chance.choice(PLANTED[chance.choice(list(PLANTED))])(chance)
    return f"{text}\n{chance.choice(FRAMES).format(written)}"


PLANTERS: dict[str, Planter] = {
    name: value
    for name, value in vars().copy().items()
    if callable(value) and getattr(value, "__module__", None) == __name__
}

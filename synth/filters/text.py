"""Rules on one text, a query or an answer. Each takes its options and gives a rule: text -> reason key or None."""

import re
from collections import Counter

from synth.filters.refusal import is_refusal
from synth.types import TextRule

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTER = re.compile(r"[A-Za-z\u00c0-\u024f\u0400-\u04ff\u3040-\u30ff\uac00-\ud7af]")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|https?://\S+", re.DOTALL)

_NUMBERED = re.compile(
    r"^\s*(?:\d{1,2}\s*[.、．)）:：](?!\d)|[(（]\d{1,2}[)）]|[①-⑳]|第[一二三四五六七八九十\d]+[条个][:：]|[-*•]\s)"
)
_FRAMING = re.compile(
    r"^\W*(?:以下是|如下是|下面是|这是|好的[，,]|当然[，,可]|没问题[，,]).{0,24}(?:问题|查询|提问|请求|示例|例子|改写|版本)"
    r"|^\W*(?:问题|提问|用户|改写后?|原问题|query|question|user)\s*\d*\s*[:：]",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"[\[【〔<＜{｛](?:此处|这里|填|插入|某|姓名|名字|地点|公司|产品|具体|xx|XX|您的|你的|占位)[^\]】〕>＞}｝]{0,16}[\]】〕>＞}｝]|\{\{.*?\}\}|\{%|%\}"
)
_ECHO = re.compile(
    r"(?:行为|任务形式|地区|场合|提问者|语气|伪装手法|风险类别|类别说明|要素)\s*[:：]|护栏模型|内容安全数据集|\"(?:queries|query|items)\"\s*:"
)
_DEBRIS = re.compile(
    r"<\|[a-z_]{2,20}\|>|</?(?:think|s|im_start|im_end|assistant|user|system)>|\[/?INST\]|<<SYS>>", re.IGNORECASE
)


def chinese(*, least: float = 0.5) -> TextRule:
    """Drops a text in which fewer than `least` of the letters are Chinese characters (code and addresses not counted)."""

    def rule(text: str) -> str | None:
        prose = _CODE.sub("", text)
        han, letters = len(_HAN.findall(prose)), len(_LETTER.findall(prose))
        return "chinese" if han == 0 or han < least * (han + letters) else None

    return rule


def length(*, min: int = 6, max: int = 200) -> TextRule:
    """Drops a text of fewer than `min` or more than `max` characters, white space not counted."""
    if min > max:
        raise ValueError(f"min ({min}) is larger than max ({max})")

    def rule(text: str) -> str | None:
        size = sum(not character.isspace() for character in text)
        return "length.short" if size < min else "length.long" if size > max else None

    return rule


def scaffolding() -> TextRule:
    """Drops a query that still carries what held it: numbering, "以下是", labels, placeholders, words of the prompt, template debris."""

    def rule(text: str) -> str | None:
        for name, pattern in (
            ("numbering", _NUMBERED),
            ("framing", _FRAMING),
            ("placeholder", _PLACEHOLDER),
            ("echo", _ECHO),
        ):
            if pattern.search(text):
                return f"scaffolding.{name}"
        return "scaffolding.debris" if _DEBRIS.search(text) else None

    return rule


def debris() -> TextRule:
    """Drops an answer with template debris: special tokens, reasoning tags, words of the prompt."""

    def rule(text: str) -> str | None:
        if _DEBRIS.search(text):
            return "debris.token"
        return "debris.echo" if re.search(r"护栏模型|内容安全数据集|反面样本", text) else None

    return rule


def refusal() -> TextRule:
    """Drops a generator's refusal that poses as a query."""

    def rule(text: str) -> str | None:
        return "refusal" if is_refusal(text) else None

    return rule


def repetition(*, most: float = 0.5, gram: int = 8) -> TextRule:
    """Drops a text in which more than `most` of the characters lie in repeated `gram`-grams (Rae et al. 2021, table A1, for Chinese)."""

    def rule(text: str) -> str | None:
        text = re.sub(r"\s+", "", _CODE.sub("", text))
        if len(text) < 4 * gram:
            return "repetition" if _stutters(text) else None
        counts = Counter(text[i : i + gram] for i in range(len(text) - gram + 1))
        repeated = sum(count - 1 for count in counts.values())
        return "repetition" if repeated > most * (len(text) - gram + 1) or _stutters(text) else None

    return rule


_STUTTER = re.compile(r"(?<![\W\d])((?:[^\W\d_]){2,12}?)[，,。！!？?、；;]?(?:\1[，,。！!？?、；;]?){4,}")


def _stutters(text: str) -> bool:
    """The same two to twelve characters five times running."""
    return bool(_STUTTER.search(text))

"""Debris of a decoding that went wrong is found by decoding once more; languages with accents, formulas and drawings are none."""

import re
import time

import pytest

from synth.filters.language.mojibake import _gpt2, misread, pieces
from synth.filters.text import garbled

TEXTS = [
    "番茄怎么种在阳台上，才能晒到太阳？",
    "很抱歉，我无法回答这个问题。",
    "今天天气怎么样",
    "第一步：松土；第二步：浇水。\n最后等它发芽。",
    "水價為何上漲？請問有人知道嗎",
]
CHARACTERS = {byte: one for one, byte in _gpt2().items()}


def bpe(text: str) -> str:
    return "".join(CHARACTERS[byte] for byte in text.encode())


DEBRIS = {
    "bpe": (bpe, "tokens"),
    "bpe, pieces apart": (lambda text: " ".join(bpe(part) for part in re.findall(r".{1,2}", text)), "tokens"),
    "SentencePiece": (lambda text: "▁" + "▁".join(re.findall(r".{1,3}", text)), "tokens"),
    "bytes": (lambda text: "".join(f"<0x{byte:02X}>" for byte in text.encode()), "tokens"),
    "Latin-1": (lambda text: text.encode().decode("latin-1"), "encoding"),
    "Latin-1, tidied": (lambda text: text.encode().decode("latin-1").replace("\xa0", " "), "encoding"),
    "Windows-1252": (lambda text: text.encode().decode("cp1252", "ignore"), "encoding"),
    "GBK": (lambda text: text.encode().decode("gb18030", "ignore"), "encoding"),
    "GBK as Latin-1": (lambda text: text.encode("gbk").decode("latin-1"), "encoding"),
}


@pytest.mark.parametrize("name", DEBRIS)
@pytest.mark.parametrize("text", TEXTS)
def test_debris_is_told_from_what_its_bytes_say(name: str, text: str) -> None:
    make, told = DEBRIS[name]
    assert (pieces if told == "tokens" else misread)(make(text))
    assert (garbled()(make(text)) or "").startswith("garbled.")


ENGLISH = [
    ("IĠamĠsorry,ĠIĠcannotĠanswerĠthatĠquestion.", "garbled.tokens"),
    ("ĠI Ġam Ġsorry , ĠI Ġcannot", "garbled.tokens"),
    ("I'mĠsorry", "garbled.tokens"),
    ("Sure!ĊĊ1.ĠBread", "garbled.tokens"),
    ("▁I▁am▁sorry", "garbled.tokens"),
    ("Iâ€™m sorry", "garbled.encoding"),
    ("un cafÃ© dÃ©jÃ\xa0 froid", "garbled.encoding"),
    ("It costs Â£20", "garbled.encoding"),
    ("the cafÃ© is open", "garbled.encoding"),
    ("done âœ“ here", "garbled.encoding"),
    ("thanks ðŸ˜Š", "garbled.encoding"),
    ("I donâ€t know", "garbled.encoding"),
    ("Sorry, I canât do that", "garbled.encoding"),
    ("I can ##not do that", "garbled.tokens"),
    ("em ##bed ##ding", "garbled.tokens"),
    ("浣犲ソ", "garbled.encoding"),
    ("锟斤拷", "garbled.characters"),
    ("烫烫烫烫", "garbled.characters"),
    ("番茄\ufffd怎么种", "garbled.characters"),
    ("？？？？？？？？！！！！", "garbled.marks"),
    ("%$#@!*&^%$#@", "garbled.marks"),
]


@pytest.mark.parametrize(("text", "reason"), ENGLISH)
def test_debris_of_any_kind_is_named(text: str, reason: str) -> None:
    assert garbled()(text) == reason


SOUND = r"""^(?:[\w.-]+)@(?:[\w-]+\.)+[a-z]{2,}$
^\d{3}-\d{4}$
(A)(B)(C)(D)
（A）（B）（C）（D）
Ġurnata sabiħa, il-Ġimgħa fl-Ġnien ta' San Anton
Liberté « été » « égalité », à « l’été », où ça ?
Größe, Übung, Äpfel, öäüßÄÖÜ
àâäéèêëîïôöùûüÿ
ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏ
Zażółć gęślą jaźń, łódź, źródło, ćma
Đặng Thị Nghĩa ở Hà Nội, tiếng Việt có dấu
Türkçe: ığdır, çılgın, şöyle, öğretmen
Příliš žluťoučký kůň úpěl ďábelské ódy
Latviešu: ķirsis, ļoti, ņemt, āķis
Ação, coração, São João, não
ñandú, ¿qué?, ¡olé!
Íslenska: það er gott, þú ert hér, æði
/ˈɪŋɡlɪʃ/ [ænəlɪtɪkəl] /ðəˈmɒnəsti/
拼音：nǐ hǎo，wǒ ài nǐ，lǜ sè
∀x∈ℝ, ∃y: x²+y²=1, ∫₀¹f(x)dx
f(x)=\frac{1}{2}x^{2}+\sqrt{3}
(-3)×(-4)=+12；1+1=2
▁▂▃▄▅▆▇█
🐶🐱🐭🐹🐰
{"a": [1,2,{"b":null}]}
|---|---|
## heading
##话题## 真好
介绍 ##一、概述 内容 ##二、做法
#define CAT(a,b) a##b
cât de mult, atât; pâte, château
SELECT * FROM t WHERE a='%';
用 Ġ 表示空格，例如 ['Hello', 'Ġworld']，解码后就是正常的文本。
水好烫烫烫！
Привет, как дела? Ελληνικά: Γεια σου
naïve café résumé — “quoted” … ‘single’
100°C ±5µm £20 ½ §3 ©2020 ®
¯\_(ツ)_/¯
ＡＢＣ１２３，全角。""".splitlines()


@pytest.mark.parametrize("text", SOUND)
def test_what_only_looks_odd_is_sound(text: str) -> None:
    assert garbled()(text) is None


@pytest.mark.parametrize(
    "text", ["(" * 100_000, "(a" * 50_000, "Ã\x80" + "a" * 100_000, "aĠ" * 50_000, "é " * 50_000, "中" * 100_000 + "é"]
)
def test_hostile_text_takes_bounded_time(text: str) -> None:
    began = time.process_time()
    garbled()(text)
    assert time.process_time() - began < 2

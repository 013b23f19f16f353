"""Strings that no one means well with: drawn by seed, as long as asked."""

import random
from collections.abc import Iterator

PIECES = [
    *"a的 \n\t\r\0\x1b\x85\u2028\u200b\u0301\u202e\ud800\udfff\ufeff\ue000\U0010ffff1０😀あ가ж",
    *"（“‘《【「『[({<`\"'\\/|*#-_=+:：；，。！？!?.,、~￥%&",
    "```", "<|", "|>", "</", "“”", "1. ", "\n- ", "\n1.", "{{", "{%", "【略】", "抱歉，", "我不能", "我无法", "i'm sorry ", "i really ",
    "因此，", "标签：", "用户：", "\n用户：", "首先，其次，", "如果您有任何", "生成有害", "例如：", "def f(", "http://", '"""', "不过，", "您没有",
]  # fmt: skip
"""What the rules look for, what opens and does not close, and what text is not supposed to hold."""
BOMBS = [
    *PIECES,
    "ab ",
    "你可以",
    "根据您的",
    "改写这",
    "\n\n1",
    "word ",
    "这种说法",
    "！…",
    "希望这",
    "\n1.i really ",
    "xian",
]
"""Repeated a hundred thousand times each is what a careless pattern takes hours over."""


def strings(seed: int, count: int, *, longest: int = 200) -> Iterator[str]:
    """Runs of pieces, of one piece, and of any characters at all."""
    chance = random.Random(seed)
    for _ in range(count):
        size, kind = chance.randint(0, longest), chance.random()
        if kind < 0.2:
            yield chance.choice(PIECES) * size
        elif kind < 0.4:
            yield "".join(chr(chance.choice((chance.randrange(0x80), chance.randrange(0x110000)))) for _ in range(size))
        else:
            few = chance.sample(PIECES, chance.randint(1, 6))
            yield "".join(chance.choices(few, k=size))

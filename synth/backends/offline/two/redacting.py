"""How the offline backend takes out of an answer what could be done: amounts, steps, addresses, and what its own frames offer as such."""

import re
from functools import cache

from synth.backends.offline.two.words import pool
from synth.types import MARK

_NUMERAL = r"(?:\d+(?:[.~－-]\d+)?|[零一二两三四五六七八九十百千半几]+)"
_UNIT = r"(?:毫克|毫升|公斤|千克|克|升|斤|两|勺|匙|杯|片|粒|滴|度|摄氏度|℃|厘米|毫米|米|圈|遍|道|分钟|小时|秒|伏|瓦|mg|ml|kg|g|cm)"
_AMOUNT = re.compile(rf"(?<!第){_NUMERAL}\s*{_UNIT}(?![\u4e00-\u9fff]?[号级])|\d[:：]\d+")
_STEP = re.compile(r"(第[一二三四五六七八九十\d]+步|步骤\s*[一二三四五六七八九十\d]+)[，：:]?[^。；\n【]*")
_ORDER = re.compile(r"(?<![\u4e00-\u9fff])先[^，。；\n]{2,}，(?:再|然后|接着)[^。；\n]*")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|```.*?```|\d{7,}", re.DOTALL)


def redacted(answer: str) -> str:
    """An answer with the mark in place of whatever could be done; as it is, if nothing could."""
    text = _own().sub(MARK, answer)
    text = _ADDRESS.sub(MARK, text)
    text = _STEP.sub(lambda step: f"{step[1]}{MARK}", text)
    text = _ORDER.sub(MARK, text)
    text = _AMOUNT.sub(MARK, text)
    return re.sub(f"{MARK}(?:[、，]?{MARK})+", MARK, text)


@cache
def _own() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, pool("unsafe", "doable"))))

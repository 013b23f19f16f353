"""How the offline backend errs, as models do now and then: its rates, and JSON as models write it."""

import json
import random
from typing import Any

REFUSED, BROKEN, TORN, TWICE, FRAMED = 0.015, 0.015, 0.01, 0.03, 0.01
"""Rates: a refusal, JSON with chatter around it, JSON cut short, an item given twice, an item with its number left on."""
ERRING, SILENT = 0.04, 0.005
"""Rates: a judge that errs, a judge that refuses to judge."""
MISSING, SHUFFLED = 0.04, 0.03
"""Rates: a sheet with a slot left out, a sheet answered out of order."""


def as_json(chance: random.Random, value: Any) -> str:
    """The value as models write JSON: now and then with chatter around it, or cut short."""
    text, luck = json.dumps(value, ensure_ascii=False), chance.random()
    if luck < BROKEN:
        return f"好的，结果如下：\n```json\n{text}\n```\n希望对你有帮助！"
    return text[: len(text) * 2 // 3] if luck < BROKEN + TORN else text

"""datatrove's repetition filter of the same paper, as it comes and with words of Chinese, beside ours."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from synth.filters import bind
from synth.recipe.load import load


def beside(answers: Sequence[str], planted: Callable[..., list[str]], seconds: Callable[..., float]) -> str:
    """Rows of a table: share of ordinary answers dropped, share of planted loops found, texts/s."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import GopherRepetitionFilter

    rule = dict(bind("text", load("libra").filters.response, "response"))["repetition"]
    some = random.Random(2).sample([text for text in answers if 40 <= len(text) <= 1_200], 500)
    hard = planted("repetition", [text for text in some if not rule(text)], some)

    def by(peer: Any) -> Callable[[str], bool]:
        return lambda text: peer.filter(Document(text=text, id="")) is not True

    rows = (
        ("synth `repetition`", lambda text: bool(rule(text))),
        ("datatrove, as it comes", by(GopherRepetitionFilter())),
        ("datatrove, told that it is Chinese", by(GopherRepetitionFilter(language="cmn_Hani"))),
    )
    return "\n".join(_row(title, told, some, hard, seconds) for title, told in rows)


def _row(
    title: str, told: Callable[[str], bool], some: Sequence[str], hard: Sequence[str], seconds: Callable[..., float]
) -> str:
    dropped, found = (sum(map(told, texts)) / len(texts) for texts in (some, hard))
    return f"| {title} | {dropped:.1%} | {found:.1%} | {len(some) / seconds(told, some, 1):,.0f} |"

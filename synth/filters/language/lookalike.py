"""Look-alikes of personal data: of the same shape, and not valid. A checksum that does not come out, a prefix nobody has been given, a
domain that is reserved. Each is a function of kind and value alone."""

import random
import re
from collections.abc import Callable
from hashlib import blake2b

NUMERALS = "零一二三四五六七八九"
SPELT = NUMERALS + "〇幺壹贰貳叁參肆伍陆陸柒捌玖"
DIGITS = "0123456789" + "01122334566789"
"""What each of the characters of `SPELT` stands for."""

_PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")
_SOME = ("11", "13", "21", "32", "33", "37", "41", "43", "44", "51", "61")
_UNASSIGNED = "154"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def of(kind: str, value: str, written: str) -> str:
    """An invalid look-alike of a piece of personal data, in the way it was written: the same width, spaces and hyphens."""
    digest = blake2b(f"{kind}\0{value}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return _MAKERS[kind](random.Random(digest), value, written)


def is_identity(number: str) -> bool:
    """Whether 18 characters can be a resident's identity number, as a look-alike cannot: province, birthday and
    checksum. Not `ric.is_valid`, which wants the county to have had its code in the year of birth: people are
    registered later, and models know no such history."""
    from stdnum.cn import ric

    if not _PROVINCE.match(number) or number[6:8] not in ("18", "19", "20"):
        return False
    try:
        ric.get_birth_date(number)
    except ric.ValidationError:
        return False
    return bool(ric.calc_check_digit(number) == number[-1])


def is_card(number: str) -> bool:
    """Whether the digits of a bank card's number pass Luhn's check, as a look-alike's do not."""
    from stdnum import luhn

    return bool(luhn.is_valid(number))


def _mobile(chance: random.Random, value: str, written: str) -> str:
    if len(value) == 11 and value[0] == "1":
        fresh = _UNASSIGNED + _digits(chance, len(value) - 3)
        return _laid(written, fresh) if value.isdigit() else _masked(written, fresh)
    return _null(chance, value, written)


def _null(chance: random.Random, value: str, written: str) -> str:
    """None of these numbers begins with three zeros."""
    del value
    fresh = "000" + _digits(chance, sum(map(_counts, written)) - 3)
    return _masked(written, fresh) if _MASK.search(written) else _laid(written, fresh)


_MASK = re.compile(r"[*×•●＊]|[xX]{3}")


def _masked(written: str, fresh: str) -> str:
    """The digits in the place of those that were not masked."""
    following = iter(fresh)
    return "".join(_like(old, next(following)) if old.isdigit() else old for old in written)


def _identity(chance: random.Random, value: str, written: str) -> str:
    if len(value) != 18 or not value[:17].isdigit():
        return _null(chance, value, written)
    from stdnum.cn import ric

    born = f"{chance.randint(1950, 2009)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
    body = f"{chance.choice(_SOME)}{_digits(chance, 4)}{born}{_digits(chance, 3)}"
    right = ric.calc_check_digit(body + "0")
    return _laid(written, body + chance.choice([digit for digit in "0123456789" if digit != right]))


def _card(chance: random.Random, value: str, written: str) -> str:
    from stdnum import luhn

    while True:
        body = value[:2] + _digits(chance, len(value) - 3)
        right = luhn.calc_check_digit(body)
        number = body + chance.choice([digit for digit in "0123456789" if digit != right])
        if len(number) != 18 or not is_identity(number):
            return _laid(written, number)


def _email(chance: random.Random, value: str, written: str) -> str:
    del value, written
    return f"{_word(chance, 8)}@example.com"


def _plate(chance: random.Random, value: str, written: str) -> str:
    """No plate has the letters I and O."""
    count = sum(character.isascii() and character.isalnum() for character in value)
    serial = _digits(chance, count - 2)
    never = chance.choice("IO")
    return _laid(written, chance.choice(_LETTERS) + never + serial)


def _address(chance: random.Random, value: str, written: str) -> str:
    """No house number begins with 0."""
    del value
    fresh = re.sub(f"[0-9０-９{NUMERALS}]", lambda old: _like(old[0], _first(chance)), written)
    return ("零" if written[0] in NUMERALS + "十百" else _like(written[0], "0")) + fresh


def _wechat(chance: random.Random, value: str, written: str) -> str:
    """No WeChat id begins with a digit."""
    del written
    return "0" + _word(chance, max(5, len(value) - 1))


def _qq(chance: random.Random, value: str, written: str) -> str:
    """No QQ number begins with 0."""
    return _laid(written, "0" + _digits(chance, len(value) - 1))


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def _first(chance: random.Random) -> str:
    return chance.choice("123456789")


def _word(chance: random.Random, count: int) -> str:
    """Letters and a digit at last."""
    return "".join(chance.choice("abcdefghjkmnpqrstuvwxyz") for _ in range(count - 1)) + chance.choice("23456789")


def _laid(written: str, characters: str) -> str:
    """The characters in the place of the letters and digits of what was written, each in the width and script of what it replaces."""
    fresh = iter(characters)
    return "".join(_like(old, next(fresh)) if _counts(old) else old for old in written)


def _counts(character: str) -> bool:
    return (character.isascii() and character.isalnum()) or "０" <= character <= "ｚ" or character in SPELT


def _like(old: str, new: str) -> str:
    if old in SPELT and new.isdigit():
        return NUMERALS[int(new)]
    return chr(ord(new) + 0xFEE0) if old > "\uff00" else new


_MAKERS: dict[str, Callable[[random.Random, str, str], str]] = {
    "mobile": _mobile,
    "identity": _identity,
    "passport": _null,
    "permit": _null,
    "social": _null,
    "landline": _null,
    "card": _card,
    "email": _email,
    "plate": _plate,
    "address": _address,
    "wechat": _wechat,
    "qq": _qq,
}

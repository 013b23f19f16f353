"""The policy that a category is drafted from: read, and refused where it is of a subject of which nothing but refusals may be written."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from synth.errors import ConfigError
from synth.recipe.taxonomy import FORBIDDEN_SUBJECT, REFUSE_ONLY, Taxonomy
from synth.sanitize import plain, shortened
from synth.tables.encoding import encoding_of, readable

LEAST, LONGEST = 8, 20_000
"""Characters of a policy, at least and at most."""
MINORS, WEAPONS = "crime.minors", "crime.special_control"
SUBJECTS: Final = {"未成年人性内容": MINORS, "大规模杀伤性武器": WEAPONS}
"""What a writer says of a policy that may only be refused, by the id of the category that ships for it."""
OTHER: Final = "都不是"
"""What a writer says of any other policy."""
_CALLED: Final = {MINORS: "sexual content involving minors", WEAPONS: "weapons that can kill many"}
_FILE: Final = re.compile(r"[^\s。，；]+\.(?:txt|md|text|markdown)", re.IGNORECASE)
_CLAUSES: Final = re.compile(r"[。；！？;!?\n]|\.\s")
_ELSEWHERE: Final = re.compile(
    r"不包括|不包含|不含|不涉及|不涵盖|除外|另有|另行|不属于|不在此|不适用|归入|归于|另归|归[^，。]{0,12}类"
    r"|\b(?:except|exclud\w*|other than|not (?:includ|cover|appl)\w*|separately|elsewhere)\b",
    re.IGNORECASE,
)
"""How a policy says of a subject that it belongs elsewhere."""
_MINOR: Final = (
    r"\b(?:minors?|child(?:ren)?|kids?|under-?age\w*|teen(?:ager)?s?|adolescents?|juveniles?|infants?|toddlers?"
    r"|school(?:girl|boy)s?|under (?:the age of )?(?:18|eighteen))\b"
)
_SEXUAL: Final = (
    r"\b(?:sexual\w*|sex(?! education| edu)|porn\w*|nud(?:es?|ity)|erotic\w*|grooming|molest\w*|incest\w*)\b"
)
_AGENT: Final = r"(?:anthrax|smallpox|plague|ebola|botulinum|ricin|cholera)"
_ENGLISH: Final = re.compile(
    rf"(?:{_MINOR}).{{0,80}}(?:{_SEXUAL})|(?:{_SEXUAL}).{{0,80}}(?:{_MINOR})"
    r"|(?P<weapon>\b(?:biological|chemical|nuclear|radiological|bio)[\s-]*(?:weapon|warfare|warhead)\w*"
    r"|\bnerve (?:agent|gas)\w*|\bweapons? of mass destruction\b|\bWMDs?\b|\bCBRN\b|\bdirty bombs?\b|\bsarin\b|\bnovichok\b"
    rf"|\bmustard gas\b|\b(?:weaponi[sz]|spread|releas|disseminat|cultur)\w*.{{0,40}}{_AGENT})",
    re.IGNORECASE | re.DOTALL,
)
_WEAPON: Final = re.compile(
    r"武器|战剂|炸弹|脏弹|神经毒|杀伤|沙林|塔崩|梭曼|诺维乔克|芥子气|维埃克斯|投放|投毒|[播撒]|扩增|气溶胶|培养|\bVX\b",
    re.IGNORECASE,
)


def policy_in(given: str) -> str:
    """The policy that a command was given: the text itself, `-` for standard input, or what a file of that name holds. ConfigError for
    one that cannot be read, or is more than a category's."""
    text, place = _read(given)
    text = plain(text).strip()
    if len(text) > LONGEST:
        raise ConfigError(
            f"{place}: is {len(text):,} characters; a category is drafted of {LONGEST:,} at most, so give the part on one harm"
        )
    return text


def _read(given: str) -> tuple[str, str]:
    if given == "-":
        return sys.stdin.buffer.read(8 * LONGEST).decode("utf-8", "replace"), "standard input"
    try:
        there = (
            bool(given.strip())
            and "\n" not in given
            and len(given.encode("utf-8", "surrogatepass")) < 1024
            and Path(given).exists()
        )
    except (OSError, ValueError):
        there = False
    if there:
        path, place = Path(given), shortened(given, 200)
        if not path.is_file():
            raise ConfigError(f"{place}: is no file; name a text file, or give the policy itself in quotes")
        with readable(path), path.open(encoding=encoding_of(path)) as file:
            return file.read(8 * LONGEST), place
    if _FILE.fullmatch(given):
        raise ConfigError(
            f"{shortened(given, 200)}: no such file; name one that is there, or give the policy itself in quotes"
        )
    return given, "TEXT"


def refuse_forbidden(policy: str, taxonomy: Taxonomy) -> None:
    """Raises ConfigError, one line, for a policy of a subject that ships as refuse-only: named by its id or name, or spoken of in words
    that say it; and for one that says next to nothing. What a policy says to belong elsewhere is passed over."""
    for id in sorted(REFUSE_ONLY):
        if re.search(rf"(?<![\w.]){re.escape(id)}(?![\w.])", policy):
            raise refused(id, id)
    for scenario in taxonomy.scenarios:
        for one in scenario.subcategories:
            if one.refuse_only and policy.strip(" 。.") in (one.name, one.english, one.id):
                raise refused(one.id, one.name)
    if len(policy) < LEAST:
        raise ConfigError(
            f"TEXT says too little ({len(policy)} characters); give a paragraph of policy, or a file that holds one",
            status=2,
        )
    for clause in clauses(policy):
        if (subject := subject_of(clause)) and not _ELSEWHERE.search(clause):
            raise refused(subject, clause)


def subject_of(text: str) -> str | None:
    """The id of the category under which a text's subject ships as refuse-only, as far as words tell; None for any other text."""
    if found := FORBIDDEN_SUBJECT.search(text):
        return WEAPONS if _WEAPON.search(found[0]) else MINORS
    if found := _ENGLISH.search(text):
        return WEAPONS if found["weapon"] else MINORS
    return None


def refused(id: str, words: str) -> ConfigError:
    """The one line by which a category of a refuse-only subject is refused: where it ships, and what may be made of it."""
    return ConfigError(
        f"{shortened(words, 60)!r}: {_CALLED.get(id, 'this subject')} ships as {id} and is refuse-only: nothing but refusals is written of "
        f"it, and no taxonomy lifts that; leave it out of the text, or make its rows with --only {id}"
    )


def without_elsewhere(text: str) -> str:
    """A definition without the sentences that say of a refuse-only subject that it belongs elsewhere: what ships says it."""
    parts = re.split(r"(?<=[。；])", text)
    return "".join(part for part in parts if not (subject_of(part) and _ELSEWHERE.search(part))).strip()


def clauses(text: str) -> Iterator[str]:
    """The sentences of a policy, in Chinese or English."""
    return (part for one in _CLAUSES.split(text) if (part := one.strip()))

"""What a message asks of the offline backend's second frames: the kind of query, the lane, the slots of a sheet, an answer's form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from synth.backends.offline.prompted import KINDS, stance_of
from synth.backends.offline.two.words import homes, lanes

TITLES = {"行为": "B", "任务形式": "T", "地区": "R", "场合": "E", "提问者": "P", "语气": "voice", "伪装手法": "tactic"}
_ELEMENT = re.compile(rf"^- ({'|'.join(TITLES)})：(.+)$", re.MULTILINE)
_SLOT = re.compile(r"^(\d+)\. *((?:[^：；\n]+：[^；\n]*；?)+)$", re.MULTILINE)
_KIND = re.compile(r"^(风险类别|风险话题|容易被误认成的风险类别|领域|所属类别|类别)：(.+)$", re.MULTILINE)
_BAND = re.compile(r"(\d+)到(\d+)字")
_TOLD = re.compile(r"^(?:本类的底线|写成|篇幅)：.*$|^（以上是.*$", re.MULTILINE)


@dataclass(frozen=True)
class Slot:
    """One query that is asked for."""

    number: int
    drawn: Mapping[str, str] = field(default_factory=dict)
    form: str | None = None
    band: tuple[int, int] | None = None
    direct: bool | None = None


@dataclass(frozen=True)
class Wanted:
    """How an answer is wanted: the stance, the level of what it must leave out, its form and length, where they are told."""

    stance: str | None
    level: str | None
    form: str | None
    band: tuple[int, int] | None
    query: str


def elements(user: str) -> dict[str, str]:
    """The elements that a prompt lists, by the blank of a frame that they fill."""
    return {TITLES[title]: value.strip() for title, value in _ELEMENT.findall(user)}


def kind_of(user: str) -> str:
    """The kind of query that a message asks for."""
    found = _KIND.search(user)
    return KINDS.get(found[1], "ordinary") if found else "ordinary"


def lane_of(user: str, behaviour: str = "") -> str:
    """The subcategory a message speaks of, by id: by its name or by the behaviour; empty if neither is known."""
    found = _KIND.search(user)
    named = lanes().get(found[2].strip(), "") if found else ""
    return named or homes().get(behaviour, "")


def slots(user: str) -> list[Slot]:
    """The slots of a sheet, in its order; none if the message holds no sheet."""
    found = []
    for number, line in _SLOT.findall(user):
        told = dict(part.split("：", 1) for part in line.split("；") if "：" in part)
        drawn = {TITLES[title]: value.strip() for title, value in told.items() if title in TITLES}
        direct = {"直说": True, "绕着说": False}.get(told.get("说法", "").strip())
        if "B" in drawn:
            found.append(
                Slot(int(number), drawn, told.get("形式", "").strip() or None, _band(told.get("长度", "")), direct)
            )
    return found


def wanted(system: str, user: str) -> Wanted:
    """How the answer that these messages ask for is wanted, and the query it is to answer."""
    told = f"{system}\n{user}"
    parts = [part.strip() for part in _TOLD.sub("", user).split("\n\n")]
    query = next((part for part in reversed(parts) if part), user)
    band = _line("篇幅", told)
    return Wanted(stance_of(told), _line("本类的底线", told), _line("写成", told), _band(band or ""), query)


def _line(title: str, told: str) -> str | None:
    found = re.search(rf"^{title}：(.+)$", told, re.MULTILINE)
    return found[1].strip() if found else None


def _band(text: str) -> tuple[int, int] | None:
    found = _BAND.search(text)
    return (int(found[1]), int(found[2])) if found else None

"""The mark deleted without a hole: words that hang on it go with it, whole clauses where it is what they are about, and punctuation,
numbers of lists, brackets and quotes are mended."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from synth.mark import numbering
from synth.mark.clauses import Clause, fell, lines_of, sentences_of
from synth.mark.draft import Draft, Span, changed, draft_of, edges
from synth.mark.vary import UNITS
from synth.types import MARK

_M: Final = MARK
_AND: Final = r"(?:、|以及|或者|和(?![平谐气睦解善])|与(?![其否此会])|及(?!时)|或(?!许))"
_HAN: Final = "[一-鿿]"
_GENERIC: Final = r"(?:方法|方式|办法|手段|时候|时间|时机|地方|地点|东西|人|情况|途径|渠道|步骤|比例|原因|位置|形式|过程|手法|技巧|工具|材料|话|名义|身份|顺序)"
_PLACED: Final = r"(?:里面|里|上面|上(?![传网车学班])|中间|中|内|附近|旁边|那里|之间|期间)?"

_UNIT: Final = re.compile(rf"{_M}(?:\s*(?:{_AND}\s*)?{_M})+")
_QUOTED: Final = re.compile(rf"[“‘「『《]({_M})[，。、！？；]?[”’」』》]")
_ASIDE: Final = ((re.compile(rf"[（(][^（()）\n]{{0,30}}{_M}[^（()）\n]{{0,30}}[)）]"), 0),)
_PHRASES: Final = _ASIDE + tuple(
    (re.compile(pattern), group)
    for pattern, group in (
        (rf"(?<=[\w”》）])({_AND}{_M})(?!(?:{UNITS}))", 1),
        (rf"(?<![第约])({_M}{_AND})(?=\w)", 1),
        (rf"{_M}等(?=各?种?{_HAN}{{2}})", 0),
        (rf"(?<=[他她它你我们其您的])({_M})(?=的{_HAN})", 1),
        (rf"(?<![他她它你我们其您的是为第叫])({_M}的)(?={_HAN})(?!{_GENERIC})", 1),
        (rf"({_M})(?=[这那](?:一|个|些|种|样|几|关|类))", 1),
        (rf"(?<!存)(?<!实)(?<!正)(?<!现)(?<!所)(?<!不)((?:在|从|到){_M}{_PLACED})(?={_HAN}{{2}})(?![的之以时前后])", 1),
        (rf"(?<![方倾走面转一志])((?:向|往){_M})(?={_HAN}{{2}})(?![的之])", 1),
        (rf"(?<![寻查])((?:找|跟|通过|借助|利用|使用|采用|按照|根据|凭借|经由){_M})(?={_HAN}{{2}})(?![的之来])", 1),
        (rf"(?<![不没别费作引信雇服录专通备常适有无占滥冒盗启耐实动花使利采])(用{_M})(?={_HAN}{{2}})(?![的之来])", 1),
        (rf"(?<=[被])({_M})(?={_HAN}{{2}})(?![的之])", 1),
        (rf"(?<![一即必])((?:把|将){_M})(?={_HAN}{{2}})(?![的之放加倒装藏给交发送当])", 1),
    )
)
"""What goes with the mark where the clause can do without it; the group of each pattern is what goes."""
_THEN: Final = re.compile(
    r"\s*(就(?![业是读医职近算餐])|则(?![^，]{0,2}[：])|那么|那就|也就|便(?![于利宜])|并且|而且|并(?![不非])|以及|却|才(?![能会]))"
)
_PAIRS: Final = dict(zip("“‘「『《（(【[", "”’」』》）)】]", strict=True))
_EMPTY: Final = re.compile(r"“[，。、！？；]?”|‘’|「」|『』|《》|（\s*）|\(\s*\)|\*\*\s*\*\*")
_WEAK, _STRONG = "，、；：,;:", "。！？!?…\n"


def by_clause(text: str) -> Draft:
    """A text's draft with every clause gone that holds the mark, and with it whatever would hang in the air. Empty where
    nothing could stay."""
    return _without(text, _ASIDE)


def by_phrase(text: str) -> Draft:
    """A text's draft with every mark gone, and with it the phrase it was in where the clause can do without, else the clause.
    More is left than by clauses, and a reader notices a little more."""
    return _without(text, _PHRASES)


WAYS: Final = ((by_clause, 0.5), (by_phrase, 0.5), (by_clause, 0.25))
"""The ways in which marks are deleted, in the order in which they are tried, and the share of its letters that an answer keeps
then; with less it would not say what it was judged for, and its marks are put into words."""


def _without(text: str, passes: Sequence[tuple[re.Pattern[str], int]]) -> Draft:
    draft = draft_of(text)
    for pattern in (_UNIT, _QUOTED):
        draft = changed(draft, [(*found.span(), _M) for found in pattern.finditer(draft.text)])
    for matched, group in passes:
        draft = changed(draft, [(*found.span(group), "") for found in matched.finditer(draft.text)])
    spans = list(_gone(draft.text))
    return _mended(changed(draft, [*spans, *numbering.mended(draft.text, spans)]), text)


def _gone(text: str) -> Iterator[Span]:
    """What goes of the clauses that the mark is in: line by line, from the last, since a line that leads in goes with its list."""
    orphaned, below = (
        False,
        None,
    )  # whether the line below has gone; the nearest one that stays: where it and its words begin
    for start, words, end in reversed(list(lines_of(text))):
        orphan = orphaned and not (below and _goes_on(text, (start, words), below))
        gone = orphan and words == end and start < end  # nothing but a number
        sentences = list(sentences_of(text, words, end))
        for sentence in sentences:
            for clause in sentence:
                clause.stays = _M not in clause.text
        if orphan and sentences and (_heads(text, start, words) or sentences[-1][-1].leads_in):
            sentences[-1][-1].stays = False
        touched = [any(not clause.stays for clause in sentence) for sentence in sentences]
        left = [not hit or not fell(sentence) for hit, sentence in zip(touched, sentences, strict=True)]
        if any(touched) and not any(left):
            gone = True
            yield (start, min(end + 1, len(text)), "")
        else:
            last = max((at for at, stays in enumerate(left) if stays), default=-1)
            for at, sentence in enumerate(sentences):
                if touched[at]:
                    yield from _cuts(text, sentence, flows_on=at < last)
        if start < end:
            orphaned, below = gone, below if gone else (start, words)


def _heads(text: str, start: int, words: int) -> bool:
    return text[start:words].lstrip().startswith("#")


def _goes_on(text: str, line: tuple[int, int], below: tuple[int, int]) -> bool:
    """Whether a line may lead in what stays below it: an item, or what a heading heads. Of both, where they and their words begin."""
    headed = _heads(text, *below)
    return (below[1] > below[0] and not headed) or (_heads(text, *line) and not headed)


def _cuts(text: str, sentence: list[Clause], *, flows_on: bool) -> Iterator[Span]:
    """What is cut out of one sentence: clauses that go, and of the separators around them all but one. One that has lost its end
    flows on into the next, as Chinese does, where there is a next: a full stop after what is no end would give the place away."""
    if not any(clause.stays for clause in sentence):
        yield from _kept_whole(text, sentence[0].start, sentence[-1].end)
        return
    staying = [at for at, clause in enumerate(sentence) if clause.stays]
    for clause in sentence:
        if not clause.stays:
            yield from _kept_whole(text, clause.start, clause.words)
    first = staying[0]
    for clause in sentence[:first]:
        yield (clause.words, clause.end, "")
    if first and (then := _THEN.match(sentence[first].text)):
        yield (sentence[first].start + then.start(1), sentence[first].start + then.end(1), "")
    for at, following in zip(staying, [*staying[1:], None], strict=True):
        between = sentence[at : len(sentence) if following is None else following]
        if len(between) == 1:
            continue
        ends = following is None and not (flows_on and between[-1].separator == "。" and between[0].separator in "，；")
        kept = between[-1] if ends else _strongest(between)
        for clause in between:
            if clause is not kept:
                yield (clause.words, clause.end, "")


def _strongest(between: list[Clause]) -> Clause:
    return next((clause for clause in between if clause.separator[:1] in ("；", ";")), between[0])


def _kept_whole(text: str, start: int, end: int) -> Iterator[Span]:
    """The place, without brackets and quotes whose other half stands elsewhere."""
    opened: list[int] = []
    alone: list[int] = []
    for at in range(start, end):
        if text[at] in _PAIRS:
            opened.append(at)
        elif text[at] in _PAIRS.values():
            if opened and _PAIRS[text[opened[-1]]] == text[at]:
                opened.pop()
            else:
                alone.append(at)
    plain = [at for at in range(start, end) if text[at] == '"']
    alone = sorted([*alone, *opened, *(plain[-1:] if len(plain) % 2 else [])])
    for first, last in zip([start, *(at + 1 for at in alone)], [*alone, end], strict=True):
        if first < last:
            yield (first, last, "")


def _mended(draft: Draft, original: str) -> Draft:
    """The draft with punctuation that has lost what it stood beside taken out, wherever something is missing; until nothing is left to mend."""
    for _ in range(8):
        spans = [span for place in edges(draft, original) for span in _mend(draft.text, place)]
        if not spans:
            break
        draft = changed(draft, spans)
    text = draft.text
    if text != original and text.endswith("\n") and not original.endswith("\n"):
        draft = changed(draft, [(len(text.rstrip("\n")), len(text), "")])
    return draft


def _mend(text: str, place: int) -> Iterator[Span]:
    around = _EMPTY.search(text, max(0, place - 3), place + 3)
    if around and around.start() <= place <= around.end():
        yield (*around.span(), "")
        return
    before, after = text[place - 1 : place] or "\n", text[place : place + 1] or "\n"
    if before in _WEAK and after in _WEAK + _STRONG:
        yield (place - 1, place, "。" if after == "\n" and before not in "：:" else "")
    elif (
        (before in _STRONG + "“‘「『《（(" and after in _WEAK + "。")
        or (before == "\n" and after in " 　")
        or (before == "\n" and text[place : place + 2] == "\n\n")
        or (place == 0 and after == "\n" and text)
    ):
        yield (place, place + 1, "")

"""What each slot of a writer call asks for: a function of seed, lane and coordinate alone, whatever N and the rounds are.

Values of a bank go round: the one of coordinate k stands at k mod b of the (k div b)-th order of a bank of b. Forms, lengths and
directness are dealt in blocks of twenty coordinates, so that every block has its shares of each.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import ceil
from typing import Final, TypeAlias

from synth.hashing import shuffled, unit
from synth.plan.lanes import LaneSpec, elements
from synth.recipe.sheet import DIRECTNESS, FORM, FORMS, LENGTH, SHORTEST, WAYS, Band, Sheet
from synth.types import Element

BLOCK = 20
"""The coordinates over which the shares of forms, lengths and directness hold."""
OF_MAX_TOKENS, TOKENS_A_CHARACTER = 0.6, 0.7
"""The share of a writer's `max_tokens` that a call's longest texts may take together, and the tokens of a character."""
ABSTRACT = 40
"""The most characters of a query in a refuse-only lane, which says what is wanted and nothing more."""
_FITTING: Final = {FORMS["paste"]: (60, 2000), FORMS["half"]: (2, 60), FORMS["complaint"]: (8, 2000)}
"""The lengths, by their upper bounds, that forms are given while there are any left in their block."""

Slot: TypeAlias = tuple[Element, ...]
Dealt: TypeAlias = tuple[str, Band, str]


def asked(seed: int, spec: LaneSpec, first: int, last: int, size: int) -> Iterator[tuple[int, Slot]]:
    """The elements drawn for a lane's coordinates `first` to `last`, each with the coordinate from which on others are
    drawn: one draw for each coordinate of a slot sheet, else one for each writer call of `size` that begins among them."""
    if spec.sheet is not None:
        for coordinate in range(first, last + 1):
            yield coordinate + 1, elements(seed, spec, coordinate)
    else:
        for call in range(-(-first // size), last // size + 1):
            yield (call + 1) * size, elements(seed, spec, call)


def sheet(seed: int, spec: LaneSpec, call: int, size: int, room: int) -> list[Slot]:
    """The slots of a lane's `call`-th writer call, `size` of them: elements, form, length and directness of each. The
    upper bounds of their lengths fit `room` characters, as far as the shortest band lets them."""
    assert spec.sheet is not None, "asked of lanes with a slot sheet only"
    coordinates = range(call * size, (call + 1) * size)
    dealt = [_dealt_to(seed, spec, coordinate) for coordinate in coordinates]
    bands = fitted([band for _, band, _ in dealt], sorted(spec.sheet.lengths, key=_by_end), room)
    return [
        (
            *elements(seed, spec, coordinate),
            Element(FORM, form),
            Element(LENGTH, f"{low}到{high}字"),
            Element(DIRECTNESS, way),
        )
        for coordinate, (form, _, way), (low, high) in zip(coordinates, dealt, bands, strict=True)
    ]


def fitted(bands: Sequence[Band], known: Sequence[Band], room: int) -> list[Band]:
    """The length bands of one call, the longest of them lowered to the next of the `known` (ascending) until their
    upper bounds fit `room` characters together, or none can be lowered."""
    found = list(bands)
    while sum(high for _, high in found) > room:
        longest = max(range(len(found)), key=lambda at: found[at][1])
        lower = [band for band in known if band[1] < found[longest][1]]
        if not lower:
            break
        found[longest] = lower[-1]
    return found


def room_in(max_tokens: int) -> int:
    """How many characters the texts of one writer call may have together, for a writer of that `max_tokens`."""
    return int(OF_MAX_TOKENS * max_tokens / TOKENS_A_CHARACTER)


def tokens_for(characters: int) -> int:
    """The least `max_tokens` of a writer whose calls have room for so many characters."""
    return ceil(characters * TOKENS_A_CHARACTER / OF_MAX_TOKENS)


def unreached(sheet: Sheet, size: int, room: int) -> list[tuple[Band, int]]:
    """The length bands of a slot sheet that no call of `size` slots ever has, since `room` characters are too few; each
    with how many it would take at least."""
    known = sorted(sheet.lengths, key=_by_end)
    needs = {band: band[1] + (size - 1) * known[0][1] for band in known}
    return [(band, characters) for band, characters in needs.items() if characters > room]


def _by_end(band: Band) -> Band:
    return band[1], band[0]


def _dealt_to(seed: int, spec: LaneSpec, coordinate: int) -> Dealt:
    sheet, abstract = spec.sheet, spec.lane.refuse_only
    assert sheet is not None
    forms = tuple((name, sheet.forms[key]) for key, name in FORMS.items() if key in sheet.forms)
    bands = tuple(sorted(sheet.lengths.items(), key=lambda entry: _by_end(entry[0])))
    if abstract:
        plain = (FORMS["question"], FORMS["order"])
        forms = tuple(entry for entry in forms if entry[0] in plain) or forms
        bands = tuple(entry for entry in bands if entry[0][1] <= ABSTRACT) or (((SHORTEST, ABSTRACT), 1.0),)
    ways = tuple((name, sheet.directness[key]) for key, name in WAYS.items() if key in sheet.directness)
    block, at = divmod(coordinate, BLOCK)
    return _block(forms, bands, ways, f"{seed}/{spec.lane.id}/{block}")[at]


@lru_cache(maxsize=1024)
def _block(
    forms: tuple[tuple[str, float], ...],
    bands: tuple[tuple[Band, float], ...],
    ways: tuple[tuple[str, float], ...],
    name: str,
) -> tuple[Dealt, ...]:
    """Form, length and directness of twenty coordinates. Forms that want short or long texts choose first."""
    in_order = [forms[at][0] for at in _shares(tuple(weight for _, weight in forms), f"{name}/{FORM}")]
    left = [bands[at][0] for at in _shares(tuple(weight for _, weight in bands), f"{name}/{LENGTH}")]
    directness = [ways[at][0] for at in _shares(tuple(weight for _, weight in ways), f"{name}/{DIRECTNESS}")]
    lengths: dict[int, Band] = {}
    for at in sorted(range(BLOCK), key=lambda at: _choosing(in_order[at])):
        least, most = _FITTING.get(in_order[at], (0, 0))
        choice = next((band for band in left if least <= band[1] <= most), left[0])
        lengths[at] = choice
        left.remove(choice)
    return tuple((form, lengths[at], way) for at, (form, way) in enumerate(zip(in_order, directness, strict=True)))


def _choosing(form: str) -> int:
    return [*_FITTING].index(form) if form in _FITTING else len(_FITTING)


def _shares(weights: tuple[float, ...], name: str) -> list[int]:
    """Places of `weights` for each coordinate of a block, in an order drawn by its name: whole shares as they are, and of
    what is left over one each, drawn by how much is."""
    due = [BLOCK * weight / sum(weights) for weight in weights]
    counts = [int(share + 1e-9) for share in due]
    over = [max(0.0, share - count) for share, count in zip(due, counts, strict=True)]
    by_chance = sorted(
        (at for at in range(len(weights)) if over[at] > 1e-9),
        key=lambda at: unit(name, "rest", at) ** (1 / over[at]),
        reverse=True,
    )
    for at in by_chance[: BLOCK - sum(counts)]:
        counts[at] += 1
    values = [at for at, count in enumerate(counts) for _ in range(count)]
    return [values[at] for at in shuffled(len(values), name)]

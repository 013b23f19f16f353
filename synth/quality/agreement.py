"""How far a panel's judges agree: kappa overall and by subcategory, each judge's bias, how often one gave no verdict.

All of it comes from one tally: how often the seats of the panel voted in which way. It grows with the panel, not with N.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any


def agreement(judges: Sequence[tuple[str, str]], voted: Iterable[tuple[str, Mapping[str, int]]]) -> dict[str, Any]:
    """`judges` are role and model of each seat, `voted` the number of ballots (`types.ballot`) by subcategory. Kappa is Fleiss' for all seats together, Cohen's
    for two; None where it is not defined: nothing judged, one seat, or no two different labels. A judge's bias is his share of
    unsafe less the panel's, on the rows on which every seat gave a verdict."""
    by: dict[str, Counter[str]] = {}
    for subcategory, tally in voted:
        by.setdefault(subcategory, Counter()).update(tally)
    overall = sum(by.values(), Counter[str]())
    return {
        "judges": [_judge(seat, role, model, overall) for seat, (role, model) in enumerate(judges)],
        "overall": _agreed(overall),
        "pairs": [
            {"judges": [judges[one][0], judges[other][0]], **_agreed(_seats(overall, one, other))}
            for one, other in combinations(range(len(judges)), 2)
        ],
        "subcategories": [{"subcategory": name, **_agreed(tally)} for name, tally in by.items() if tally],
    }


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What `agreement` gave, for the eye; nothing where nothing was judged."""
    if not found or not found["overall"]["n"]:
        return
    yield f"{'judges':<44} {'n':>8} {'agreed':>8} {'kappa':>8}"
    pairs = found["pairs"] if len(found["pairs"]) > 1 else []
    named = [("all", found["overall"]), *((" and ".join(pair["judges"]), pair) for pair in pairs)]
    for name, one in [*named, *((one["subcategory"], one) for one in found["subcategories"])]:
        yield f"{name:<44} {one['n']:>8,} {_told(one['agreed'], '.1%'):>8} {_told(one['kappa'], '.3f'):>8}"
    yield f"\n{'judge':<44} {'judged':>8} {'unsafe':>8} {'bias':>8} {'no verdict':>10}"
    for one in found["judges"]:
        shares = (
            f"{_told(one['unsafe'], '.1%'):>8} {_told(one['bias'], '+.1%'):>8} {_told(one['no_verdict'], '.1%'):>10}"
        )
        yield f"{one['judge']:<44} {one['n']:>8,} {shares}"


def _told(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def cohen(voted: Mapping[str, int]) -> float | None:
    """Cohen's kappa of two seats (Cohen 1960): agreement beyond what their own shares of unsafe would give by chance."""
    total = sum(voted.values())
    if not total:
        return None
    one, other = (_share(voted, seat) for seat in (0, 1))
    met = sum(count for votes, count in voted.items() if votes[0] == votes[1]) / total
    return _beyond(met, one * other + (1 - one) * (1 - other))


def fleiss(voted: Mapping[str, int]) -> float | None:
    """Fleiss' kappa (Fleiss 1971): the agreeing pairs of a row's votes, beyond what the panel's share of unsafe gives by chance."""
    total, seats = sum(voted.values()), len(next(iter(voted), ""))
    if not total or seats < 2:
        return None
    unsafe = sum(_share(voted, seat) for seat in range(seats)) / seats
    pairs = sum(count * sum(n * (n - 1) for n in Counter(votes).values()) for votes, count in voted.items())
    return _beyond(pairs / (total * seats * (seats - 1)), unsafe**2 + (1 - unsafe) ** 2)


def _agreed(voted: Mapping[str, int]) -> dict[str, Any]:
    """Over the rows on which every seat gave a verdict: how many, on what share all say the same, and kappa."""
    whole = {votes: count for votes, count in voted.items() if "-" not in votes}
    total, seats = sum(whole.values()), len(next(iter(whole), ""))
    same = sum(count for votes, count in whole.items() if len(set(votes)) == 1)
    kappa = cohen(whole) if seats == 2 else fleiss(whole)
    return {"n": total, "agreed": _rounded(same / total if total else None), "kappa": _rounded(kappa)}


def _judge(seat: int, role: str, model: str, voted: Mapping[str, int]) -> dict[str, Any]:
    asked = sum(voted.values())
    silent = sum(count for votes, count in voted.items() if votes[seat] == "-")
    whole = {votes: count for votes, count in voted.items() if "-" not in votes}
    shares = [_share(whole, other) for other in range(len(next(iter(whole), "")))]
    return {
        "judge": role,
        "model": model,
        "n": asked,
        "no_verdict": _rounded(silent / asked if asked else None),
        "unsafe": _rounded(shares[seat] if shares else None),
        "bias": _rounded(shares[seat] - sum(shares) / len(shares) if shares else None),
    }


def _seats(voted: Mapping[str, int], *seats: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for votes, count in voted.items():
        found["".join(votes[seat] for seat in seats)] += count
    return found


def _share(voted: Mapping[str, int], seat: int) -> float:
    """Of the votes of a seat that are unsafe."""
    return sum(count for votes, count in voted.items() if votes[seat] == "u") / sum(voted.values())


def _beyond(met: float, chance: float) -> float | None:
    return (met - chance) / (1 - chance) if chance < 1 else None


def _rounded(value: float | None) -> float | None:
    """So that sums in another order give the same bytes."""
    return None if value is None else round(value, 4) + 0.0

"""How far a panel's judges agree: kappa overall, by subcategory and by answerer, alpha over what kappa leaves out, each judge's bias, how
often one gave no verdict.

All of it comes from tallies: how often the seats of the panel voted in which way. They grow with the panel and the answerers, not with N.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from string import digits
from typing import Any

from synth.quality.grid import Grid
from synth.recipe.labels import BINARY, NO_VERDICT, LabelScheme

RARE = 0.9
"""Agreement by chance from which on labels are so uneven that kappa says nothing: it is near 0 though all agree."""
MEANING = (
    "agreed: all gave one label. kappa, alpha: 0 is what chance would give, 1 all alike; AC1: likewise, also where one label is rare. "
    "bias: the share of rows that a judge does not call safe, less the panel's"
)
"""What the figures of a panel's agreement mean, in one line."""


def agreement(
    judges: Sequence[tuple[str, str]],
    voted: Iterable[tuple[str, Mapping[str, int]]],
    scheme: LabelScheme = BINARY,
    answered: Iterable[Mapping[str, Mapping[str, int]]] = (),
) -> dict[str, Any]:
    """How far a panel's judges agree, as run.json and the card keep it. `judges` are role and model of each seat, `voted`
    the number of ballots (`LabelScheme.ballot`) by subcategory. Kappa is Fleiss' for all seats together, Cohen's for two,
    on the rows on which every seat gave a verdict; alpha is Krippendorff's, on those on which two did. None where it is not
    defined: nothing judged, one seat, or no two different labels. A judge's bias is his share of what is not safe less the
    panel's, on the same rows as kappa; of more labels than two, `labels` has his share of each. AC1 is Gwet's: it says
    something where one label is rare, too. `answered` are ballots by answerer: how each judge's bias is on the answers of
    each shows who spares his own family."""
    by = _added(judges, voted)
    answerers = _added(judges, (each for lane in answered for each in lane.items()))
    overall = sum(by.values(), Counter[str]())
    return {
        "judges": [_judge(seat, judge, overall, scheme) for seat, judge in enumerate(judges)],
        "overall": _agreed(overall),
        "alpha": _compared(overall),
        "pairs": [
            {"judges": [judges[one][0], judges[other][0]], **_agreed(_seats(overall, one, other))}
            for one, other in combinations(range(len(judges)), 2)
        ],
        "subcategories": [{"subcategory": name, **_agreed(tally)} for name, tally in by.items() if tally],
        "answerers": [
            {"answerer": name, **_agreed(tally), "judges": _on_answers(judges, tally, scheme)}
            for name, tally in sorted(answerers.items())
            if tally
        ],
    }


def _added(
    judges: Sequence[tuple[str, str]], voted: Iterable[tuple[str, Mapping[str, int]]]
) -> dict[str, Counter[str]]:
    """The ballots of this panel, summed by name."""
    by: dict[str, Counter[str]] = {}
    for name, tally in voted:
        ours = {votes: count for votes, count in tally.items() if len(votes) == len(judges)}  # not of another panel
        by.setdefault(name, Counter()).update(ours)
    return by


def _on_answers(
    judges: Sequence[tuple[str, str]], voted: Mapping[str, int], scheme: LabelScheme
) -> list[dict[str, Any]]:
    """What each judge makes of one answerer's rows: his share of what is not safe, and that less the panel's."""
    each = (_judge(seat, judge, voted, scheme) for seat, judge in enumerate(judges))
    return [{name: one[name] for name in ("judge", "unsafe", "bias")} for one in each]


def parts(found: Mapping[str, Any]) -> Iterator[str | Grid]:
    """A panel's agreement for the terminal, of what `agreement` gave: tables, and a line on what their figures mean; nothing where
    nothing was judged."""
    if not found or not found["overall"]["n"]:
        return
    pairs = found["pairs"] if len(found["pairs"]) > 1 else []
    named = [("all", found["overall"]), *((" and ".join(pair["judges"]), pair) for pair in pairs)]
    rows = [
        [name, f"{one['n']:,}", _told(one["agreed"], ".1%"), _told(kappa(one), ".3f"), _told(one.get("ac1"), ".3f")]
        for name, one in [*named, *((one["subcategory"], one) for one in found["subcategories"])]
    ]
    alpha = found.get("alpha") or found["overall"]
    if alpha["n"] > found["overall"]["n"] and alpha["value"] is not None:
        rows.append(["alpha, rows that lack a verdict among them", f"{alpha['n']:,}", "", f"{alpha['value']:.3f}", ""])
    yield Grid(("judges", "rows", "agreed", "kappa", "AC1"), rows)
    yield ""
    names = list(shares(found["judges"][0]))
    told = [
        [
            one["judge"],
            f"{one['n']:,}",
            *(_told(share, ".1%") for share in shares(one).values()),
            _told(one["bias"], "+.1%"),
            _told(one["no_verdict"], ".1%"),
        ]
        for one in found["judges"]
    ]
    yield Grid(("judge", "rows judged", *names, "bias", "no verdict"), told)
    yield from _by_answerer(found)
    yield MEANING


def _by_answerer(found: Mapping[str, Any]) -> Iterator[str | Grid]:
    """The table that says how the judges vote on whose answers; nothing where there is one answerer or one judge."""
    answerers = found.get("answerers") or []
    judges = [one["judge"] for one in found["judges"]]
    if len(answerers) < 2 or len(judges) < 2:
        return
    rows = [
        [
            one["answerer"],
            f"{one['n']:,}",
            _told(one["agreed"], ".1%"),
            *(_told(judge["bias"], "+.1%") for judge in one["judges"]),
        ]
        for one in answerers
    ]
    yield ""
    yield Grid(("answers of", "rows", "agreed", *(f"bias of {judge}" for judge in judges)), rows)


def kappa(found: Mapping[str, Any]) -> float | None:
    """Kappa as it is shown of one row of a panel's agreement; None too where one label is so rare that it says nothing."""
    value: float | None = found["kappa"]
    return None if found.get("rare") else value


def shares(judge: Mapping[str, Any]) -> Mapping[str, float | None]:
    """The share, 0 to 1, of each label but the safe one in the verdicts of a judge: one of those that `agreement` gave."""
    return judge.get("labels") or {"unsafe": judge["unsafe"]}


def _told(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def cohen(voted: Mapping[str, int]) -> float | None:
    """Cohen's kappa of two judges' ballots (Cohen 1960): agreement beyond what their own shares of the labels would give by
    chance."""
    total = sum(voted.values())
    if not total:
        return None
    met = sum(count for votes, count in voted.items() if votes[0] == votes[1]) / total
    return _beyond(met, sum(_share(voted, 0, label) * _share(voted, 1, label) for label in _labels(voted)))


def fleiss(voted: Mapping[str, int]) -> float | None:
    """Fleiss' kappa of a panel's ballots (Fleiss 1971): the agreeing pairs of a row's votes, beyond what the panel's shares
    of the labels give by chance."""
    total, seats = sum(voted.values()), len(next(iter(voted), ""))
    if not total or seats < 2:
        return None
    return _beyond(_met(voted, seats), sum(share**2 for share in _panel(voted, seats)))


def gwet(voted: Mapping[str, int]) -> float | None:
    """Gwet's AC1 of a panel's ballots (Gwet 2008): the agreeing pairs of a row's votes, beyond a chance that is small where one label
    is rare."""
    total, seats = sum(voted.values()), len(next(iter(voted), ""))
    if not total or seats < 2:
        return None
    panel = _panel(voted, seats)
    chance = sum(share * (1 - share) for share in panel) / (max(2, len(panel)) - 1)
    return _beyond(_met(voted, seats), chance)


def krippendorff(voted: Mapping[str, int]) -> float | None:
    """Krippendorff's alpha, the agreement of a panel's ballots, labels without an order (Krippendorff 2011): over the
    rows with two verdicts or more, whoever gave none."""
    given = {votes.replace(NO_VERDICT, ""): 0 for votes in voted}
    for votes, count in voted.items():
        given[votes.replace(NO_VERDICT, "")] += count
    units = {votes: count for votes, count in given.items() if len(votes) > 1}
    totals = Counter[str]()
    for votes, count in units.items():
        for label in votes:
            totals[label] += count
    values = totals.total()
    if not values:
        return None
    differ = sum(
        count * (len(votes) ** 2 - sum(n * n for n in Counter(votes).values())) / (len(votes) - 1)
        for votes, count in units.items()
    )
    chance = (values**2 - sum(n * n for n in totals.values())) / (values - 1)
    return 1 - differ / chance if chance else None


def _agreed(voted: Mapping[str, int]) -> dict[str, Any]:
    """Over the rows on which every seat gave a verdict: how many, on what share all say the same, and kappa."""
    whole = {votes: count for votes, count in voted.items() if NO_VERDICT not in votes}
    total, seats = sum(whole.values()), len(next(iter(whole), ""))
    same = sum(count for votes, count in whole.items() if len(set(votes)) == 1)
    return {
        "n": total,
        "agreed": _rounded(same / total if total else None),
        "kappa": _rounded(cohen(whole) if seats == 2 else fleiss(whole)),
        "ac1": _rounded(gwet(whole)),
        "rare": sum(share**2 for share in _panel(whole, seats)) > RARE,
    }


def _compared(voted: Mapping[str, int]) -> dict[str, Any]:
    """Over the rows on which two seats or more gave a verdict: how many, and alpha."""
    rows = sum(count for votes, count in voted.items() if len(votes) - votes.count(NO_VERDICT) > 1)
    return {"n": rows, "value": _rounded(krippendorff(voted))}


def _judge(seat: int, judge: tuple[str, str], voted: Mapping[str, int], scheme: LabelScheme) -> dict[str, Any]:
    asked = sum(voted.values())
    silent = sum(count for votes, count in voted.items() if votes[seat] == NO_VERDICT)
    whole = {votes: count for votes, count in voted.items() if NO_VERDICT not in votes}
    safe = digits[scheme.names.index(scheme.safe)]
    shares = [1 - _share(whole, other, safe) for other in range(len(next(iter(whole), "")))]
    each = {
        name: _rounded(_share(whole, seat, digits[at]) if whole else None) for at, name in enumerate(scheme.names[:-1])
    }
    return {
        "judge": judge[0],
        "model": judge[1],
        "n": asked,
        "no_verdict": _rounded(silent / asked if asked else None),
        "unsafe": _rounded(shares[seat] if shares else None),
        "bias": _rounded(shares[seat] - sum(shares) / len(shares) if shares else None),
        **({"labels": each} if (scheme.names, scheme.words) != (BINARY.names, BINARY.words) else {}),
    }


def _seats(voted: Mapping[str, int], *seats: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for votes, count in voted.items():
        found["".join(votes[seat] for seat in seats)] += count
    return found


def _labels(voted: Mapping[str, int]) -> list[str]:
    return sorted(set("".join(voted)))


def _share(voted: Mapping[str, int], seat: int, label: str) -> float:
    """Of the votes of a seat those that give a label."""
    return sum(count for votes, count in voted.items() if votes[seat] == label) / sum(voted.values())


def _panel(voted: Mapping[str, int], seats: int) -> list[float]:
    """The share of each label among all votes."""
    return [sum(_share(voted, seat, label) for seat in range(seats)) / seats for label in _labels(voted)]


def _met(voted: Mapping[str, int], seats: int) -> float:
    """The share of pairs of a row's votes that agree."""
    pairs = sum(count * sum(n * (n - 1) for n in Counter(votes).values()) for votes, count in voted.items())
    return pairs / (sum(voted.values()) * seats * (seats - 1))


def _beyond(met: float, chance: float) -> float | None:
    return (met - chance) / (1 - chance) if chance < 1 else None


def _rounded(value: float | None) -> float | None:
    """So that sums in another order give the same bytes."""
    return None if value is None else round(value, 4) + 0.0

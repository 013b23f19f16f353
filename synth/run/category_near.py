"""The categories of a taxonomy whose words a drafted one shares: near by the pairs of characters that few categories use."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import median

from synth.dedup.normalise import jaccard, shingles
from synth.recipe.taxonomy import Scenario, Subcategory, Taxonomy

SHOWN = 5
"""How many neighbours are shown."""
LIKE = 0.3
"""The similarity of two behaviours' bigrams from which on they are shown as a pair."""
PAIRS = 3
"""How many pairs of behaviours are shown of a neighbour."""


@dataclass(frozen=True)
class Pair:
    """A behaviour of a drafted category beside the one of a neighbour that is most like it."""

    own: str
    theirs: str
    similarity: float


@dataclass(frozen=True)
class Neighbour:
    """A category whose words a drafted one shares."""

    scenario: Scenario
    subcategory: Subcategory
    similarity: float
    """The cosine, in [0, 1], of name, definition and behaviours as sets of bigrams, rare ones weighing more."""
    pairs: tuple[Pair, ...]
    """Behaviours that stand in both, the most alike first."""


@dataclass(frozen=True)
class Neighbourhood:
    """The categories of harm around a drafted one."""

    near: tuple[Neighbour, ...]
    """Every category of harm in a taxonomy, the nearest first."""
    usual: float
    """How like its own nearest neighbour a category of the taxonomy is, the middle one of all: what a similarity is to be held against."""

    def collides(self, one: Neighbour) -> bool:
        """Whether a neighbour is nearer than the taxonomy's own categories usually are to each other, by half at least, or has a behaviour
        of the draft's word for word."""
        return one.similarity >= 1.5 * self.usual > 0 or any(pair.similarity == 1 for pair in one.pairs)


def neighbours(draft: Subcategory, taxonomy: Taxonomy) -> Neighbourhood:
    """The categories of a taxonomy around a drafted category."""
    others = [
        (scenario, one)
        for scenario in taxonomy.scenarios
        for one in scenario.subcategories
        if not scenario.benign and not one.id.startswith("own.")
    ]
    texts = [shingles(_words(one), 2) for _, one in others]
    own = shingles(_words(draft), 2)
    likeness = _cosines([own, *texts])
    found = [
        Neighbour(scenario, one, round(likeness[0][at], 4), _pairs(draft.behaviours, one.behaviours))
        for at, (scenario, one) in enumerate(others, start=1)
    ]
    nearest = [max(row[1:at] + row[at + 1 :], default=0.0) for at, row in enumerate(likeness) if at]
    return Neighbourhood(
        tuple(sorted(found, key=lambda one: (-one.similarity, one.subcategory.id))),
        round(median(nearest), 4) if nearest else 0.0,
    )


def _words(one: Subcategory) -> str:
    return "\n".join((one.name, one.definition, *one.behaviours))


def _cosines(texts: Sequence[set[str]]) -> list[list[float]]:
    """Of each two of these sets of bigrams the cosine; a bigram weighs the more, the fewer sets have it."""
    counts = Counter(gram for text in texts for gram in text)
    weights = {gram: log(len(texts) / count) ** 2 for gram, count in counts.items()}
    sizes = [sqrt(sum(weights[gram] for gram in text)) for text in texts]
    return [
        [
            sum(weights[gram] for gram in one & other) / (size * long) if size and long else 0.0
            for other, long in zip(texts, sizes, strict=True)
        ]
        for one, size in zip(texts, sizes, strict=True)
    ]


def _pairs(own: Sequence[str], theirs: Sequence[str]) -> tuple[Pair, ...]:
    known = [(text, shingles(text, 2)) for text in theirs]
    found = []
    for text in own:
        grams = shingles(text, 2)
        other, like = max(((other, jaccard(grams, told)) for other, told in known), key=lambda pair: pair[1])
        if like >= LIKE:
            found.append(Pair(text, other, round(like, 4)))
    return tuple(sorted(found, key=lambda pair: -pair.similarity)[:PAIRS])

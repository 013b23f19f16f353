"""The categories of a taxonomy whose words a drafted one shares: near by the pairs of characters that few categories use."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt

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


def neighbours(draft: Subcategory, taxonomy: Taxonomy) -> list[Neighbour]:
    """Every category of harm in a taxonomy, the one nearest to a drafted category first."""
    others = [
        (scenario, one)
        for scenario in taxonomy.scenarios
        for one in scenario.subcategories
        if not scenario.benign and not one.id.startswith("own.")
    ]
    texts = [shingles(_words(one), 2) for _, one in others]
    own = shingles(_words(draft), 2)
    weights = _weights([own, *texts])
    found = [
        Neighbour(scenario, one, round(_cosine(own, text, weights), 4), _pairs(draft.behaviours, one.behaviours))
        for (scenario, one), text in zip(others, texts, strict=True)
    ]
    return sorted(found, key=lambda one: (-one.similarity, one.subcategory.id))


def _words(one: Subcategory) -> str:
    return "\n".join((one.name, one.definition, *one.behaviours))


def _weights(texts: Sequence[set[str]]) -> Mapping[str, float]:
    """Of each bigram how telling it is: none where every category has it."""
    counts = Counter(gram for text in texts for gram in text)
    return {gram: log(len(texts) / count) for gram, count in counts.items()}


def _cosine(one: set[str], other: set[str], weights: Mapping[str, float]) -> float:
    def size(text: set[str]) -> float:
        return sqrt(sum(weights[gram] ** 2 for gram in text))

    whole = size(one) * size(other)
    return sum(weights[gram] ** 2 for gram in one & other) / whole if whole else 0.0


def _pairs(own: Sequence[str], theirs: Sequence[str]) -> tuple[Pair, ...]:
    known = [(text, shingles(text, 2)) for text in theirs]
    found = []
    for text in own:
        grams = shingles(text, 2)
        other, like = max(((other, jaccard(grams, told)) for other, told in known), key=lambda pair: pair[1])
        if like >= LIKE:
            found.append(Pair(text, other, round(like, 4)))
    return tuple(sorted(found, key=lambda pair: -pair.similarity)[:PAIRS])

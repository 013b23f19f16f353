"""How the stand-in server behaves: whom it serves, how long it takes, what goes wrong and how often, how much it allows."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from synth.errors import ConfigError, did_you_mean

WEATHER = (
    *("429", "429-bare", "500", "502", "503", "529"),
    *("reset", "torn", "hang", "drip", "cut", "html", "latin", "null"),
)
"""Drawn by arrival. A status is answered with an error (`429` says when to come back, `429-bare` does not); `reset` and `torn`
break the connection before and in the middle of the body; `hang` accepts and never answers, `drip` sends a byte at a time;
`cut`, `html`, `latin` and `null` are whole bodies that are no completion: half a JSON, a web page, invalid UTF-8, nothing."""

CONTENT = ("refusal", "refusal-en", "filtered", "length", "empty", "broken", "short", "extra", "twice", "huge")
"""A function of the request: a refusal in Chinese or English, a content filter, an answer cut at its length limit, no answer,
JSON cut short, too few items, too many, the same item twice, an answer of a megabyte."""

VECTORS = ("few", "narrow", "unequal", "null-vector")
"""Of embeddings alone: a vector too few, vectors of half the length, one of another length, one that holds no number."""

UPLOADS, CREATIONS, LOOKS = ("upload-500", "upload-lost"), ("create-500", "create-lost", "late"), ("look-500",)
ENDS, ROWS = ("failed", "expired", "shuffled", "missing", "doubled", "torn-file"), ("row-400", "row-429", "row-500")
BATCH = (*UPLOADS, *CREATIONS, *LOOKS, *ENDS, *ROWS)
"""Of batches, drawn at each step: an upload, a creation or a look answered with 500, or done and the answer lost; a batch that
outlasts its window, that fails, that expires half done, whose output is out of order, lacks every other row, holds some twice, or is cut short at a
download; a row with an error."""

CALM = "ok"
"""In a script: nothing goes wrong."""

Latency = Callable[[random.Random], float]


@dataclass(frozen=True)
class Habits:
    """How the stand-in server behaves: latency, faults and how often, limits, models, keys. Unless told, calm and quick."""

    latency: str = "0"
    """Seconds; or LOW..HIGH; or lognormal:MEAN:SIGMA."""
    faults: Mapping[str, float] = field(default_factory=dict)
    """Rates of WEATHER and CONTENT; `NAME@MODEL` is of one model alone, in place of the rate for all."""
    script: Sequence[str] = ()
    """Faults of the first arrivals, one each, before any is drawn; any HTTP status may stand here."""
    retry_after: float = 1.0
    rpm: int | None = None
    tpm: int | None = None
    """Requests and tokens a minute; what is over is refused with 429."""
    minute: float = 60.0
    """Seconds those limits look back."""
    api_key: str | None = None
    expires_after: int | None = None
    """Completed answers after which no key is taken any more."""
    models: frozenset[str] | None = None
    """Those that are served; None serves any."""
    listed: frozenset[str] | None = frozenset()
    """Those that the list of models names beside the ones served; None has no list."""
    formats: frozenset[str] = frozenset({"json_schema", "json_object"})
    """What it takes as `response_format`."""
    answer: str | None = None
    """One answer to everything, in place of the offline backend's."""
    batch_latency: str = "0"
    """Seconds until a batch is done, likewise."""
    batch_rows: int | None = None
    """Requests it has waiting in batches at most; a batch that is too much fails."""
    seed: int = 0

    def __post_init__(self) -> None:
        latency_law(self.latency)
        latency_law(self.batch_latency)
        for told, rate in self.faults.items():
            name = told.partition("@")[0]
            if name not in WEATHER + CONTENT + VECTORS + BATCH:
                raise ConfigError(f"no fault {name!r}; {did_you_mean(name, WEATHER + CONTENT + VECTORS + BATCH)}")
            if not 0 <= rate <= 1:
                raise ConfigError(f"fault {told}: its rate must be from 0 to 1 (got {rate:g})")
        for name in self.script:
            if name not in (*WEATHER, *CONTENT, *VECTORS, *BATCH, CALM) and not (
                name.isdigit() and 400 <= int(name) < 600
            ):
                raise ConfigError(
                    f"no fault {name!r} for a script; {did_you_mean(name, (*WEATHER, *CONTENT, *VECTORS, *BATCH, CALM))}"
                )

    def faults_of(self, model: str) -> dict[str, float]:
        """The rate of each fault, 0 to 1, that the stand-in has for requests of this model."""
        named = {told: rate for told, rate in self.faults.items() if "@" not in told}
        own = {told.partition("@")[0]: rate for told, rate in self.faults.items() if told.partition("@")[2] == model}
        return named | own


def latency_law(text: str) -> Latency:
    """A habit of the stand-in beside its faults: how long an answer takes, as a function that draws seconds: of a text
    like `0.2`, `0.1..0.5` or `lognormal:1:1`. ConfigError for another."""
    try:
        if text.startswith("lognormal:"):
            mean, sigma = map(float, text.split(":")[1:])
            return lambda chance: mean * chance.lognormvariate(-sigma * sigma / 2, sigma)
        low, high = map(float, text.split("..") if ".." in text else (text, text))
    except ValueError as error:
        raise ConfigError(f"latency {text!r}: must be SECONDS, LOW..HIGH or lognormal:MEAN:SIGMA") from error
    return lambda chance: chance.uniform(low, high)


def rates(named: Sequence[str]) -> dict[str, float]:
    """Rates of the stand-in's faults by name, of texts `NAME=RATE` as the command line has them. ConfigError for another
    text."""
    found = {}
    for text in named:
        name, _, rate = text.partition("=")
        try:
            found[name] = float(rate)
        except ValueError as error:
            raise ConfigError(f"fault {text!r}: must be NAME=RATE or NAME@MODEL=RATE, e.g. 429=0.02") from error
    return found


def draw(rates: Mapping[str, float], kinds: Sequence[str], luck: float) -> str | None:
    """The stand-in's fault that befalls a request: that among `kinds` on whose rate `luck`, a number from 0 to 1, falls;
    None for none."""
    for name in kinds:
        luck -= rates.get(name, 0.0)
        if luck < 0:
            return name
    return None

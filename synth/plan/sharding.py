"""`--shard I/N`: which lanes an invocation asks for when the asking is split over machines."""

import re
from collections.abc import Sequence

from synth.errors import ConfigError
from synth.plan.lanes import LaneSpec


def shard_of(given: str, specs: Sequence[LaneSpec]) -> frozenset[str]:
    """The ids of the lanes that shard I of N asks for: all lanes dealt out one by one, the benign before the harmful
    ones, so that no shard has more than one lane of either kind more than another. Raises ConfigError for what is no
    I/N, and for more shards than lanes."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", given)
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= of:
        raise ConfigError(f"--shard {given!r}: must be I/N with I from 1 to N, e.g. 2/4", status=2)
    if of > len(specs):
        raise ConfigError(
            f"--shard {given}: the recipe has {len(specs)} lanes; give N of {len(specs)} or less", status=2
        )
    lanes = sorted((spec.lane for spec in specs), key=lambda lane: (lane.query_type, lane.id))
    return frozenset(lane.id for lane in lanes[number - 1 :: of])


def sharded(chosen: Sequence[LaneSpec], ours: frozenset[str]) -> list[LaneSpec]:
    """The chosen lanes that belong to a shard. Raises ConfigError if there are none."""
    if not any(spec.lane.id in ours for spec in chosen):
        raise ConfigError("--shard: this shard has none of the lanes that --only chooses; widen --only", status=2)
    return [spec for spec in chosen if spec.lane.id in ours]

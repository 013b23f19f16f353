"""`--shard I/N`: which lanes an invocation asks for when the asking is split over machines."""

import re
from collections.abc import Sequence

from synth.errors import ConfigError
from synth.plan.lanes import LaneSpec
from synth.types import Lane


def shard_of(given: str, specs: Sequence[LaneSpec]) -> frozenset[str]:
    """The ids of the lanes that shard I of N asks for. Subcategories are dealt out one by one, each with all its lanes, so that what
    a benign lane takes of the harmful one beside it is in its own shard; those with harmful queries alone come first, those with
    benign ones alone last, so no shard has more than one lane of either kind more than another. Raises ConfigError for what is no
    I/N, and for more shards than subcategories."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", given)
    number, of = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= of:
        raise ConfigError(f"--shard {given!r}: must be I/N with I from 1 to N, e.g. 2/4", status=2)
    lanes: dict[str, list[Lane]] = {}
    for spec in specs:
        lanes.setdefault(spec.lane.subcategory, []).append(spec.lane)
    if of > len(lanes):
        raise ConfigError(
            f"--shard {given}: the recipe has {len(lanes)} subcategories; give N of {len(lanes)} or less", status=2
        )
    dealt = sorted(lanes, key=lambda name: (_rank(lanes[name]), name))[number - 1 :: of]
    return frozenset(lane.id for subcategory in dealt for lane in lanes[subcategory])


def _rank(lanes: Sequence[Lane]) -> int:
    kinds = {lane.query_type for lane in lanes}
    return 1 if len(kinds) > 1 else 0 if "harmful" in kinds else 2


def sharded(chosen: Sequence[LaneSpec], ours: frozenset[str]) -> list[LaneSpec]:
    """The chosen lanes that belong to a shard. Raises ConfigError if there are none."""
    if not any(spec.lane.id in ours for spec in chosen):
        raise ConfigError("--shard: this shard has none of the lanes that --only chooses; widen --only", status=2)
    return [spec for spec in chosen if spec.lane.id in ours]

"""Where an actor of Ray is put: what it reserves, on which machine, and how that is given up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from synth.backends.ray import cluster
from synth.backends.ray.actor import Asker
from synth.backends.ray.options import Options


@dataclass(slots=True, eq=False)
class Placed:
    """An actor of Ray that was begun: its handle, the parts reserved for it, and its machine once that is known."""

    handle: Any
    group: Any = None
    """The placement group, where an engine's parts may stand on several machines."""
    node: str = ""


async def place(options: Options, others: Iterable[Placed]) -> Placed:
    """Begins a Ray actor beside others: one that only asks goes to the machine with the fewest, one with an engine where there is
    room for it."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy, PlacementGroupSchedulingStrategy

    bundles = options.bundles
    group, told = None, dict[str, Any]()
    if len(bundles) > 1:
        group = ray.util.placement_group(bundles, strategy="PACK")
        strategy: Any = PlacementGroupSchedulingStrategy(
            group, placement_group_bundle_index=0, placement_group_capture_child_tasks=True
        )
    elif bundles[0]:
        bundle = dict(bundles[0])
        told = {"num_gpus": bundle.pop("GPU", 0), "resources": bundle}
        told["num_cpus"] = bundle.pop("CPU", 0)
        strategy = "SPREAD"
    else:
        taken = Counter(other.node for other in others)
        node = min(sorted(one["NodeID"] for one in cluster.nodes()), key=lambda one: taken[one])
        # Softly said it is not heeded for an actor that reserves nothing.
        strategy = NodeAffinitySchedulingStrategy(node, soft=False)
    kind = ray.remote(Asker).options(
        **{"num_cpus": 0, "num_gpus": 0, **told}, max_restarts=0, max_task_retries=0, scheduling_strategy=strategy
    )
    placed = Placed(kind.remote(), group)
    if not bundles[0]:
        placed.node = strategy.node_id
    return placed


def end(placed: Placed) -> None:
    """Ends a Ray actor, dead or alive, and gives up what was reserved for it."""
    import ray

    try:
        ray.kill(placed.handle)
        if placed.group is not None:
            ray.util.remove_placement_group(placed.group)
    except errors():
        return


def errors() -> tuple[type[Exception], ...]:
    """What is raised where an actor of Ray has died, or cannot be reached in time."""
    from ray.exceptions import RayError

    return RayError, TimeoutError

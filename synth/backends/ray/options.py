"""What the backend `ray` takes under a role: which backend answers for it, and its actors on the cluster."""

from math import prod
from typing import Annotated, Any

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from synth.recipe.backend import Frozen, Wrapping
from synth.recipe.role import SERVER

LOCAL = "local"
"""The address that starts a Ray of the run's own on this machine."""
WORLD = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")
"""The engine options whose product is the number of GPUs that one engine of vLLM takes."""


class RayOptions(Frozen):
    """How requests are spread over a Ray cluster: at which address, over how many actors, and what each of them needs."""

    address: str | None = None
    """Where the Ray cluster is: `local` starts one on this machine for the length of the run, `auto` finds the one that this machine is
    part of, else host:port. Unless said, what the variable RAY_ADDRESS says, else `local`."""
    actors: PositiveInt = 1
    """How many actors ask on the Ray cluster: processes with a connection or an engine each."""
    in_flight: PositiveInt = 256
    """How many requests one Ray actor holds at most."""
    gpus: NonNegativeInt | None = None
    """The GPUs that one Ray actor is given; unless said, as many as its vLLM engine takes, and none for a server that is asked."""
    cpus: NonNegativeFloat = 0
    """The processors that Ray sets aside for one actor, or for each of its engine's parts on machines of their own."""
    resources: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """What else a machine of the Ray cluster must offer an actor, by the names that `ray start --resources` gave."""
    turns: bool | None = None
    """Whether models take turns in the same Ray actors rather than stand side by side; unless said, they do on a Ray of this machine alone."""
    patience: PositiveFloat = 60.0
    """Seconds for which a run waits until the Ray cluster has room for a first actor."""


class Options(Wrapping):
    """A role's options of the backend `ray`: whose answers its actors bring, and how they are spread."""

    of: str = SERVER
    """The name of the backend that answers on each Ray actor; its options stand beside."""
    ray: RayOptions = RayOptions()

    @property
    def engine_options(self) -> dict[str, Any]:
        """Options of the vLLM engine in a Ray actor; empty where none is."""
        found: dict[str, Any] = getattr(self, "engine", {}) if self.of == "vllm" else {}
        return found

    @property
    def gpus(self) -> int:
        """How many GPUs one Ray actor takes."""
        if self.ray.gpus is not None:
            return self.ray.gpus
        engine = self.engine_options
        return prod(int(engine.get(name) or 1) for name in WORLD) if self.of == "vllm" else 0

    @property
    def loads(self) -> bool:
        """Whether a Ray actor loads its models itself, so that each takes memory there."""
        return self.of == "vllm" or self.gpus > 0

    @property
    def bundles(self) -> list[dict[str, float]]:
        """What one Ray actor reserves, a mapping for each part that must stand on one machine: an engine of several GPUs spreads over
        machines where no single one has room, unless its own options keep it in one process group (`mp`)."""
        spread = self.of == "vllm" and self.gpus > 1 and self.executor == "ray"
        parts = self.gpus if spread else 1
        part = {"CPU": float(self.ray.cpus), "GPU": self.gpus / parts, **self.ray.resources}
        return [{name: amount for name, amount in part.items() if amount}] * parts

    @property
    def executor(self) -> str | None:
        """By what vLLM spreads an engine over the GPUs that a Ray actor reserved: Ray itself, unless the role says otherwise."""
        said = self.engine_options.get("distributed_executor_backend")
        return str(said) if said else "ray" if self.gpus > 1 else None

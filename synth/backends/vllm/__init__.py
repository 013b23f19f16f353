"""vLLM in this process's charge: its own engine for each model, one resident at a time; every request of the resident goes in at once.

The engine runs in processes of its own, which end with this one. vLLM is an extra: it is imported only once a role asks for it.
"""

import asyncio
import dataclasses
import os
import signal
from collections.abc import Mapping
from importlib.util import find_spec
from inspect import signature
from multiprocessing import active_children
from typing import Any, Final

from synth.backends.vllm.options import TEMPLATE, Options
from synth.backends.vllm.processes import leash
from synth.backends.vllm.replicas import Replicas, Seat
from synth.backends.vllm.residency import Residency
from synth.backends.vllm.resident import Resident, one_line
from synth.backends.vllm.seating import HERE, Machine, seats
from synth.errors import ConfigError, did_you_mean
from synth.recipe.backend import ADDRESS
from synth.recipe.role import Role
from synth.types import Reply, Request

FAMILY = "model"
GIVES = frozenset({"words", "continues"})
STAND_IN = False

ENVIRONMENT: Final = {
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
}
"""What vLLM is told unless the user says otherwise: words to stderr and few of them, no reports home, and processes that begin anew
rather than with a copy of this one's threads and open files."""

OURS: Final = {
    "disable_log_stats": True,
    "structured_outputs_config": {"backend": "guidance", "disable_any_whitespace": True},
}
"""Engine options unless a role says otherwise. Guidance, since xgrammar lets bare control characters into bounded strings
(mlc-ai/xgrammar#800)."""

NOT_SAMPLED = ("n", "output_kind", "structured_outputs", "logprobs", "prompt_logprobs", "detokenize", "skip_clone")
"""What of vLLM's sampling is not a recipe's to set: one whole answer in text comes of every request."""


class VLLMBackend:
    """The backend `vllm`: all models of a recipe that vLLM runs here; `family` is `model`, since a server gives the same
    answers."""

    family = FAMILY
    self_scheduling = True

    def __init__(self) -> None:
        self._options: dict[str, Options] = {}
        self._machine = Machine()
        self._turns: Residency[Resident | Replicas] = Residency(self._enter, self._leave)
        self._seated: dict[str, list[Seat]] = {}
        self._looking = asyncio.Lock()
        """vLLM's configurations are not made to be drawn up two at a time."""
        self.prompt_tokens = self.cached_tokens = 0
        """Of all prompts, and how many of them stood in the prefix cache."""

    @property
    def swaps(self) -> int:
        """How often one model made room for another on the GPU."""
        return max(0, self._turns.changes - 1)

    @property
    def note(self) -> str | None:
        """Tokens of vLLM's prompts, the share of them that stood in the prefix cache, swaps and engines, as a line at a run's end."""
        if not self.prompt_tokens:
            return None
        cached, most = self.cached_tokens / self.prompt_tokens, max(map(len, self._seated.values()))
        engines = f"; {most} engines side by side" if most > 1 else ""
        return f"vllm: {self.prompt_tokens:,} tokens of prompts, {cached:.0%} from the prefix cache; {self.swaps} swaps{engines}"

    def take(self, role: Role, options: Options) -> None:
        """Lets one more role share vLLM. All roles of a model have one engine: ConfigError for options that differ, or that
        vLLM lacks."""
        _check_names("engine", options.engine, _engine_fields())
        _check_names("extra", role.extra, [*_sampling_fields(), TEMPLATE])
        known = self._options.get(role.model, Options())
        for name, given in (("engine", options.engine), ("data_parallel", options.data_parallel)):
            if given and (said := getattr(known, name)) and said != given:
                raise ConfigError(
                    f"{name}: another role of {role.model!r} has other options; give them to one, or both the same"
                )
        self._options[role.model] = Options(
            engine=known.engine or options.engine, data_parallel=known.data_parallel or options.data_parallel
        )

    async def check(self, model: str) -> None:
        """Has vLLM look at the model and its engine's options, and whether it fits, without loading weights."""
        async with self._looking:
            await asyncio.to_thread(self._seats, model)

    async def complete(self, request: Request, key: str) -> Reply:
        reply, cached = await self.answer(request, key)
        self.prompt_tokens += reply.prompt_tokens
        self.cached_tokens += cached
        return reply

    async def answer(self, request: Request, key: str) -> tuple[Reply, int]:
        """vLLM's reply to a request, and how many tokens of its prompt were cached."""
        async with self._turns.of(request.model) as resident:
            return await resident.answer(request, key)

    async def load(self, model: str) -> None:
        """Has vLLM load a model before it is asked, in one engine in this process's charge."""
        self._seated[model] = [HERE]
        async with self._turns.of(model):
            pass

    def dismiss(self, why: Exception) -> None:
        """Gives the exception to requests that wait for models which vLLM has not loaded."""
        self._turns.dismiss(why)

    async def close(self) -> None:
        await self._turns.close()

    async def _enter(self, model: str) -> Resident | Replicas:
        async with self._looking:
            seats = await asyncio.to_thread(self._seats, model)
        if seats == [HERE]:
            return await asyncio.to_thread(self._load, model)
        options = self._options[model]
        role = Role(backend="vllm", model=model, options={"engine": options.engine, "data_parallel": 1})
        return await Replicas.load(role, seats)

    async def _leave(self, resident: Resident | Replicas) -> None:
        await resident.leave()

    def _seats(self, model: str) -> list[Seat]:
        """Where engines of a model run, which is found out once: with another model loaded, less would be free."""
        if model not in self._seated:
            config, options = self._config(model), self._options[model]
            self._seated[model] = seats(model, config, options.engine, options.data_parallel, self._machine)
        return self._seated[model]

    def _load(self, model: str) -> Resident:
        from vllm.v1.engine.async_llm import AsyncLLM

        config = self._config(model)
        # An interrupt at the terminal reaches every process of its group; the engine's must live on until what is in flight has landed.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        others = set(active_children())
        try:
            llm = AsyncLLM.from_vllm_config(config, disable_log_stats=True)
            return Resident(model, llm, leash(child.pid for child in set(active_children()) - others if child.pid))
        except Exception as error:
            way_out = (
                "what it wrote above says more; `engine` takes gpu_memory_utilization, max_model_len and their like"
            )
            raise ConfigError(
                f"model {model!r}: vLLM's engine does not start ({one_line(error)}); {way_out}"
            ) from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _config(self, model: str) -> Any:
        from vllm import AsyncEngineArgs
        from vllm.platforms import current_platform

        # On a CPU a prompt prefilled in parts ends the engine if its request has a seed: "CPU Generator does not use offset".
        cpu = {"enable_chunked_prefill": False} if current_platform.is_cpu() else {}
        try:
            return AsyncEngineArgs(
                **{"model": model, **OURS, **cpu, **self._options[model].engine}
            ).create_engine_config()
        except Exception as error:  # whatever vLLM finds wrong with a model or an option
            way_out = "check the model's name or path, and what stands under `engine`"
            raise ConfigError(f"model {model!r}: vLLM does not take it ({one_line(error)}); {way_out}") from error


def share(role: Role, options: Options) -> None:
    """What roles that share the backend `vllm` have in common: nothing, since all share one GPU, or one set of them."""
    del role, options


def connect(role: Role, options: Options) -> VLLMBackend:
    """Opens the backend `vllm`, not yet told of any role. ConfigError for an address, and where vLLM is not installed."""
    del options
    if ADDRESS in role.options:
        raise ConfigError("base_url: backend vllm runs in this process; for a vLLM server write `backend: openai`")
    if find_spec("vllm") is None:
        raise ConfigError(
            "backend vllm needs the package vllm, which is not installed; in synth's repository run "
            ".venv/bin/pip install -e '.[vllm]', or ask a server that has it: backend openai and --base-url"
        )
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    return VLLMBackend()


def _engine_fields() -> list[str]:
    from vllm import AsyncEngineArgs

    return [field.name for field in dataclasses.fields(AsyncEngineArgs) if not field.name.startswith("_")]


def _sampling_fields() -> list[str]:
    from vllm import SamplingParams

    return [name for name in signature(SamplingParams.from_optional).parameters if name not in NOT_SAMPLED]


def _check_names(place: str, given: Mapping[str, Any], known: list[str]) -> None:
    for name in given:
        if name not in known:
            close = did_you_mean(name, known)
            way_out = close if close.startswith("did") else "`vllm serve --help` and its sampling parameters list them"
            raise ConfigError(f"{place}.{name}: vLLM knows no such option; {way_out}")

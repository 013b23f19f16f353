"""vLLM in this process's charge: its own engine for each model, one resident at a time; every request of the resident goes in at once.

The engine runs in processes of its own, which end with this one. vLLM is an extra: it is imported only once a role asks for it.
"""

import asyncio
import dataclasses
import os
import signal
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from inspect import signature
from itertools import count
from multiprocessing import active_children
from typing import Any, Final

from synth.backends.vllm.options import Options
from synth.backends.vllm.processes import leash, unleash
from synth.backends.vllm.residency import Residency
from synth.errors import ConfigError, ProviderError, Stopped, did_you_mean
from synth.hashing import seed_of
from synth.recipe.backend import ADDRESS
from synth.recipe.role import Role
from synth.sanitize import for_terminal
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
TEMPLATE = "chat_template_kwargs"
"""The field of a request, here as on a server, whose values the model's chat template sees."""
END_OF_THOUGHT = "</think>"


class VLLMBackend:
    """The backend `vllm`: all models of a recipe that vLLM runs here; `family` is `model`, since a server gives the same
    answers."""

    family = FAMILY
    self_scheduling = True

    def __init__(self) -> None:
        self._options: dict[str, Mapping[str, Any]] = {}
        self._turns = Residency(self._enter, self._leave)
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
        """Tokens of vLLM's prompts, the share of them that stood in the prefix cache, and swaps, as a line at a run's end."""
        if not self.prompt_tokens:
            return None
        cached = self.cached_tokens / self.prompt_tokens
        return f"vllm: {self.prompt_tokens:,} tokens of prompts, {cached:.0%} from the prefix cache; {self.swaps} swaps"

    def take(self, role: Role, options: Options) -> None:
        """Lets one more role share vLLM. All roles of a model have one engine: ConfigError for options that differ, or that
        vLLM lacks."""
        _check_names("engine", options.engine, _engine_fields())
        _check_names("extra", role.extra, [*_sampling_fields(), TEMPLATE])
        known = self._options.get(role.model)
        if known and options.engine and known != options.engine:
            raise ConfigError(
                f"engine: another role of {role.model!r} has other options; give them to one, or both the same"
            )
        self._options[role.model] = known or options.engine

    async def check(self, model: str) -> None:
        """Has vLLM look at the model and its engine's options, without loading weights."""
        async with self._looking:
            await asyncio.to_thread(self._config, model)

    async def complete(self, request: Request, key: str) -> Reply:
        async with self._turns.of(request.model) as resident:
            reply, cached = await resident.answer(request, key)
        self.prompt_tokens += reply.prompt_tokens
        self.cached_tokens += cached
        return reply

    def dismiss(self, why: Exception) -> None:
        """Gives the exception to requests that wait for models which vLLM has not loaded."""
        self._turns.dismiss(why)

    async def close(self) -> None:
        await self._turns.close()

    async def _enter(self, model: str) -> "_Resident":
        return await asyncio.to_thread(self._load, model)

    async def _leave(self, resident: "_Resident") -> None:
        await asyncio.to_thread(resident.shut_down)

    def _load(self, model: str) -> "_Resident":
        from vllm.v1.engine.async_llm import AsyncLLM

        config = self._config(model)
        # An interrupt at the terminal reaches every process of its group; the engine's must live on until what is in flight has landed.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        others = set(active_children())
        try:
            llm = AsyncLLM.from_vllm_config(config, disable_log_stats=True)
            return _Resident(model, llm, leash(child.pid for child in set(active_children()) - others if child.pid))
        except Exception as error:
            way_out = (
                "what it wrote above says more; `engine` takes gpu_memory_utilization, max_model_len and their like"
            )
            raise ConfigError(
                f"model {model!r}: vLLM's engine does not start ({_one_line(error)}); {way_out}"
            ) from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _config(self, model: str) -> Any:
        from vllm import AsyncEngineArgs
        from vllm.platforms import current_platform

        # On a CPU a prompt prefilled in parts ends the engine if its request has a seed: "CPU Generator does not use offset".
        cpu = {"enable_chunked_prefill": False} if current_platform.is_cpu() else {}
        try:
            return AsyncEngineArgs(**{"model": model, **OURS, **cpu, **self._options[model]}).create_engine_config()
        except Exception as error:  # whatever vLLM finds wrong with a model or an option
            way_out = "check the model's name or path, and what stands under `engine`"
            raise ConfigError(f"model {model!r}: vLLM does not take it ({_one_line(error)}); {way_out}") from error


class _Resident:
    """A model that is loaded."""

    def __init__(self, model: str, llm: Any, watch: "subprocess.Popen[bytes]") -> None:
        self._model, self._llm, self._watch = model, llm, watch
        self._tokenizer = llm.get_tokenizer()
        self._longest: int = llm.model_config.max_model_len
        self._defaults = llm.model_config.get_diff_sampling_param()
        """The model's own, as a server applies them."""
        self._thread = ThreadPoolExecutor(1, "tokenizer")
        self._numbers = count()

    async def answer(self, request: Request, key: str) -> tuple[Reply, int]:
        """vLLM's reply by a loaded model, and how many tokens of the prompt were cached."""
        from vllm.inputs import tokens_input
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        tokens = await asyncio.get_running_loop().run_in_executor(self._thread, self._tokens, request)
        room = self._longest - len(tokens)
        if room < 1:
            return Reply(f"a prompt of {len(tokens)} tokens; the model takes {self._longest}", finish="rejected"), 0
        sampling, name = self._sampling(request, key, room), f"{key}-{next(self._numbers)}"
        try:
            answers = [answer async for answer in self._llm.generate(tokens_input(tokens), sampling, name)]
        except EngineDeadError as error:
            raise Stopped(
                "provider", f"model {self._model!r}: vLLM's engine has died; what it wrote above says why"
            ) from error
        except EngineGenerateError as error:
            raise ProviderError(f"cannot be asked by vLLM ({_one_line(error.__cause__ or error)})") from error
        except Exception as error:  # of a kind for every way in which vLLM finds a request wrong
            raise ConfigError(
                f"model {self._model!r}: vLLM refuses a request ({_one_line(error)}); check the role's settings"
            ) from error
        return _reply(request, len(tokens), answers[-1].outputs[0]), answers[-1].num_cached_tokens or 0

    def shut_down(self) -> None:
        self._thread.shutdown()
        self._llm.shutdown()
        unleash(self._watch)

    def _tokens(self, request: Request) -> list[int]:
        if request.text is not None:
            return list(self._tokenizer.encode(request.text))
        try:
            found = self._tokenizer.apply_chat_template(
                [{"role": message.role, "content": message.content} for message in request.messages],
                add_generation_prompt=not request.prefill,
                continue_final_message=bool(request.prefill),
                tokenize=True,
                return_dict=False,
                **request.params.get(TEMPLATE, {}),
            )
        except Exception as error:  # the template is a program of the model's maker
            way_out = (
                "`system: false` is for models without a system message, `completion` for those without a template"
            )
            raise ConfigError(
                f"model {self._model!r}: its chat template fails ({_one_line(error)}); {way_out}"
            ) from error
        return list(found)

    def _sampling(self, request: Request, key: str, room: int) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

        asked = {"seed": seed_of(key), **self._defaults, **request.params}
        asked.pop(TEMPLATE, None)
        asked["max_tokens"] = min(asked["max_tokens"], room)
        schema = None if request.schema is None else StructuredOutputsParams(json=dict(request.schema))
        try:
            return SamplingParams.from_optional(
                **asked, structured_outputs=schema, output_kind=RequestOutputKind.FINAL_ONLY
            )
        except (ValueError, TypeError) as error:
            raise ConfigError(
                f"model {self._model!r}: vLLM cannot sample so ({_one_line(error)}); check the role's settings"
            ) from error


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


def _reply(request: Request, prompt_tokens: int, answer: Any) -> Reply:
    if answer.finish_reason not in ("stop", "length", "repetition"):
        raise ProviderError(f"ends an answer by itself ({answer.finish_reason})")
    thought, end, text = answer.text.rpartition(END_OF_THOUGHT)
    return Reply(
        text=request.prefill + text if text.strip() else "",
        finish="length" if answer.finish_reason == "length" else "stop",
        prompt_tokens=prompt_tokens,
        completion_tokens=len(answer.token_ids),
        reasoning=thought.strip().removeprefix("<think>").strip() or None if end else None,
    )


def _one_line(error: BaseException) -> str:
    """An error's words, without those a validator puts around them."""
    with suppress(AttributeError, LookupError, TypeError):
        error = ValueError("; ".join(str(entry["msg"]) for entry in error.errors()))  # type: ignore[attr-defined]
    return for_terminal(" ".join(str(error).split()) or type(error).__name__)[:300]

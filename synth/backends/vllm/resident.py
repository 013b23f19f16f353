"""A model that vLLM has loaded: how a request becomes tokens and sampling, and what comes back a reply."""

import asyncio
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any

from synth.backends.vllm.options import TEMPLATE
from synth.backends.vllm.processes import unleash
from synth.errors import ConfigError, ProviderError, Stopped
from synth.hashing import seed_of
from synth.sanitize import for_terminal
from synth.types import Reply, Request

END_OF_THOUGHT = "</think>"


class Resident:
    """A model that vLLM has loaded in this process's charge, with all that asking it takes."""

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
            raise ProviderError(f"cannot be asked by vLLM ({one_line(error.__cause__ or error)})") from error
        except Exception as error:  # of a kind for every way in which vLLM finds a request wrong
            raise ConfigError(
                f"model {self._model!r}: vLLM refuses a request ({one_line(error)}); check the role's settings"
            ) from error
        return _reply(request, len(tokens), answers[-1].outputs[0]), answers[-1].num_cached_tokens or 0

    async def leave(self) -> None:
        """Has vLLM's engine end, and give its memory back."""
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
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
                f"model {self._model!r}: its chat template fails ({one_line(error)}); {way_out}"
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
                f"model {self._model!r}: vLLM cannot sample so ({one_line(error)}); check the role's settings"
            ) from error


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


def one_line(error: BaseException) -> str:
    """The words of an error that vLLM raises, without those a validator puts around them."""
    with suppress(AttributeError, LookupError, TypeError):
        error = ValueError("; ".join(str(entry["msg"]) for entry in error.errors()))  # type: ignore[attr-defined]
    return for_terminal(" ".join(str(error).split()) or type(error).__name__)[:300]

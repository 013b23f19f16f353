"""A model role of a recipe: who answers, how it is asked to sample, where it is reached and how fast it may be asked."""

import json
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, field_serializer, field_validator

from synth import credentials
from synth.types import Ceiling, named

OFFLINE = "offline"
KEY = "OPENAI_API_KEY"
"""The variable that holds the key, unless the user names another."""
HOW = ("base_url", "api_key_env", "price", "headers", "concurrency", "rpm", "tpm", "timeout", "batch", "engine")
"""What of a role says how and where it is asked, and bears on no answer; of `engine` all but the `BEARING` options."""
BEARING = frozenset(
    (
        *("model", "model_weights", "revision", "code_revision", "tokenizer", "tokenizer_revision", "tokenizer_mode"),
        *("dtype", "kv_cache_dtype", "quantization", "quantization_config", "load_format", "hf_overrides"),
        *("generation_config", "override_generation_config", "logits_processors", "speculative_config"),
    )
)
"""Engine options that say which weights answer, how precisely and by what defaults. They are told when they change; a request's key
does not know them, as it does not know them of a server."""
STOP = ("\n用户：", "\n要求：", "\n---")
"""Where the answer of a model that goes on with plain text ends, unless `extra` says otherwise: where `completion/` prompts begin
another turn."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(Frozen):
    """Per million tokens, in whatever currency you think in."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class BatchOptions(Frozen):
    """How requests are put into batches, for the backend `batch`. The limits are OpenAI's; other servers have others."""

    rows: PositiveInt = 50_000
    """Requests in one batch at most."""
    megabytes: PositiveFloat = 200.0
    """Size of its file at most."""
    window: Annotated[str, Field(pattern=r"^[1-9]\d{0,5}[smhd]$")] = "24h"
    """Within what time the server is to answer."""
    quiet: PositiveFloat = 5.0
    """Seconds without a new request after which a batch is sent off."""
    poll: PositiveFloat = 60.0
    """Seconds between two looks at a batch at most; the first ones come sooner."""
    keep_files: bool = False
    """Whether files of requests and replies stay on the server once the replies are journalled."""

    @property
    def bytes(self) -> float:
        return self.megabytes * 1e6

    @property
    def seconds(self) -> float:
        """Of the window."""
        return float(int(self.window[:-1]) * _SECONDS[self.window[-1]])


class Role(Frozen):
    """One model role: who answers, and how it is asked to sample."""

    model: str
    revision: Annotated[str, Field(pattern=r"^[\w.:+-]+$")] | None = None
    """Which of the models that the server calls by that name, where it is exchanged under it (a guard trained anew). The server is
    not told; two revisions never share replies."""
    backend: str = "openai"
    base_url: str | None = None
    api_key_env: str | None = KEY
    temperature: Annotated[float, Field(ge=0)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: PositiveInt = 1024
    system: bool = True
    """Whether the model takes a system message; if not, its text goes before the user's."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body, as the server names them."""
    price: Price | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers of every request; `$NAME` is read from the environment, alone or amid other text (`Bearer $NAME`)."""
    concurrency: PositiveInt | None = None
    rpm: PositiveInt | None = None
    tpm: PositiveInt | None = None
    """Calls in flight, requests and tokens a minute that this model is asked at most."""
    timeout: PositiveFloat = 300.0
    """Seconds for which one answer is waited at most."""
    batch: BatchOptions = BatchOptions()
    engine: dict[str, Any] = Field(default_factory=dict)
    """For backend vllm: options of vLLM's engine, as `AsyncEngineArgs` names them."""
    prefill: str = ""
    """What an answerer's answer begins with; the model goes on from there. vLLM's servers can, and few others."""
    completion: str | None = None
    """For an answerer without a chat template: the prompt under `completion/` that makes one plain text of the conversation."""

    @field_validator("extra", "engine")
    @classmethod
    def _is_json(cls, extra: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(extra, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"must be what JSON can hold ({error})") from error
        return extra

    @field_validator("api_key_env")
    @classmethod
    def _is_no_key(cls, name: str | None) -> str | None:
        return credentials.check_variable(name)

    @field_validator("headers")
    @classmethod
    def _name_keys(cls, headers: dict[str, str]) -> dict[str, str]:
        credentials.check_headers(headers)
        return headers

    @field_validator("extra")
    @classmethod
    def _holds_no_key(cls, extra: dict[str, Any]) -> dict[str, Any]:
        credentials.check_fields(extra)
        return extra

    @field_validator("engine")
    @classmethod
    def _sets_no_key(cls, engine: dict[str, Any]) -> dict[str, Any]:
        credentials.check_options(engine)
        return engine

    @field_serializer("base_url")
    def _without_keys(self, base_url: str | None) -> str | None:
        return base_url and credentials.shown(base_url)

    @field_serializer("headers")
    def _by_name(self, headers: dict[str, str]) -> dict[str, str]:
        return {name: value if "$" in value else credentials.MASK for name, value in headers.items()}

    @property
    def ceiling(self) -> Ceiling:
        return Ceiling(self.concurrency, self.rpm, self.tpm, self.timeout)

    @property
    def named(self) -> str:
        """The model as its replies are kept and booked, and as rows name it: `model@revision`."""
        return named(self.model, self.revision)

    @property
    def params(self) -> dict[str, Any]:
        """What bears identity of how the model samples."""
        stop = {"stop": list(STOP)} if self.completion else {}
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            **stop,
            **self.extra,
        }

    @property
    def bearing(self) -> dict[str, Any]:
        """The engine options that bear identity."""
        return {name: value for name, value in self.engine.items() if name in BEARING}

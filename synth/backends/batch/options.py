"""How requests are put into batches, as a role says it."""

from typing import Annotated, Any, Final

from pydantic import Field, PositiveFloat, PositiveInt

from synth.backends import _server
from synth.recipe.backend import Frozen
from synth.recipe.option_keys import without_keys

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class BatchOptions(Frozen):
    """How requests are put into batches: size, window, pauses. The limits are OpenAI's; other servers have others."""

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
        """The role's option for the size of a batch's file at most, in bytes."""
        return self.megabytes * 1e6

    @property
    def seconds(self) -> float:
        """The role's option for the window within which the server is to answer a batch, in seconds."""
        return float(int(self.window[:-1]) * _SECONDS[self.window[-1]])


class Options(_server.Options):
    """A role's options of the backend `batch`: where the server is reached, and how it is given batches."""

    batch: BatchOptions = BatchOptions()

    def published(self, model: str) -> tuple[float, float] | None:
        """The role's provider publishes prices of requests that are answered at once, and batches cost less: none is taken."""
        del model
        return None


def place_of(options: _server.Options) -> dict[str, Any]:
    """Where a role's options have its batches left, as receipts in the journal say it: address and names of variables,
    without any key."""
    headers = {name: value for name, value in options.headers.items() if value.startswith("$")}
    return without_keys({"base_url": options.base_url, "api_key_env": options.api_key_env, "headers": headers})

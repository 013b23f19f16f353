"""The embedded backend: writes grammatical Chinese from sentence frames, for trying, testing and developing recipes, not for training.

It sees what any model sees, the messages and the schema, and answers with text that must be parsed. A reply is a function of the
request alone. Now and then it errs as models do: a refusal, broken JSON, an item twice, judges that differ. There are two sets of
frames, and with them two families: the words of the first are frozen.
"""

import random
from collections.abc import Iterable
from hashlib import blake2b
from itertools import pairwise
from typing import Annotated, Literal
from zlib import crc32

from synth.backends.offline import one
from synth.backends.offline.two import tasks as two
from synth.hashing import seed_of
from synth.recipe import backend
from synth.recipe.role import Role
from synth.types import Reply, Request

FAMILY = "offline/1"
LATER = "offline/2"
GIVES = frozenset({"words", "vectors", "continues"})
STAND_IN = True
SIZE = 256
"""Numbers in a vector."""
_LATER_PROMPTS = ("sheet/", "answer/", "redact/", "category/")


class Options(backend.Options):
    """What the backend `offline` takes under a role."""

    frames: Annotated[Literal[1, 2], backend.Bears()] = 1
    """The set of sentence frames that the role's texts are made of. The first is what a recipe means that says nothing; the second
    has frames by scenario, follows slot sheets and knows the prompts under `answer/`."""

    @classmethod
    def turned(cls) -> dict[str, int]:
        """The later frames, for roles that the command line makes offline."""
        return {"frames": 2}

    @property
    def family(self) -> str:
        """The family of the offline backend with these frames."""
        return LATER if self.frames == 2 else FAMILY

    def objection(self, prompts: Iterable[str]) -> str | None:
        """What a recipe's prompts ask of the offline backend that its first frames have no words for."""
        later = next((name for name in sorted(prompts) if name.startswith(_LATER_PROMPTS)), None)
        if self.frames == 1 and later is not None:
            return f"frames 1 of backend offline have no answer to prompt {later}; say `frames: 2`"
        return None


class OfflineBackend:
    self_scheduling = False

    def __init__(self, family: str = FAMILY) -> None:
        self.family = family

    async def complete(self, request: Request, key: str) -> Reply:
        return reply_to(request, seed_of(key))

    async def check(self, model: str) -> None:
        del model

    async def close(self) -> None:
        return None


def share(role: Role, options: Options) -> str:
    """What roles that share the backend `offline` have in common: their frames."""
    del role
    return options.family


def connect(role: Role, options: Options) -> OfflineBackend:
    """Opens the backend `offline`. No address, no key; the role's model name merely tells one voice from another."""
    del role
    return OfflineBackend(options.family)


def reply_to(request: Request, seed: int) -> Reply:
    """The offline backend's reply to a request: a function of its arguments. Its first frames answer what is asked of their family,
    the second ones all else."""
    if request.kind == "embedding":
        return _vector(request.messages[0].content)
    words = [request.model, str(seed), *(message.content for message in request.messages)]
    chance = random.Random(blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=8).digest())
    system = next((message.content for message in request.messages if message.role == "system"), "")
    user = next((message.content for message in request.messages if message.role == "user"), "")
    if request.text is not None:  # the question of its last turn
        user = request.messages[0].content.rpartition("用户：")[2].removesuffix("助手：").strip()
    tasks = one.TASKS if request.family == FAMILY else two.TASKS
    title = None if request.schema is None else str(request.schema.get("title"))
    task = tasks.get(title, tasks["unknown"])
    text = request.prefill + task(chance, system, user, request.schema or {})
    return Reply(text, prompt_tokens=sum(map(len, words)), completion_tokens=len(text))


def meaning(text: str) -> list[float]:
    """A text's vector from the offline backend: texts that share characters, and pairs of them, are near."""
    vector = [0.0] * SIZE
    for gram in sorted({*text, *map("".join, pairwise(text))}) or [""]:
        digest = crc32(gram.encode("utf-8", "surrogatepass"))
        vector[digest % SIZE] += 1.0 if digest >> 16 & 1 else -1.0
    return vector


def _vector(text: str) -> Reply:
    from synth.vector import rounded, written

    return Reply(written(rounded(meaning(text))), prompt_tokens=len(text))

"""A model role as a stage uses it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from synth.recipe.prompt import Prompt
from synth.stages.reply_stats import ReplyStats
from synth.types import Message, Request


@dataclass(frozen=True, slots=True)
class Requester:
    """Builds the requests of one model role for a stage; `family` is that of the role's backend."""

    role: str
    model: str
    family: str
    params: Mapping[str, Any]
    system: bool = True
    """Whether this requester's model takes a system message; if not, its text goes before the user's."""
    prefill: str = ""
    """What the model's reply must begin with; empty is nothing."""
    plain: Prompt | None = None
    """The prompt that turns a conversation into plain text, for a model without a chat template."""
    stats: ReplyStats = field(default_factory=ReplyStats, compare=False)
    """Where the replies to this role's requests are counted."""
    revision: str = ""
    """The revision of the model, which stands at the end of its name too."""
    clean: bool = False
    """Whether this requester's replies are cleaned before they are read."""
    unasked: frozenset[str] = frozenset()
    """Names of `params` that stand at a default nobody asked for."""

    def request(
        self, messages: tuple[Message, ...], schema: Mapping[str, Any] | None, draw: tuple[str | int, ...]
    ) -> Request:
        """The request to the role's model for these messages, as the model takes them: without a system role, with a
        prefill or as plain text where its role says so. `draw` tells apart requests with equal messages."""
        kind: Literal["chat", "completion"] = "chat"
        if self.plain is not None:
            kind = "completion"
            messages = (Message("user", self.plain.render({"messages": messages})[0].content),)
        elif not self.system:
            messages = _without_system(messages)
        if self.prefill:
            messages += (Message("assistant", self.prefill),)
        return self.addressed(messages, schema, draw, kind)

    def addressed(
        self,
        messages: tuple[Message, ...],
        schema: Mapping[str, Any] | None,
        draw: tuple[str | int, ...],
        kind: Literal["chat", "completion", "embedding"],
    ) -> Request:
        """A request to the role's model with these messages as they are, of the given kind."""
        model = self.model.removesuffix(f"@{self.revision}") if self.revision else self.model
        return Request(self.family, model, messages, self.params, schema, draw, kind, self.revision, self.unasked)


def _without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """For models whose template knows no system role: its text begins the user's."""
    first, *rest = messages
    if first.role != "system" or not rest:
        return messages
    return (Message(rest[0].role, f"{first.content}\n\n{rest[0].content}"), *rest[1:])


def object_schema(title: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of the object that a request asks for: these properties, in this order, all required and no
    others."""
    return {
        "title": title,
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }

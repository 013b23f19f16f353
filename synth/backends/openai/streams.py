"""An answer that comes in pieces, as server-sent events, put together to the completion that it is."""

import io
from collections.abc import Mapping
from typing import Any

from synth.backends.openai.bodies import dumps, loads
from synth.errors import ProviderError

TYPE = "text/event-stream"
_STRAY = 2**16
"""Bytes of lines that are no events' that are kept: an error may come so, as it stands."""
_OPENINGS = (b"data:", b"event:", b"id:", b": ")
_SAID = ("content", "reasoning_content", "reasoning", "refusal")


def is_stream(headers: Mapping[str, str]) -> bool:
    """Whether a response says that its body is a stream of events."""
    return headers.get("Content-Type", "").lower().startswith(TYPE)


def looks_streamed(body: bytes | bytearray) -> bool:
    """Whether a body is a stream of events, whatever its head says."""
    return bytes(body[:64]).lstrip().startswith(_OPENINGS)


class Assembler:
    """Puts a stream of events together as its bytes come; of what it has read it keeps the words alone."""

    free = 2**18
    """Bytes that it keeps without leave: its words come slowly, and nobody should wait for them."""

    def __init__(self, most: int) -> None:
        self.most, self.size = most, 0
        """`size` is the bytes that are kept."""
        self._line, self._data, self._stray = bytearray(), bytearray(), bytearray()
        self._said = {name: io.StringIO() for name in _SAID}
        self._finish: Any = None
        self._usage: Any = None
        self._error: Any = None
        self._began = self._done = False

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes of a stream of events."""
        *lines, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            self._line += line
            self._take(bytes(self._line))
            self._line.clear()
        self._line += rest
        kept = sum(map(len, (self._line, self._data, self._stray)))
        if kept + self.size > self.most:
            raise ProviderError(f"sends more than {self.most >> 20} MiB", cause="garbled")

    def clear(self) -> None:
        """Forgets what was read of a stream."""
        self._said = {name: io.StringIO() for name in _SAID}
        for kept in (self._line, self._data, self._stray):
            kept.clear()

    def body(self) -> bytes:
        """The completion that a stream of events made up, or the error that came in its place, as JSON."""
        self._take(bytes(self._line))
        self._take(b"")
        self._line.clear()
        if not self._began and self._error is None:
            return bytes(self._stray)
        message = {name: said.getvalue() for name, said in self._said.items() if said.tell()}
        if self._error is not None and not message.get("content"):
            return dumps(self._error)
        finish = "error" if self._error is not None else self._finish
        if finish is None and not self._done:
            finish = "cut off"
        return dumps({"choices": [{"message": message, "finish_reason": finish}], "usage": self._usage})

    def _take(self, line: bytes) -> None:
        """One line of a stream; an empty one ends an event."""
        name, _, value = line.partition(b":")
        if not line:
            if self._data:
                self._event(bytes(self._data))
                self._data.clear()
        elif name == b"data":
            self._data += value.removeprefix(b" ")
            if self._data.endswith(b"}") and (self._data.startswith(b"{") and _whole(self._data)):
                self._event(bytes(self._data))  # not every server leaves a line between two
                self._data.clear()
        elif name not in (b"event", b"id", b"retry", b"") and len(self._stray) + len(line) < _STRAY:
            self._stray += line

    def _event(self, data: bytes) -> None:
        if data.strip() == b"[DONE]":
            self._done = True
            return
        try:
            event = loads(data)
        except ValueError:
            self._began, self._finish = True, "torn"
            return
        if isinstance(event, dict):
            self._merge(event)

    def _merge(self, event: dict[str, Any]) -> None:
        self._usage = event.get("usage") or self._usage
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            if choices is None and self._error is None:  # what comes in place of choices is an error
                self._error = event
            return
        self._began = True
        delta = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
        for name in _SAID if isinstance(delta, dict) else ():
            said = delta.get(name)
            if isinstance(said, str) and said:
                self._said[name].write(said)
                self.size += len(said) * 4
        if choice.get("finish_reason"):
            self._finish = choice["finish_reason"]


def _whole(data: bytearray) -> bool:
    try:
        loads(data)
    except ValueError:
        return False
    return True

"""The stand-in server's Batch API: files, batches that are done after a while, and what may go wrong with them, counted."""

import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any, Protocol

from aiohttp import web

from synth.backends.batch.options import BatchOptions
from synth.serve.answers import lost, refused, told
from synth.serve.faults import CREATIONS, LOOKS, ROWS, UPLOADS, Habits, latency_law


class Host(Protocol):
    """The stand-in server as its Batch API needs it: its habits, whom it turns away, its answer to a row, the next fault."""

    habits: Habits

    def unwelcome(self, http: web.Request) -> web.Response | None: ...
    def row(self, body: Mapping[str, Any], key: str) -> tuple[int, dict[str, Any]]: ...
    def step(self, faults: Sequence[str]) -> str | None: ...


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, eq=False)
class File:
    id: str
    name: str
    purpose: str
    data: bytes
    created: float

    def facts(self) -> dict[str, Any]:
        """The stand-in's file as OpenAI's Files API describes one, without its bytes."""
        size, created = len(self.data), int(self.created)
        names = {"id": self.id, "object": "file", "filename": self.name, "purpose": self.purpose}
        return names | {"bytes": size, "created_at": created}


@dataclass(slots=True, eq=False)
class Batch:
    id: str
    input: str
    metadata: Mapping[str, str]
    window: str
    created: float
    lasts: float
    """Seconds until it is done."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    cancelled: float | None = None
    status: str = "validating"
    errors: list[dict[str, Any]] = field(default_factory=list)
    output: str | None = None
    rejects: str | None = None
    late: bool = False

    def facts(self) -> dict[str, Any]:
        """The stand-in's batch as OpenAI's Batch API describes one."""
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input,
            "completion_window": self.window,
            "status": self.status,
            "output_file_id": self.output,
            "error_file_id": self.rejects,
            "created_at": int(self.created),
            "expires_at": self.created + BatchOptions(window=self.window).seconds,
            "request_counts": {"total": len(self.rows)},
            "metadata": dict(self.metadata),
        }


class Batches:
    """The Batch API of one stand-in server, its files and its batches; a batch moves on only when somebody looks at it."""

    def __init__(self, host: Host) -> None:
        self._host, self._fault = host, host.step
        self.files: dict[str, File] = {}
        self.batches: dict[str, Batch] = {}
        self.uploads: Counter[str] = Counter()
        """By hash of the file."""
        self.sent: Counter[str] = Counter()
        """Rows of batches, by key."""
        self.unused: list[list[str]] = []
        """Keys in each file of requests that was deleted before any batch was made of it."""
        self._ids = count(1)
        self._chance = random.Random(host.habits.seed)

    def stats(self) -> dict[str, Any]:
        """What `/stats` tells of the Batch API: counts of files, batches and rows, and of what was sent more than once."""
        return {
            "files_uploaded": self.uploads.total(),
            "files_uploaded_again": self.uploads.total() - len(self.uploads),
            "files_unused": len(self.unused),
            "files_kept": len(self.files),
            "batches": len(self.batches),
            "rows": self.sent.total(),
            "rows_again": self.sent.total() - len(self.sent),
            "ended": dict(Counter(batch.status for batch in self.batches.values())),
        }

    def routes(self, application: web.Application) -> None:
        """Adds the Batch API's routes to the stand-in's application; each turns away a client that is served nothing."""
        for method, path, handler in (
            ("POST", "/v1/files", self.upload),
            ("GET", "/v1/files", self.list_files),
            ("GET", "/v1/files/{id}/content", self.content),
            ("DELETE", "/v1/files/{id}", self.delete),
            ("POST", "/v1/batches", self.create),
            ("GET", "/v1/batches", self.list_batches),
            ("GET", "/v1/batches/{id}", self.look),
            ("POST", "/v1/batches/{id}/cancel", self.cancel),
        ):
            application.router.add_route(method, path, self._for_the_welcome(handler))

    def _for_the_welcome(self, handler: Handler) -> Handler:
        async def handle(http: web.Request) -> web.StreamResponse:
            return self._host.unwelcome(http) or await handler(http)

        return handle

    async def upload(self, http: web.Request) -> web.StreamResponse:
        form = await http.post()
        sent, purpose = form.get("file"), form.get("purpose")
        if purpose != "batch" or not isinstance(sent, web.FileField):
            return refused(400, "purpose must be batch, and there must be a file")
        fault = self._fault(UPLOADS)
        if fault == "upload-500":
            return refused(500, "try later")
        data = sent.file.read()
        self.uploads[sha256(data).hexdigest()] += 1
        made = self._keep(sent.filename, "batch", data)
        return lost(http) if fault else told(made.facts())

    async def list_files(self, http: web.Request) -> web.Response:
        purpose = http.query.get("purpose")
        return _page(http, [file.facts() for file in self.files.values() if purpose in (None, file.purpose)])

    async def content(self, http: web.Request) -> web.Response:
        file = self.files.get(http.match_info["id"])
        if file is None:
            return refused(404, "No such File object")
        end = len(file.data)
        if file.purpose == "batch_output" and self._fault(("torn-file",)):
            end = end * 2 // 3  # in the middle of a line, or between two
            end = self._chance.choice((end, file.data.rfind(b"\n", 0, end) + 1))
        return web.Response(body=file.data[:end])

    async def delete(self, http: web.Request) -> web.Response:
        if (file := self.files.pop(http.match_info["id"], None)) is None:
            return refused(404, "No such File object")
        if file.purpose == "batch" and all(batch.input != file.id for batch in self.batches.values()):
            self.unused.append([json.loads(line)["custom_id"] for line in file.data.splitlines()])
        return told({"id": file.id, "deleted": True})

    def _keep(self, name: str, purpose: str, data: bytes) -> File:
        file = File(f"file-{next(self._ids)}", name, purpose, data, time.time())
        self.files[file.id] = file
        return file

    async def create(self, http: web.Request) -> web.StreamResponse:
        wish = await http.json()
        if wish.get("input_file_id") not in self.files:
            return refused(400, "Invalid input_file_id")
        fault = self._fault(CREATIONS)
        if fault == "create-500":
            return refused(500, "try later")
        lasts = latency_law(self._host.habits.batch_latency)(self._chance)
        id, window = f"batch_{next(self._ids)}", wish["completion_window"]
        batch = Batch(id, wish["input_file_id"], wish.get("metadata") or {}, window, time.time(), lasts)
        self._validate(batch)
        self.batches[id] = batch
        batch.late = fault == "late"
        return lost(http) if fault == "create-lost" else told(batch.facts())

    async def list_batches(self, http: web.Request) -> web.Response:
        for batch in self.batches.values():
            self._pass_time(batch)
        return _page(http, [batch.facts() for batch in self.batches.values()])

    async def look(self, http: web.Request) -> web.Response:
        batch = self.batches.get(http.match_info["id"])
        if batch is None:
            return refused(404, "No batch found with that id")
        if self._fault(LOOKS):
            return refused(500, "try later")
        self._pass_time(batch)
        return told(batch.facts())

    async def cancel(self, http: web.Request) -> web.Response:
        batch = self.batches.get(http.match_info["id"])
        if batch is None:
            return refused(404, "No batch found with that id")
        self._pass_time(batch)
        if batch.status not in ("validating", "in_progress", "finalizing"):
            return refused(409, f"Cannot cancel a batch with status {batch.status}")
        batch.status, batch.cancelled = "cancelling", time.time()
        return told(batch.facts())

    def _validate(self, batch: Batch) -> None:
        habits, wrong = self._host.habits, batch.errors
        for number, line in enumerate(self.files[batch.input].data.splitlines(), start=1):
            try:
                row = json.loads(line)
                batch.rows.append({"custom_id": str(row["custom_id"]), "body": dict(row["body"])})
            except (ValueError, KeyError, TypeError):
                wrong.append({"code": "invalid_json_line", "message": "This line is not a request", "line": number})
        models = {row["body"].get("model") for row in batch.rows}
        waiting = sum(len(other.rows) for other in self.batches.values() if self._unended(other))
        if len({row["custom_id"] for row in batch.rows}) < len(batch.rows):
            wrong.append({"code": "duplicate_custom_id", "message": "A custom_id stands there twice", "line": None})
        if len(models) > 1:
            wrong.append({"code": "mismatched_model", "message": "All requests must be of one model", "line": None})
        if habits.models is not None and models - habits.models:
            wrong.append({"code": "model_not_found", "message": "This model does not exist", "line": 1})
        if habits.batch_rows is not None and waiting + len(batch.rows) > habits.batch_rows:
            limit = f"Enqueued token limit reached. Limit: {habits.batch_rows} requests. Please try again later."
            wrong.append({"code": "token_limit_exceeded", "message": limit, "line": None})
        if not wrong and self._fault(("failed",)):
            wrong.append({"code": "invalid_request", "message": "Something is wrong with this request", "line": 1})
        if not wrong:
            self.sent.update(row["custom_id"] for row in batch.rows)

    def _unended(self, batch: Batch) -> bool:
        self._pass_time(batch)
        return batch.status in ("validating", "in_progress", "finalizing", "cancelling")

    def _pass_time(self, batch: Batch) -> None:
        if batch.status in ("failed", "completed", "expired", "cancelled"):
            return
        now, ends = time.time(), batch.created + BatchOptions(window=batch.window).seconds
        if batch.errors:
            batch.status = "failed"
        elif batch.cancelled is not None:
            if now >= batch.cancelled + min(1.0, batch.lasts / 10):
                self._end(batch, "cancelled", (batch.cancelled - batch.created) / max(batch.lasts, 1e-9))
        elif now >= (batch.created + batch.lasts if batch.late else min(ends, batch.created + batch.lasts)):
            expired = (ends < batch.created + batch.lasts and not batch.late) or bool(self._fault(("expired",)))
            self._end(batch, "expired" if expired else "completed", 0.5 if expired else 1.0)
        else:
            done = (now - batch.created) / batch.lasts
            batch.status = "validating" if done < 0.1 else "in_progress" if done < 0.9 else "finalizing"

    def _end(self, batch: Batch, status: str, share: float) -> None:
        """Answers that share of the rows; the others stand among the errors."""
        batch.status = status
        output: list[dict[str, Any]] = []
        rejects: list[dict[str, Any]] = []
        for number, row in enumerate(batch.rows):
            key = row["custom_id"]
            entry: dict[str, Any] = {"id": f"batch_req_{number}", "custom_id": key, "response": None, "error": None}
            if number >= int(len(batch.rows) * min(1.0, share)):
                message = "This request could not be executed before the batch ended."
                rejects.append(entry | {"error": {"code": f"batch_{status}", "message": message}})
                continue
            fault = self._fault(ROWS)
            code, body = (int(fault[4:]), _SORRY) if fault else self._host.row(row["body"], key)
            entry["response"] = {"status_code": code, "request_id": key, "body": body}
            (output if code == 200 else rejects).append(entry)
        if self._fault(("shuffled",)):
            self._chance.shuffle(output)
        if self._fault(("missing",)):
            del output[::2]
        if self._fault(("doubled",)):
            output += output[::3]
        batch.output = self._lines(batch, "output", output)
        batch.rejects = self._lines(batch, "error", rejects)

    def _lines(self, batch: Batch, kind: str, rows: list[dict[str, Any]]) -> str | None:
        data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        return self._keep(f"{batch.id}_{kind}.jsonl", "batch_output", data).id if rows else None


_SORRY = {"error": {"message": "this request is out of luck"}}


def _page(http: web.Request, entries: list[dict[str, Any]]) -> web.Response:
    """The newest first, so many after the one named."""
    entries.reverse()
    limit, after = int(http.query.get("limit", 20)), http.query.get("after")
    first = next((place + 1 for place, entry in enumerate(entries) if entry["id"] == after), 0)
    page = entries[first : first + limit]
    return told({"object": "list", "data": page, "has_more": first + limit < len(entries)})

"""Stand-ins on loopback for where data sets are uploaded to: Hugging Face's hub, and ModelScope's."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

S = TypeVar("S", "Hub", "ModelScope")
MODE = {"uploadMode": "regular", "shouldIgnore": False, "oid": None}


@dataclass
class Hub:
    """Hugging Face's hub: a repository that may be public or gated, and holds a shard of an earlier upload."""

    public: bool = False
    gated: str | bool = False
    refuses: bool = False
    address: str = ""
    holds: list[str] = field(default_factory=list)
    card: dict[str, Any] | None = None
    created: list[dict[str, Any]] = field(default_factory=list)
    committed: list[dict[str, Any]] = field(default_factory=list)
    settings: list[dict[str, Any]] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    """What was done, in order: `gate`, `commit`."""
    tokens: set[str] = field(default_factory=set)

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        del query
        if path == "/api/repos/create":
            self.created.append(json.loads(body))
            return (403, {}) if self.refuses else (200, {"url": f"{self.address}/datasets/me/mine"})
        if path.endswith("/settings") and method == "PUT":
            self.settings.append(json.loads(body))
            self.did.append("gate")
            return 200, {}
        if "/tree/" in path:
            return 200, [{"type": "file", "path": "data/train-00000-of-00009.parquet", "size": 3, "oid": "0" * 40}]
        if "/preupload/" in path:
            return 200, {"files": [{**file, **MODE} for file in json.loads(body)["files"]]}
        if "/commit/" in path:
            self.committed += [json.loads(line) for line in body.splitlines()]
            self.did.append("commit")
            return 200, {"commitUrl": f"{self.address}/datasets/me/mine/commit/1", "commitOid": "1" * 40}
        told = {"id": "me/mine", "sha": "0" * 40, "private": not self.public, "gated": self.gated}
        siblings = [{"rfilename": name} for name in self.holds]
        return (403, {}) if self.refuses else (200, told | {"siblings": siblings, "cardData": self.card})

    def paths(self, key: str) -> list[str]:
        return [line["value"]["path"] for line in self.committed if line["key"] == key]


@dataclass
class ModelScope:
    """ModelScope's hub: the repositories it has been told of, the files that they hold."""

    address: str = ""
    public: bool | None = None
    """Whether the repository that stands there is public; None: there is none."""
    files: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    """The bodies of requests that made a repository."""
    tokens: set[str] = field(default_factory=set)

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        found = self._written(method, path, body)
        if found is None and self.public is not None and method == "GET":
            found = self._read(path, query)
        if isinstance(found, bytes):
            return 200, found
        told = {"Code": 200, "code": 200, "Success": True, "success": True, "Data": found, "data": found}
        return (404, {"Code": 404, "Message": "not found", "Success": False}) if found is None else (200, told | found)

    def _written(self, method: str, path: str, body: bytes) -> dict[str, Any] | None:
        if path == "/api/v1/datasets" and method == "POST":
            if self.public is not None:  # the package asks for one before it uploads, whether there is one or not
                return None
            self.created.append(body.decode())
            self.public = False
            return {"Name": "mine"}
        if path.endswith("/lfs/objects/batch"):
            wanted = [one["oid"] for one in json.loads(body)["objects"]]
            return {
                "objects": [
                    {"oid": oid, "actions": {"upload": {"href": f"{self.address}/blob/{oid}"}}} for oid in wanted
                ]
            }
        if path.startswith("/blob/"):
            self.blobs[path.rpartition("/")[2]] = body
            return {}
        if "/commit/" in path:
            for one in json.loads(body)["actions"]:
                self._done(one)
            return {"oid": "1" * 40}
        return None

    def _read(self, path: str, query: dict[str, str]) -> Any:
        if path.endswith("/repo/tree"):
            return {"Files": [{"Path": name, "Size": len(text), "Type": "blob"} for name, text in self.files.items()]}
        if path.endswith("/repo"):
            return self.files[query["FilePath"]]
        return {"id": "me/mine", "private": not self.public, "gated": False}

    def _done(self, one: dict[str, Any]) -> None:
        if one["action"] == "delete":
            del self.files[one["path"]]
        else:
            text = self.blobs[one["sha256"]] if one["type"] == "lfs" else base64.b64decode(one["content"])
            self.files[one["path"]] = text


@contextmanager
def standing(stand: S) -> Iterator[S]:
    """The stand-in, listening on loopback under its `address`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def _answer(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if token := re.search(r"Bearer (\S+)", self.headers["Authorization"] or ""):
                stand.tokens.add(token[1])
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            status, found = stand.answer(self.command, url.path, query, body)
            told = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stand.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stand
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Which ways of the branches in a module's code were gone while something ran."""

import ast
import importlib
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any


class Branches:
    """Notes, within `traced`, the lines that modules go from and to."""

    def __init__(self, modules: Sequence[str]) -> None:
        found = [(name, importlib.import_module(f"synth.{name}").__file__ or "") for name in modules]
        self._names = {os.path.realpath(path): name for name, path in found}
        self._gone: dict[str, set[tuple[int, int]]] = defaultdict(set)

    @contextmanager
    def traced(self) -> Iterator[None]:
        """For the length of a block; a block each for what may end in a RecursionError, which ends all tracing."""
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, _: str, __: Any) -> Any:
        path = frame.f_code.co_filename
        if path not in self._names:
            return None
        gone, last = self._gone[path], [frame.f_lineno]

        def line(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                gone.add((last[0], frame.f_lineno))
                last[0] = frame.f_lineno
            elif event == "return":
                gone.add((last[0], 0))
            return line

        return line

    def told(self) -> Iterator[str]:
        """A line for each module, and one for all: how many ways there are, how many were gone, which were not."""
        whole = met = 0
        for path, name in self._names.items():
            ways = _ways(Path(path))
            taken = {(first, way) for first, way in ways if _went(self._gone[path], first, way)}
            whole, met = whole + len(ways), met + len(taken)
            missing = ", ".join(f"{first}→{way}" for first, way in sorted(ways - taken))
            yield f"{name:<26} {len(taken)} of {len(ways)} branches{f'; not gone: {missing}' if missing else ''}"
        yield f"branches of the readers: {met} of {whole} ({met / whole:.1%})"


def _ways(path: Path) -> set[tuple[int, str]]:
    """The two ways of every statement that has them, by its line: into its body, or past it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant)
        if isinstance(node, ast.If | ast.While | ast.For | ast.AsyncFor) and not endless:
            span = f"{node.body[0].lineno}-{node.body[-1].end_lineno}"
            found |= {(node.lineno, f"in {span}"), (node.lineno, f"past {span}")}
        elif isinstance(node, ast.ExceptHandler):
            found.add((node.lineno, f"in {node.body[0].lineno}-{node.body[-1].end_lineno}"))
    return found


def _went(gone: set[tuple[int, int]], first: int, way: str) -> bool:
    kind, span = way.split(" ")
    low, high = map(int, span.split("-"))
    tos = [to for since, to in gone if since == first and to != first]
    return any((low <= to <= high) == (kind == "in") for to in tos)

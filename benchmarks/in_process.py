"""The `vllm` backend against vLLM's own AsyncLLM on the same engine and the same requests, in turns; the ratio of their speeds.

    .venv-vllm/bin/python benchmarks/in_process.py [MODEL] [--ray]

Without a model, a tiny random one: then next to nothing is computed, and what is measured is what a request costs besides. `--ray` has
an actor of Ray hold a second engine once the first has ended, and asks it the same.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from synth.backends import connect
from synth.engine.loop import quick_loop
from synth.hashing import key_of
from synth.plan.lanes import LaneSpec
from synth.recipe.load import load
from synth.recipe.role import Role
from synth.run.compile import compile_recipe
from synth.types import Request
from tests.vllm.tiny import ENGINE, make

CALLS, ROUNDS, TOKENS = 256, 7, 64


def requests(model: str) -> list[Request]:
    """A recipe's writer calls, lane by lane, a few tokens of answer each."""
    bound = compile_recipe(load("libra"))
    params = {"temperature": 1.0, "top_p": 1.0, "max_tokens": TOKENS, "ignore_eos": True}

    def request(spec: LaneSpec, call: int) -> Request:
        asked = bound.flow.source.request(spec, call)
        assert asked is not None
        return Request("model", model, asked.messages, params, None, asked.draw)

    return [request(bound.specs[i % len(bound.specs)], i // len(bound.specs)) for i in range(CALLS)]


async def main(model: str, engine: dict[str, Any], ray: dict[str, Any] | None) -> None:
    backend: Any = connect({"a": Role(backend="vllm", model=model, engine=engine, data_parallel=1)})["a"]
    asked = requests(model)
    await backend.check(model)
    await backend.complete(asked[0], key_of(asked[0]))
    resident = backend._turns._guest
    from vllm.inputs import tokens_input

    ready = [
        (tokens_input(resident._tokens(one)), resident._sampling(one, key_of(one), TOKENS), f"raw-{i}")
        for i, one in enumerate(asked)
    ]

    async def raw(prompt: Any, sampling: Any, name: str) -> None:
        async for _ in resident._llm.generate(prompt, sampling, name):
            pass

    times: dict[str, list[float]] = {"raw": [], "backend": []}
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await asyncio.gather(*(raw(*one) for one in ready))
        middle = time.perf_counter()
        await asyncio.gather(*(backend.complete(one, key_of(one)) for one in asked))
        times["raw"].append(middle - began)
        times["backend"].append(time.perf_counter() - middle)
    await backend.close()
    if ray is not None:
        times["ray"] = await by_ray(Role(backend="ray", of="vllm", model=model, engine=engine, ray=ray), asked)
    for name, found in times.items():
        print(f"{name:<8} {CALLS / statistics.median(found):8.1f} calls/s, median of {ROUNDS}")
    for name in list(times)[1:]:
        ratios = [one / two for one, two in zip(times["raw"], times[name], strict=True)]
        print(f"{name} / raw {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(backend.note)


async def by_ray(role: Role, asked: list[Request]) -> list[float]:
    """Seconds that an engine in an actor of Ray takes for all requests, for each round."""
    backend: Any = connect({"a": role})["a"]
    try:
        await backend.check(role.model)
        await asyncio.gather(*(backend.complete(one, key_of(one)) for one in asked[:8]))
        found = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await asyncio.gather(*(backend.complete(one, key_of(one)) for one in asked))
            found.append(time.perf_counter() - began)
    finally:
        await backend.close()
    return found


if __name__ == "__main__":
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--ray", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, quick_loop() as runner:
        tiny = Path(folder) / "tiny"
        if given.model is None:
            make(tiny)
        # The tiny one is asked on processors.
        held = {"address": "local", "in_flight": CALLS} | ({} if given.model else {"gpus": 0})
        runner.run(main(given.model or str(tiny), {} if given.model else ENGINE, held if given.ray else None))

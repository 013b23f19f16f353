"""What each way to reach a server costs: the `openai` package and leaner ones, against a server that answers at once.

python benchmarks/transports.py
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
from engine import ANSWER, CONCURRENCY, in_lanes, interleaved, renderer, server, start
from openai import AsyncOpenAI, DefaultAioHttpClient

from synth.backends.openai.bodies import body_of
from synth.hashing import key_of
from synth.recipe import load
from synth.run.compile import compile_recipe

COUNT, TIMES = 1500, 5


def bodies() -> list[dict[str, Any]]:
    request = renderer(compile_recipe(load.load("demo")))
    ready = [request(number) for number in range(COUNT)]
    return [orjson.loads(orjson.dumps(body_of(one, key_of(one), "json_schema"))) for one in ready]


async def package(url: str, asked: list[dict[str, Any]], *, over_aiohttp: bool, raw: bool) -> None:
    http = DefaultAioHttpClient() if over_aiohttp else None
    async with AsyncOpenAI(base_url=url, api_key="x", max_retries=0, http_client=http) as client:
        create = client.chat.completions.with_raw_response.create if raw else client.chat.completions.create

        async def call(number: int) -> Any:
            answered = await create(**asked[number])
            return orjson.loads(answered.content) if raw else answered.choices[0].message.content

        start.time()
        await in_lanes(COUNT, CONCURRENCY, call)


async def lean(
    url: str, asked: list[dict[str, Any]], dumps: Callable[[Any], bytes], loads: Callable[[bytes], Any]
) -> None:
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:

        async def call(number: int) -> Any:
            async with session.post(f"{url}/chat/completions", data=dumps(asked[number])) as response:
                return loads(await response.read())["choices"][0]["message"]["content"]

        start.time()
        await in_lanes(COUNT, CONCURRENCY, call)


def main() -> None:
    import json

    asked = bodies()
    with server("--answer", ANSWER) as url:
        cases: dict[str, Callable[[], Awaitable[None]]] = {
            "openai": lambda: package(url, asked, over_aiohttp=False, raw=False),
            "openai over aiohttp": lambda: package(url, asked, over_aiohttp=True, raw=False),
            "openai over aiohttp, raw responses": lambda: package(url, asked, over_aiohttp=True, raw=True),
            "aiohttp": lambda: lean(url, asked, lambda body: json.dumps(body).encode(), json.loads),
            "aiohttp, orjson": lambda: lean(url, asked, orjson.dumps, orjson.loads),
        }
        for name, factory in (("asyncio", asyncio.Runner), ("uvloop", None)):
            found = interleaved(cases, COUNT, TIMES, factory)
            for case, (wall, cpu) in found.items():
                print(f"{name:<10}{case:<40}{wall:>10,.0f} calls/s{1e6 / cpu:>10,.0f} us of CPU")


if __name__ == "__main__":
    main()

"""A trained guard behind an OpenAI-compatible server: transformers answers, one request after the other."""

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web


def application(folder: Path) -> web.Application:
    """The server of the model in a folder, for `serve.listen.listening`: chat alone, greedy, with the likeliest tokens where asked."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    turn = asyncio.Lock()

    def answered(body: dict[str, Any]) -> dict[str, Any]:
        prompt = tokenizer.apply_chat_template(body["messages"], tokenize=False, add_generation_prompt=True)
        ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).input_ids
        with torch.no_grad():
            found = model.generate(
                ids,
                max_new_tokens=body.get("max_tokens", 60),
                do_sample=False,
                output_scores=True,
                return_dict_in_generate=True,
            )
        new = found.sequences[0, ids.shape[1] :]
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": tokenizer.decode(new, skip_special_tokens=True)},
            "finish_reason": "stop" if new[-1] == tokenizer.eos_token_id else "length",
        }
        if body.get("logprobs"):
            choice["logprobs"] = {
                "content": [_likeliest(tokenizer, step[0], int(id)) for step, id in zip(found.scores, new, strict=True)]
            }
        return {"object": "chat.completion", "model": body["model"], "choices": [choice]}

    async def chat(request: web.Request) -> web.Response:
        async with turn:
            return web.json_response(await asyncio.to_thread(answered, await request.json()))

    served = web.Application()
    served.router.add_post("/v1/chat/completions", chat)
    served.router.add_get("/v1/models", _models)
    return served


async def _models(_: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": "guard", "object": "model"}]})


def _likeliest(tokenizer: Any, scores: Any, id: int) -> dict[str, Any]:
    logs = scores.log_softmax(-1)
    top = [{"token": tokenizer.decode([one]), "logprob": float(logs[one])} for one in logs.topk(5).indices.tolist()]
    return {"token": tokenizer.decode([id]), "logprob": float(logs[id]), "top_logprobs": top}

"""Answers that are begun for the model, and base models that go on with plain text: what is asked, what is kept, what a retry says."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from synth.backends import openai as backend
from synth.errors import ConfigError
from synth.hashing import key_of
from synth.recipe import load
from synth.recipe.prompt import Prompt
from synth.recipe.role import STOP, Role
from synth.recipe.schema import Recipe
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.stages.parsing import SHORTER, ask_until_read, read_text
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import Requester
from synth.types import Message, Reply, Request
from tests.conftest import Lab, tiny_recipe
from tests.stages.test_stages import ask_with
from tests.support.opened import opened
from tests.support.standin import standing_in

ASKED = (Message("system", "请用一句话回答。"), Message("user", "怎么煮米饭？"))
PLAIN = Prompt("completion/dialogue", {"messages"})
CALLERS = {
    "plain": Requester("a", "m", "model", {}),
    "prefill": Requester("a", "m", "model", {}, prefill="当然可以，"),
    "completion": Requester("a", "m", "model", {"stop": list(STOP)}, plain=PLAIN),
    "both": Requester("a", "m", "model", {"stop": list(STOP)}, prefill="当然可以，", plain=PLAIN),
}


def request(name: str) -> Request:
    return CALLERS[name].request(ASKED, None, ("respond", 1))


def test_each_way_of_asking_has_a_key_of_its_own() -> None:
    assert len({key_of(request(name)) for name in CALLERS}) == len(CALLERS)


def complete(asked: Request, **habits: Any) -> tuple[Reply, dict[str, Any]]:
    async def go() -> Reply:
        client = opened(backend, Role(model="m", api_key_env=None, base_url=server.url))
        try:
            return await client.complete(asked, key_of(asked))
        finally:
            await client.close()

    with standing_in(**habits) as server:
        return asyncio.run(go()), server.bodies[0]


def test_a_begun_answer_is_gone_on_with_and_kept_whole() -> None:
    reply, body = complete(request("prefill"), answer="先淘米。")
    assert body["messages"][-1] == {"role": "assistant", "content": "当然可以，"}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)
    assert reply.text == "当然可以，先淘米。"


def test_an_answer_nothing_was_added_to_is_empty() -> None:
    assert complete(request("prefill"), answer="\n")[0].text == ""


@pytest.mark.parametrize(("name", "begun"), [("completion", ""), ("both", "当然可以，")])
def test_a_base_model_goes_on_with_plain_text(name: str, begun: str) -> None:
    reply, body = complete(request(name), answer="先淘米。")
    assert "messages" not in body
    assert body["prompt"].endswith(f"要求：请用一句话回答。\n用户：怎么煮米饭？\n助手：{begun}")
    assert body["prompt"].startswith("以下是用户与聊天助手的几段对话")
    assert body["stop"] == list(STOP)
    assert reply.text == f"{begun}先淘米。"


def retried(name: str) -> Request:
    ask, asked = ask_with(Reply("太长太长", finish="length"), "好")
    place = PromptUse("respond", "respond/natural", "one.s0")
    assert asyncio.run(ask_until_read(ask, CALLERS[name], place, request(name), read_text)) == "好"
    return asked[1]


def test_a_second_try_begins_the_answer_again() -> None:
    told = (Message("assistant", "太长太长"), Message("user", SHORTER))
    assert retried("plain").messages == (*ASKED, *told)
    assert retried("prefill").messages == (*ASKED, *told, Message("assistant", "当然可以，"))


def test_a_base_model_is_told_nothing_and_draws_anew() -> None:
    assert retried("both").messages == request("both").messages
    assert retried("both").draw == (*request("both").draw, "again", 1)


OFFLINE = {role: {"backend": "offline", "model": role} for role in ("writer", "a", "b", "j1", "j2")}


@pytest.mark.parametrize("option", [{"prefill": "好的，"}, {"completion": "dialogue"}])
def test_only_answerers_are_asked_so(lab: Lab, option: dict[str, str]) -> None:
    models = OFFLINE | {"j1": OFFLINE["j1"] | option}
    with pytest.raises(ValueError, match=rf"models.j1.{next(iter(option))}: is for answerers, and judge.models"):
        tiny_recipe(models=models)


@pytest.mark.parametrize("option", [{"prefill": "好的，"}, {"completion": "dialogue"}])
def test_no_batch_goes_on_with_a_text(lab: Lab, option: dict[str, str]) -> None:
    models = OFFLINE | {"a": {"backend": "batch", "model": "a"} | option}
    with pytest.raises(ValueError, match=rf"models.a.{next(iter(option))}: no batch goes on with a text"):
        tiny_recipe(models=models)


def test_a_fragment_that_is_not_there_is_named_before_anything_is_asked(lab: Lab) -> None:
    models = OFFLINE | {"a": OFFLINE["a"] | {"completion": "dialog"}}
    with pytest.raises(ConfigError, match="no prompt 'completion/dialog'; did you mean 'completion/dialogue'"):
        compile_recipe(tiny_recipe(models=models))


def begun_recipe(**role: Any) -> Recipe:
    return tiny_recipe(models=OFFLINE | {"a": OFFLINE["a"] | role})


def test_what_begins_an_answer_bears_identity(lab: Lab) -> None:
    bare = compile_recipe(begun_recipe())
    for role in ({"prefill": "好的，"}, {"completion": "dialogue"}):
        assert compile_recipe(begun_recipe(**role)).fingerprint != bare.fingerprint
    changed = lab.folder / "prompts" / "completion" / "dialogue.j2"
    before = compile_recipe(begun_recipe(completion="dialogue")).fingerprint
    changed.parent.mkdir(parents=True)
    changed.write_text("{% block user %}{{ messages[-1].content }}{% endblock %}", encoding="utf-8")
    assert compile_recipe(begun_recipe(completion="dialogue")).fingerprint != before


def test_a_run_with_both_ends_met_and_every_such_answer_is_whole(here: Path) -> None:
    (here / "mine.yaml").write_text("{}", encoding="utf-8")
    with standing_in(listed=None) as server:
        recipe = load.with_models(
            load.load(
                "demo",
                settings=[
                    "models.answerer_a.prefill=说起来，",
                    "models.answerer_b.completion=dialogue",
                    *(
                        f"models.{role}.api_key_env=null"
                        for role in ("writer", "answerer_a", "answerer_b", "answerer_c")
                    ),
                    *(f"models.{role}.api_key_env=null" for role in ("judge_a", "judge_b")),
                ],
            ),
            backend="openai",
            model=None,
            base_url=server.url,
        )
        result = execute.run(compile_recipe(recipe), execute.RunOptions(here / "run", 12, ("crime.gambling",)))
        paths = {"prompt" if "prompt" in body else "messages" for body in server.bodies}
    assert result.status == 0, result.message
    assert paths == {"prompt", "messages"}
    answers = Lab(here).rows().values()
    begun = [row["response"] for row in answers if row["responder"] == "offline-a"]
    assert begun
    assert all(text.startswith("说起来，") for text in begun)

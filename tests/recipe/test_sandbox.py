"""A template that nests without end, asks for gigabytes or goes round for ever is one line."""

import time
from pathlib import Path

import pytest

from synth.errors import ConfigError
from synth.recipe import prompt
from synth.recipe.prompt import Prompt


def of(body: str) -> dict[str, str]:
    return {"mine.j2": f"{{% block user %}}{body}{{% endblock %}}"}


HOSTILE = {
    "brackets": "{{ " + "(" * 2_000 + "1" + ")" * 2_000 + " }}",
    "lists": "{{ " + "[" * 2_000 + "1" + "]" * 2_000 + " }}",
    "conditions": "{% if 1 %}" * 2_000 + "{% endif %}" * 2_000,
    "loops": "".join(f"{{% for a{n} in [1] %}}" for n in range(25)) + "{% endfor %}" * 25,
    "filters": "{{ 1" + "|string" * 5_000 + " }}",
    "sums": "{{ 1" + "+1" * 5_000 + " }}",
    "digits": "{{ " + "9" * 5_000 + " }}",
    "a width": "{{ '%2000000000d' % 1 }}",
    "a width of its own": "{{ '%*d'|format(2000000000, 1) }}",
    "a format": "{{ '{:2000000000}'.format(1) }}",
    "a nested format": "{{ '{:{}}'.format(1, 2000000000) }}",
    "center": "{{ 'a'.center(2 * 10 ** 9) }}",
    "the filter center": "{{ 'a'|center(2000000000) }}",
    "batch": "{{ [1]|batch(2000000000, 'x')|list }}",
    "a repeated text": "{{ 'a' * 2000000000 }}",
    "a repeated list": "{{ 2000000000 * [1] }}",
    "a power": "{{ 7 ** (10 ** 8) }}",
    "lipsum": "{{ lipsum(n=3000000) }}",
    "silent loops": "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}x",
    "loud loops": "{% for a in range(1000) %}{% for b in range(900) %}好的好的好的好的好的好的{% endfor %}{% endfor %}",
    "itself": "{% include 'mine.j2' %}",
    "a macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_it_is_one_line_and_soon(body: str) -> None:
    began = time.process_time()
    with pytest.raises(ConfigError) as caught:
        Prompt("mine", (), kept=of(body)).render({})
    assert time.process_time() - began < 10
    assert str(caught.value).startswith("mine.j2: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_templates_do_they_still_do() -> None:
    body = (
        "{% for x in [4, 5, 6] %}{{ loop.index }}/{{ loop.length }}{{ x }}{{ '，' if not loop.last }}{% endfor %}"
        "{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}{% for x in [] %}{% else %}无{% endfor %}"
        "{% for x in [1, 2, 3] if x > 1 %}{{ x }}{% endfor %}"
        " {{ '%d 个' % 5 }} {{ '{:.2f}'.format(2) }} {{ '-' * 3 }} {{ 2 ** 10 }} {{ [1, 2, 3]|batch(2)|list }} {{ 'a'|center(3) }}"
    )
    (message,) = Prompt("mine", (), kept=of(body)).render({})
    assert message.content == "1/34，2/35，3/36a1无23 5 个 2.00 --- 1024 [[1, 2], [3]]  a"


def test_half_a_surrogate_can_be_sent() -> None:
    (message,) = Prompt("mine", (), kept=of("甲{{ '\\ud800' }}")).render({})
    assert message.content.encode()


def test_a_file_that_is_no_utf8_hinders_nobody_who_does_not_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "latin.j2").write_bytes(b"\xff\xfe")
    monkeypatch.chdir(tmp_path)
    assert prompt.texts()

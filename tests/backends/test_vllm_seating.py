"""Engines stand on the GPUs that hold them: as many as fit, or as many as are asked for, or a line that says why not."""

import os

import pytest

from synth.backends.vllm import fit, seating
from synth.backends.vllm.fit import Memory, Shape
from synth.backends.vllm.memory import GB, Need
from synth.errors import ConfigError

NEED = Need(60 * GB, 57_344, 4)
FREE, BUSY = Memory(80 * GB, 80 * GB), Memory(5 * GB, 80 * GB)
VARIABLE = "CUDA_VISIBLE_DEVICES"


def seated(gpus: list[Memory], wanted: int | None = None, each: int = 1, told: Need | None = NEED) -> list[str]:
    shape = Shape(8192, tensor=each, pipeline=1, share=0.9)
    found = seating.on_gpus(told, shape, wanted, gpus, (VARIABLE, each))
    return [seat.environment.get(VARIABLE, "here") for seat in found]


@pytest.mark.parametrize(
    ("gpus", "wanted", "each", "expected"),
    [
        ([FREE], None, 1, ["here"]),
        ([], None, 1, ["here"]),
        ([FREE], None, 2, ["here"]),  # vLLM says what it lacks
        ([FREE] * 8, None, 1, list("01234567")),
        ([FREE] * 8, None, 2, ["0,1", "2,3", "4,5", "6,7"]),
        ([FREE] * 8, 3, 2, ["0,1", "2,3", "4,5"]),
        ([FREE] * 8, 1, 1, ["here"]),
        ([BUSY, FREE, FREE], None, 1, ["1", "2"]),
        ([BUSY, FREE, FREE], 1, 1, ["1"]),
        ([FREE] * 7, None, 2, ["0,1", "2,3", "4,5"]),
    ],
)
def test_engines_stand_where_they_fit(
    gpus: list[Memory], wanted: int | None, each: int, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert seated(gpus, wanted, each) == expected


def test_gpus_keep_the_names_that_the_user_gave_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "4,5,GPU-8932f937,7")
    assert seated([FREE] * 4, each=2) == ["4,5", "GPU-8932f937,7"]


def test_a_model_of_unknown_size_is_tried_on_all() -> None:
    assert seated([BUSY] * 2, told=None) == ["0", "1"]


@pytest.mark.parametrize(
    ("gpus", "wanted", "each", "expected"),
    [
        ([BUSY] * 8, None, 1, "does not fit: weights of 60.0 GB"),
        ([FREE, BUSY], 2, 1, "of which 5.0 GB are free"),
        (
            [FREE] * 8,
            8,
            2,
            "data_parallel: 8 engines of 2 GPUs each take 16, and there are 8; write data_parallel: 4 or less",
        ),
    ],
)
def test_what_does_not_stand_is_one_line(gpus: list[Memory], wanted: int | None, each: int, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        seated(gpus, wanted, each)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_engines_on_processors_share_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3, 1, 2, 0}, raising=False)
    assert [fit.cores(number, 2, 1) for number in range(2)] == ["0,2", "1,3"]
    assert fit.cores(1, 2, 2) == "2|3"
    assert fit.cores(7, 8, 1) == "0,1,2,3"

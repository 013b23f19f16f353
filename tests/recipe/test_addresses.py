"""Addresses are put together as addresses, whatever people copy into a recipe."""

import pytest

from synth.recipe.addresses import at, is_loopback, versioned


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://h/v1", "http://h/v1/chat/completions"),
        ("http://h/v1//", "http://h/v1/chat/completions"),
        ("http://h", "http://h/chat/completions"),
        ("http://h?", "http://h/chat/completions"),
        ("http://h/v1/chat/completions", "http://h/v1/chat/completions"),
        ("http://h/v1/chat/completions/", "http://h/v1/chat/completions"),
        ("http://h/v1/completions?a=b", "http://h/v1/chat/completions?a=b"),
        ("http://h/v1/embeddings", "http://h/v1/chat/completions"),
        (
            "https://h/openai/deployments/NAME?api-version=2024-06-01",
            "https://h/openai/deployments/NAME/chat/completions?api-version=2024-06-01",
        ),
        (
            "https://h/openai/deployments/NAME/chat/completions?api-version=2024-06-01",
            "https://h/openai/deployments/NAME/chat/completions?api-version=2024-06-01",
        ),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_a_route_goes_before_the_query_and_stands_there_once(address: str, expected: str) -> None:
    assert at(address, "/chat/completions") == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://h", "http://h/v1"),
        ("http://h/", "http://h/v1"),
        ("http://h/api?k=v", "http://h/api/v1?k=v"),
        ("http://h/chat/completions", "http://h/v1"),
        ("http://h/v1", None),
        ("http://h/v1/chat/completions", None),
        ("https://h/api/paas/v4", None),
        ("https://h/v1beta/openai", None),
        ("https://h/openai/deployments/x?api-version=2024-06-01", None),
        ("http://h/vision", "http://h/vision/v1"),
    ],
)
def test_an_address_that_names_no_version_is_known(address: str, expected: str | None) -> None:
    assert versioned(address) == expected


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "127.9.9.9", "localhost", "LOCALHOST:1", "a.localhost", "[::1]:1"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(f"http://{host}/v1")


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "192.168.1.1", "localhost.example.com", "128.0.0.1", "[::2]", "127.example"]
)
def test_what_is_no_loopback_is_known(host: str) -> None:
    assert not is_loopback(f"http://{host}/v1")

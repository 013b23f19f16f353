"""Addresses of servers, put together as addresses: a route goes before the query, and what a base address means is known by its path."""

import re
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit, urlunsplit

ASKED = ("/chat/completions", "/completions", "/embeddings")
"""Routes that models are asked at. An address that ends in one, as people copy it from a manual, means what stands before it."""
VERSION = "/v1"
_VERSION = re.compile(r"(?i)/v\d+[a-z]*\d*(?:/|$)")


def at(address: str, route: str) -> str:
    """The address of a route of a server, its credentials kept: it goes on from the path and keeps the query."""
    parts, (path, _, query) = urlsplit(address), route.partition("?")
    both = "&".join(part for part in (query, parts.query) if part)
    return urlunsplit((parts.scheme, parts.netloc, _base(parts.path) + path, both, ""))


def versioned(address: str) -> str | None:
    """A server's address with `/v1` added, for one that names no version of the API in its path or query; None for one
    that does."""
    parts = urlsplit(address)
    if _VERSION.search(parts.path) or "api-version" in parse_qs(parts.query):
        return None
    return at(address, VERSION)


def is_loopback(address: str) -> bool:
    """Whether a server's address is on this machine: localhost, 127.0.0.0/8, ::1, and 0.0.0.0, which leads there too."""
    host = (urlsplit(address).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = ip_address(host)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_unspecified


def _base(path: str) -> str:
    path = path.rstrip("/")
    ending = next((route for route in ASKED if path.endswith(route)), "")
    return path.removesuffix(ending).rstrip("/")

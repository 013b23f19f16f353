"""Ray in this process: joined once however many backends use it, quiet, and left when the last of them is closed.

A Ray of the run's own listens on loopback alone, and to nobody who lacks its token: whoever reaches a Ray may run code in it.
"""

import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from synth.backends.ray.options import LOCAL
from synth.errors import ConfigError
from synth.sanitize import for_terminal

QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_TQDM": "0",
}
"""What Ray is told unless the user says otherwise: no reports home, and nothing on the terminal but what synth says."""
OWN: Final = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
"""What a Ray of the run's own is told besides: as on a laptop, it binds to loopback alone; and whoever speaks to it shows a token."""
STORE = 80 * 2**20
"""Bytes of the object store of a Ray of the run's own: chunks are small and soon gone."""
REACHED = 10.0
"""Seconds within which the head of a cluster must take a connection."""


class _Joined:
    """How this process is in a Ray cluster."""

    def __init__(self) -> None:
        self.address: str | None = None
        self.users = 0
        self.ours = False
        """Whether it was joined here, and is to be left here."""
        self.threads: ThreadPoolExecutor | None = None
        """The thread that started Ray: its processes end with it, so it stays until they are no longer needed."""


_joined = _Joined()


def address_of(said: str | None) -> str:
    """The address of the Ray cluster that a run is to use, from what its recipe says and the environment."""
    return said or os.environ.get("RAY_ADDRESS", "").strip() or LOCAL


def starter(address: str) -> tuple[ThreadPoolExecutor, Callable[[], None]]:
    """The thread in which Ray is to be joined at an address, and what joins it there; each call is undone by one of `leave`.
    ConfigError where this process is in another cluster."""
    if _joined.users and _joined.address != address:
        raise ConfigError(f"ray.address: {address!r} beside {_joined.address!r}; one run asks on one cluster")
    _joined.users, _joined.address = _joined.users + 1, address
    _joined.threads = _joined.threads or ThreadPoolExecutor(1, "ray")
    return _joined.threads, lambda: _join(address)


def leave() -> None:
    """Leaves Ray, if nobody else in this process uses it; a Ray of the run's own ends."""
    _joined.users -= 1
    if _joined.users > 0:
        return
    if _joined.ours:
        import ray

        ray.shutdown()
        ray._private.worker._worker_logs_enabled = True  # noqa: SLF001
    if _joined.threads is not None:
        _joined.threads.shutdown()
    _joined.__init__()  # type: ignore[misc]


def _join(address: str) -> None:
    """Joins a cluster, or starts one. ConfigError in one line where there is none."""
    for name, value in {**QUIET, **(OWN if address == LOCAL else {})}.items():
        os.environ.setdefault(name, value)
    if address == LOCAL and os.environ["RAY_AUTH_MODE"] == "token":
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    if address.startswith("ray://"):
        raise ConfigError(
            f"ray.address: {address}: a run does not go through Ray's client; start it on a machine of the cluster with `address: auto`"
        )
    import ray

    if ray.is_initialized():  # by whoever calls synth as a library
        return
    if address not in (LOCAL, "auto"):
        _reach(address)
    own = {"include_dashboard": False, "object_store_memory": STORE} if address == LOCAL else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="CRITICAL", namespace="synth", **own)
    except Exception as error:  # of a kind for every way in which there is no cluster
        way_out = "start one (`ray start --head`), give its host:port, or try `address: local`"
        raise ConfigError(f"ray.address: no Ray cluster at {address!r} ({one_line(error)}); {way_out}") from error
    # What Ray says of nodes that die would go to stdout, amid a run's results; nothing public turns that off.
    ray._private.worker._worker_logs_enabled = False  # noqa: SLF001
    _joined.ours = True


def _reach(address: str) -> None:
    """Ray itself looks for a head for minutes."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), REACHED):
            pass
    except (OSError, ValueError, OverflowError) as error:
        way_out = "see that `ray start --head` runs there, or give `auto` on a machine of the cluster, or `local`"
        raise ConfigError(f"ray.address: nothing answers at {address!r} ({one_line(error)}); {way_out}") from error


def nodes() -> list[dict[str, Any]]:
    """The machines of the Ray cluster that are alive."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def shortage(bundles: Iterable[Mapping[str, float]]) -> str | None:
    """What no machine of the Ray cluster has of what an actor needs, in words; None if there is room for it, now or once others end."""
    offers = [node["Resources"] for node in nodes()]
    for bundle in bundles:
        if not any(all(offer.get(name, 0) >= amount for name, amount in bundle.items()) for offer in offers):
            most = {name: max((offer.get(name, 0) for offer in offers), default=0) for name in bundle}
            return f"an actor needs {_amounts(bundle)} on one machine, and the most there is is {_amounts(most)}"
    return None


def _amounts(found: Mapping[str, float]) -> str:
    return ", ".join(f"{amount:g} {name}" for name, amount in sorted(found.items()))


def one_line(error: BaseException) -> str:
    """The words of an error of Ray's in one line: of a report of many lines those that say what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "Error" in line and not line.startswith(("File", "at "))]
    text = (told or lines or [type(error).__name__])[-1 if told else 0]
    return for_terminal(" ".join(text.split()))[:300]

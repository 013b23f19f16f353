"""No packet goes to an address that is not in the recipe: everything but loopback is watched, by name, by socket and by packet.

The commands run in a network namespace whose only way out is a pair of interfaces that leads nowhere and counts what is sent; and in a
process that is told of every name looked up and every connection begun.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import tiny_taxonomy

TOP = Path(__file__).parents[2]
OUT = """
set -e
ip link set lo up
ip link add out0 type veth peer name out1
for name in out0 out1; do sysctl -qw net.ipv6.conf.$name.disable_ipv6=1 2>/dev/null || ip link set $name addrgenmode none; done
ip addr add 10.99.0.2/24 dev out0
ip link set out1 up
ip link set out0 up
ip neigh add 10.99.0.1 lladdr 02:00:00:00:00:01 dev out0
ip route add default via 10.99.0.1
"""
SCRIPT = """
import json, sys
from pathlib import Path

met = []
WATCHED = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.sendto", "socket.sendmsg"}

def watch(event, args):
    if event in WATCHED:
        place = args[0] if event.startswith("socket.get") else args[1]
        met.append([event, str(place[0] if isinstance(place, tuple) else place)])

sys.addaudithook(watch)

def sent():
    lines = [line.split() for line in Path("/proc/net/dev").read_text().splitlines() if "out0:" in line]
    return int(lines[0][10]) if lines else None

from click.testing import CliRunner
from synth.cli.main import commands
from synth.serve.listen import serving

def synth(*words):
    done = CliRunner().invoke(commands, words)
    if done.exception and not (isinstance(done.exception, SystemExit) and done.exit_code == 0):
        raise SystemExit(f"{words}: {done.exception!r} {done.output}")

before = sent()
small = ("--taxonomy", "tiny", "--set", "ordinary=0", "-n", "12")
synth("run", "demo", *small, "-o", "offline")
synth("check", "demo")
synth("export", "offline", "--to", "hf")
synth("export", "offline", "--to", "jsonl", "-o", "rows")
synth("dedup", "offline/dataset", "-o", "apart")
synth("filter", "offline/dataset", "-o", "filtered")
with serving() as server:
    synth("run", "demo", *small, "-o", "served", "--base-url", server.url, "--model", "m")
    synth("run", "demo", *small, "-o", "packaged", "--base-url", server.url, "--model", "m", "--set", "models.writer.transport=openai")
    synth("dedup", "offline/dataset", "-o", "meant", "--semantic", "m", "--base-url", server.url)
import datasets
assert sum(map(len, datasets.load_dataset("offline/dataset", cache_dir="cache").values()))
after = sent()
if before is not None:  # a packet to nobody, which must be counted
    import socket
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53))
print(json.dumps({"met": sorted(map(list, set(map(tuple, met)))), "sent": None if before is None else after - before, "tried": sent()}))
"""


def apart(*words: str) -> list[str]:
    """A command in a namespace of its own; where none can be made, the command itself."""
    shell = ["unshare", "-rn", "sh", "-c", f'{OUT}\nexec "$@"', "sh"]
    possible = subprocess.run([*shell, "true"], capture_output=True, check=False).returncode == 0
    return [*shell, *words] if possible else list(words)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the commands did."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "taxonomies").mkdir()
    (folder / "taxonomies" / "tiny.yaml").write_text(tiny_taxonomy(), encoding="utf-8")
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(TOP)}
    done = subprocess.run(
        apart(sys.executable, "script.py"),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_no_name_is_looked_up_and_no_connection_begun_but_on_loopback(told: dict[str, Any]) -> None:
    places = {place for event, place in told["met"] if place != "192.0.2.1"}
    assert "127.0.0.1" in places, "the case is worth trying"
    assert places <= {"127.0.0.1", "::1", "localhost"}


def test_no_packet_leaves(told: dict[str, Any]) -> None:
    if told["sent"] is None:
        pytest.skip("no network namespace can be made here (unshare -rn, ip link add type veth)")
    assert told["sent"] == 0
    assert told["tried"] > 0, "a packet that leaves is counted"

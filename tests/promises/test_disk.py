"""Disks that fail or fill up under a run: one line, nothing corrupt, and once they are mended the same command goes on."""

import ctypes
import errno
import json
import platform
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from synth.run import journal_tools
from tests.conftest import Lab
from tests.support.forked import Point, forking, run

COMMAND = [
    "run",
    "demo",
    "--taxonomy",
    "tiny",
    "--set",
    "ordinary=0",
    "--set",
    "output.shard_rows=60",
    "--set",
    "output.report=false",
    "-n",
    "90",
    "-o",
]

WRITES = (
    {"anywhere": (18, 74, 75), "past the screen": (1, 20)}
    if platform.machine() == "x86_64"
    else {"anywhere": (68, 82, 83), "past the screen": (64, 66)}
)
"""Numbers of the system calls pwrite64, fsync, fdatasync; and of write, writev, which only words to the user survive. All 64-bit
machines but x86_64 have those of the kernel's common table (asm-generic/unistd.h)."""


def fail_every_write() -> None:
    """From now on the kernel answers every write of this process with EIO, as it does for a dying disk."""
    load, equal, greater, give = 0x20, 0x15, 0x25, 0x06  # BPF: load a word, jump if equal, jump if greater, return
    bad, good = 0x00050000 | errno.EIO, 0x7FFF0000  # SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW
    steps = [(load, 0, 0, 0)]
    for call in WRITES["anywhere"]:
        steps += [(equal, 0, 1, call), (give, 0, 0, bad)]
    for call in WRITES["past the screen"]:
        steps += [(equal, 0, 4, call), (load, 0, 0, 16), (greater, 0, 1, 2), (give, 0, 0, bad), (give, 0, 0, good)]
    steps.append((give, 0, 0, good))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, seccomp, by_filter = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(seccomp, by_filter, program, 0, 0):
        raise OSError(ctypes.get_errno(), "no seccomp here")


def synth(folder: Path, out: Path, point: Point | None = None) -> tuple[int | None, str]:
    """Exit status and words of a run, whose disk fails at a point."""
    words = folder / "words"
    words.unlink(missing_ok=True)
    process = forking().Process(target=run, args=(folder, [*COMMAND, str(out)], words, point, fail_every_write))
    process.start()
    process.join(120)
    return process.exitcode, words.read_text(encoding="utf-8")


DYING: list[Point] = [
    *(("before a commit", number) for number in (1, 9, 30)),
    ("after a commit", 15),
    ("in a shard", 2),
    ("before a rename", 1),
    ("after a rename", 1),
]


def test_a_disk_that_dies_is_one_line_and_once_mended_the_same_command_goes_on(lab: Lab) -> None:
    assert synth(lab.folder, Path("calm"))[0] == 0
    for number, point in enumerate(DYING):
        out = f"run{number}"
        status, words = synth(lab.folder, Path(out), point)
        assert status == 1, (point, words)
        *said, line = [line for line in words.splitlines() if not line.startswith("rows: ")]  # how far a slow run is
        assert said in ([], ["synth: writing what there is"]), words
        assert line.startswith("synth: ")
        assert any(told in line for told in ("disk I/O error", "Input/output error")), (point, line)
        if (lab.folder / out / "dataset").exists():
            assert lab.bytes(out) == lab.bytes("calm"), point
        status, words = synth(lab.folder, Path(out))
        assert status == 0, (point, words)
        assert lab.bytes(out) == lab.bytes("calm"), point
        assert "good" in journal_tools.verify(lab.folder / out)


@pytest.fixture
def disk(lab: Lab) -> Iterator[Path]:
    """A disk of its own, whose size can be changed."""
    mount = lab.folder / "disk"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", mount], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield mount
    subprocess.run(["umount", mount], check=True)


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


def used(disk: Path) -> int:
    """Bytes in use on the disk."""
    told = subprocess.run(["df", "--output=used", "-B1", disk], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[-1])


def test_a_disk_that_fills_while_shards_are_written_spoils_nothing(lab: Lab, disk: Path) -> None:
    folder = disk / "run"
    assert synth(lab.folder, folder)[0] == 0
    calm = lab.bytes("disk/run")
    for name in ("dataset/README.md", "drops", "run.json"):
        subprocess.run(["rm", "-r", folder / name], check=True)
    broken_off = set()
    for spare in range(0, 600, 40):
        resize(disk, str(used(disk) + spare * 1024))
        status, words = synth(lab.folder, folder)
        if status == 0:
            break
        assert status == 1
        (line,) = (line for line in words.splitlines() if not line.startswith("rows: "))
        assert any(told in line for told in ("free space", "check space")), line
        assert lab.bytes("disk/run") == calm  # the shards that stood there
        facts = folder / "run.json"
        assert not facts.exists() or json.loads(facts.read_text(encoding="utf-8"))["stopped"] == "running"
        assert "good" in journal_tools.verify(folder)
        broken_off |= {path.name for path in (folder / ".synth-dataset.new" / "data").glob("*")}
        resize(disk, "64m")
        subprocess.run(["rm", "-rf", folder / ".synth-dataset.new", folder / ".synth-drops.new"], check=True)
    assert broken_off
    resize(disk, "64m")
    status, words = synth(lab.folder, folder)
    assert status == 0, words
    assert lab.bytes("disk/run") == calm

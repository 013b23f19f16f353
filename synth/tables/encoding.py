"""The bytes and the characters of a data file: gzip opened, and its encoding told from its bytes, one of four and never guessed."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

from synth.errors import ConfigError
from synth.sanitize import shortened

_PIECE: Final = 1 << 16
"""Bytes that are looked at together."""
_AROUND: Final = 1 << 20
"""Bytes around one that does not fit, by which the rest is judged."""
_GZIP: Final = b"\x1f\x8b"
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PRIVATE: Final = re.compile("[\ue000-\uf8ff]")
"""What commas and full stops of a traditional Excel (Big5) come to in GB18030, where they are characters of nobody's."""
_WAY_OUT: Final = "save it as UTF-8"


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """Within this block whatever keeps a data file from being read is a ConfigError of one line."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: no {error.encoding} text ({error.reason}); {_WAY_OUT}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConfigError(f"{file}: a broken gzip file ({error}); get it again, or unpack what is whole") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({shortened(error.strerror or str(error), 120)})") from error


def zipped(file: Path) -> bool:
    """Whether a data file is packed by gzip, whatever it is called."""
    with file.open("rb") as stream:
        return stream.read(2) == _GZIP


def opened(file: Path) -> IO[bytes]:
    """The bytes of a data file, unpacked if gzip packed them."""
    return cast(IO[bytes], gzip.open(file, "rb")) if zipped(file) else file.open("rb")


def characters(file: Path, encoding: str) -> IO[str]:
    """The text of a data file in this encoding, its line ends as they are."""
    return io.TextIOWrapper(opened(file), encoding=encoding, newline="")


def encoding_of(file: Path) -> str:
    """The encoding of a text file, for `open`: `utf-8`, `utf-8-sig`, `utf-16` (by its mark) or `gb18030`, from all its bytes. ConfigError,
    with the first byte that does not fit, for a text in none of them, and for what is no text."""
    with opened(file) as stream:
        head = stream.read(4)
    named = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if named == "utf-16":
        _check(file, "utf-16")
        return named
    if b"\0" in head:
        raise ConfigError(
            f"{file}: a NUL at byte {head.index(0)}, so it is no text, or UTF-16 without its mark; {_WAY_OUT}"
        )
    wrong = _unfit(file, "utf-8")
    if wrong is None:
        return named or "utf-8"
    if named or _mostly_utf8(file, wrong) or _unfit(file, "gb18030") is not None:
        raise ConfigError(
            f"{file}: not UTF-8 at byte {wrong}{'' if named else ', and not GB18030'}; {_WAY_OUT}, or take the row out"
        )
    return "gb18030"


def _check(file: Path, encoding: str) -> None:
    wrong = _unfit(file, encoding)
    if wrong is not None:
        raise ConfigError(f"{file}: not {encoding.upper()} at byte {wrong}; {_WAY_OUT}")


def _unfit(file: Path, encoding: str) -> int | None:
    """The first byte that is none of this encoding."""
    decoder, at = codecs.getincrementaldecoder(encoding)(), 0
    with opened(file) as stream:
        while True:
            piece = stream.read(_PIECE)
            held = len(cast(tuple[bytes, Any], decoder.getstate())[0])
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                return at - held + error.start
            if "\0" in text:
                _refuse_nul(file, encoding, at, text)
            if encoding == "gb18030" and (private := _PRIVATE.search(text)):
                return at - held + len(text[: private.start()].encode(encoding))
            if not piece:
                return None
            at += len(piece)


def _refuse_nul(file: Path, encoding: str, at: int, text: str) -> None:
    byte = at + len(text[: text.index("\0")].encode(encoding))
    raise ConfigError(f"{file}: a NUL near byte {byte}, so it is no text; take it out, or name a text file")


def _mostly_utf8(file: Path, wrong: int) -> bool:
    """Whether a file is UTF-8 with a byte broken, rather than text in another encoding, by the characters around the first byte that does
    not fit: Chinese in GB18030 read as UTF-8 is nearly all wrong."""
    with opened(file) as stream:
        start = max(0, wrong - _AROUND // 2)
        skipped = 0
        while skipped < start and (piece := stream.read(min(_PIECE, start - skipped))):
            skipped += len(piece)
        text = stream.read(_AROUND).decode("utf-8", "replace")
    good = sum(character > "\x7f" and character != "\ufffd" for character in text)
    return good > text.count("\ufffd")

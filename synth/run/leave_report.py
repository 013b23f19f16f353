"""The page that a run leaves in its folder: a cache, of which no run's end hangs on."""

from collections.abc import Callable
from pathlib import Path

from synth.report.report import NAME, write_report


def leave_report(folder: Path, say: Callable[[str], None]) -> None:
    """Writes the report of a run that has ended to its folder, where the run has made anything since the last. Whatever keeps it from
    being written is one line, and fails nothing."""
    try:
        if not _is_of_today(folder):
            write_report(folder)
    except KeyboardInterrupt:
        say(f"{folder / NAME}: not written, interrupted; `synth report {folder}` writes it")
    except Exception as error:  # noqa: BLE001 (the run is done, and its rows are whole, whatever is wrong with a page)
        why = " ".join(f"{error or type(error).__name__}".split())[:300]
        say(f"no report: {why}; `synth report {folder}` tries again")


def _is_of_today(folder: Path) -> bool:
    page, told = folder / NAME, folder / "run.json"
    return page.is_file() and page.stat().st_mtime_ns >= told.stat().st_mtime_ns

"""The page that a run leaves in its folder: a cache, of which no run's end hangs on."""

from collections.abc import Callable
from pathlib import Path


def leave_report(folder: Path, say: Callable[[str], None]) -> None:
    """Writes the report of a run that has ended to its folder, where the run has made anything since the last. Whatever keeps it from
    being written is one line, and fails nothing."""
    page = folder / "report.html"
    try:
        if not _is_of_today(page):
            from synth.report.report import write_report

            write_report(folder)
    except KeyboardInterrupt:
        say(f"{page}: not written, interrupted; `synth report {folder}` writes it")
    except Exception as error:  # noqa: BLE001 (the run is done, and its rows are whole, whatever is wrong with a page)
        why = " ".join(f"{error or type(error).__name__}".split())[:300]
        say(f"no report: {why}; `synth report {folder}` tries again")


def _is_of_today(page: Path) -> bool:
    told = page.with_name("run.json")
    return page.is_file() and page.stat().st_mtime_ns >= told.stat().st_mtime_ns

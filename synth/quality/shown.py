"""What may be shown of an answer that nobody has taken out of yet what could be done with it: its class, length and reason, no word."""

from synth.sanitize import masked
from synth.types import Drop, Sample


def shown_of(row: Sample, drop: Drop | None = None) -> str:
    """What may be shown of a row's answer, or of a reply that was dropped in place of one: `(compliance, 412 characters; respond.short)`."""
    if drop is not None and row.response is None and row.response_class is not None:
        return drop.text  # withheld, and masked already
    text = row.response if row.response is not None or drop is None else drop.text
    reason = f"{drop.stage}.{drop.reason}" if drop is not None else ""
    return masked(text or "", row.response_class or ("answer" if row.response is not None else "reply"), reason)

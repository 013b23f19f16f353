"""Whether a text is language at all."""


def verdict(text: str) -> str | None:
    """Why a Chinese text is no language; None where nothing speaks against it."""
    del text
    return None

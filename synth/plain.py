"""Text that any encoder takes: what models send may hold halves of characters."""


def plain(text: str) -> str:
    """The text, with surrogates paired where they are a pair and replaced (�) where they are halves."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text

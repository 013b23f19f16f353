"""Text in a table of the dataset card."""


def in_cell(text: str) -> str:
    """Untrusted text in a table of the card: it cannot leave its cell or become markup."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")

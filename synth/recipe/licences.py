"""The licence of a data set, as a recipe names it: one of those that Hugging Face knows, or one of one's own with its name and address."""

from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from synth.errors import did_you_mean
from synth.recipe.backend import Frozen

OTHER: Final = "other"
"""The licence of a data set whose recipe names none: none is given."""
KNOWN: Final = frozenset(
    (
        *("apache-2.0", "mit", "openrail", "bigscience-openrail-m", "bigcode-openrail-m", "afl-3.0", "artistic-2.0"),
        *("bsl-1.0", "bsd", "bsd-2-clause", "bsd-3-clause", "c-uda", "cc", "cc0-1.0", "cc-by-2.0", "cc-by-3.0"),
        *("cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0"),
        *("cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
        *("cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "ecl-2.0", "epl-1.0", "epl-2.0"),
        *("etalab-2.0", "eupl-1.1", "eupl-1.2", "agpl-3.0", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1"),
        *("lgpl-3.0", "isc", "ms-pl", "mpl-2.0", "odc-by", "odbl", "osl-3.0", "postgresql", "ofl-1.1", "ncsa"),
        *("unlicense", "zlib", "pddl", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "gemma"),
        *("unknown", OTHER),
    )
)
"""The licences that Hugging Face takes in a card's metadata, those for data and for what models write (hub docs, repositories-licenses,
as of 2025-10)."""


class Licence(Frozen):
    """A data set's licence, as its recipe names it."""

    id: str = OTHER
    """Hugging Face's name for it."""
    name: Annotated[str, StringConstraints(pattern=r"^[\w][\w .+-]{0,99}$")] | None = None
    """What a licence that Hugging Face does not know is called."""
    link: Annotated[str, StringConstraints(pattern=r"^(https://[^\s<>\"'|`]{1,300}|[\w][\w.-]{0,99})$")] | None = None
    """Where its text stands: an address, or a file beside the card."""


def _by_name(value: object) -> object:
    if isinstance(value, str):
        return {"id": value}
    if isinstance(value, dict) and "id" not in value and not {"name", "link"} <= value.keys():
        raise ValueError("a licence of your own has `name` and `link`")
    return value


def _known(found: Licence) -> Licence:
    if found.id not in KNOWN:
        raise ValueError(
            f"no licence {found.id!r} is known to Hugging Face ({did_you_mean(found.id.lower(), KNOWN)}); of your own, give `name` and `link`"
        )
    if found.id != OTHER and (found.name or found.link):
        raise ValueError(
            f"{found.id!r} has a name and a text already; give it alone, or `name` and `link` of your own without `id`"
        )
    return found


Named: TypeAlias = Annotated[Licence, BeforeValidator(_by_name), AfterValidator(_known)]
"""A licence by its name, or by `name` and `link`."""

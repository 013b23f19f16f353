"""synth makes synthetic training data for Chinese guard models. What a program or a notebook needs of it:

from synth import Dataset, check_recipe, export_dataset, load_recipe, run_recipe
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synth.api import Dataset, check_recipe, export_dataset, load_recipe, run_recipe

__version__ = "0.2.0"
__all__ = ["Dataset", "check_recipe", "export_dataset", "load_recipe", "run_recipe"]


def __getattr__(name: str) -> Any:
    """One of the names in `__all__`, whose module is imported when the first of them is wanted."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("synth.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

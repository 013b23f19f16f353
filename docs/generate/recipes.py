"""The table of recipes that ship, in their own words."""

from synth.recipe.files import find, names
from synth.recipe.yaml import read_yaml

from .blocks import table


def rows() -> str:
    """The table: name, what it extends, what it says of itself."""
    found: list[list[object]] = []
    for name in names("pipelines"):
        held = read_yaml(find("pipelines", name))
        found.append([f"`{name}`", f"`{held['extends']}`" if "extends" in held else "", held["about"]])
    return table(["recipe", "extends", "what it makes"], found)

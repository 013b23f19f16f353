"""A backend's client, opened for a single role."""

from typing import Any

from synth.recipe.role import Role


def opened(module: Any, role: Role) -> Any:
    """What the backend's file makes of the role."""
    return module.connect(role, role.settings)

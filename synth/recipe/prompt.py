"""Jinja prompts: one file holds the system and user parts. Sandboxed, strict, and never fed a generated text as a template."""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast

import jinja2
import jinja2.meta
import jinja2.nodes
from jinja2.exceptions import SecurityError

from synth.errors import ConfigError, did_you_mean
from synth.recipe.files import folders, way_out
from synth.recipe.sandbox import LARGEST, Sandbox
from synth.sanitize import plain, shortened
from synth.types import Message

ROLES = ("system", "user", "assistant")


class Prompt:
    """A template bound to the variables its stage offers; `render` gives the messages, `hash` names text and fragments. It may have
    the blocks `known`, and must have the one it `needs`."""

    def __init__(
        self,
        name: str,
        offered: Iterable[str] | None,
        known: Collection[str] = ROLES,
        *,
        kept: Mapping[str, str] | None = None,
        needs: str = "user",
    ) -> None:
        environment = _environment(kept)
        self.name = name
        self.files, self.uses = _sources(environment, name, None if offered is None else frozenset(offered))
        """By name the text and path of its file, and of every fragment it includes."""
        self.path = next(iter(self.files.values()))[1]
        self.hash = hashlib.sha256(self.source.encode()).hexdigest()[:16]
        self._environment = environment
        try:
            self._template = environment.get_template(f"{name}.j2")
        except jinja2.TemplateSyntaxError as error:  # an unknown filter, say: found at compiling
            raise _misspelt(self.path, error) from error
        except _TOO_DEEP as error:
            raise _too_deep(self.path) from error
        self.blocks = frozenset(self._template.blocks)
        unknown = self.blocks - set(known)
        if unknown or needs not in self.blocks:
            wrong = f"unknown block {min(unknown)!r}" if unknown else f"no block {needs!r}"
            raise ConfigError(f"{self.path}: {wrong}; a prompt has blocks named {', '.join(known)}")

    @property
    def source(self) -> str:
        """The prompt's text, followed by that of every fragment it includes."""
        return "\0".join(text for text, _ in self.files.values())

    def render(self, variables: Mapping[str, Any], roles: Iterable[str] = ROLES) -> tuple[Message, ...]:
        """The prompt's messages with these variables: one for each block of these roles, in the order system, user,
        assistant. ConfigError names the file if the template fails."""
        return tuple(
            Message(cast("Any", role), self.text(role, variables))
            for role in ROLES
            if role in roles and role in self.blocks
        )

    def text(self, block: str, variables: Mapping[str, Any]) -> str:
        """The text of one block of a prompt with these variables, stripped. ConfigError names the file if it fails
        or says nothing."""
        found = self.said(block, variables).strip()
        if not found:
            raise ConfigError(f"{self.path}: block {block!r} says nothing; fill it, or remove it")
        return found

    def said(self, block: str, variables: Mapping[str, Any]) -> str:
        """The text of one block of a prompt with these variables as it stands there, line breaks at its ends included;
        empty for a block it has not. ConfigError names the file if it fails."""
        if block not in self.blocks:
            return ""
        try:
            self._environment.begin()
            context = self._template.new_context(dict(variables))
            return plain("".join(_bounded(self._template.blocks[block](context))))
        except Exception as error:  # a template is the user's code: whatever it raises is theirs to mend
            why = shortened(f"{type(error).__name__}: {error}", 300)
            raise ConfigError(f"{self.path}: cannot be rendered: {why}") from error


Load: TypeAlias = Callable[[str, Iterable[str]], Prompt]
"""Gives the prompt of a name, checked against the variables that it is offered."""


def load(name: str, offered: Iterable[str], kept: Mapping[str, str] | None = None) -> Prompt:
    """Loads the prompt of that name, from the folders or from the texts `kept` by file name. ConfigError if it uses a
    variable that is not offered."""
    return Prompt(name, offered, kept=kept)


def texts() -> tuple[str, ...]:
    """The text of every prompt file and fragment in the folders; not those of the card, which no model is shown."""
    paths = {
        path
        for folder in folders("prompts")
        for path in folder.rglob("*.j2")
        if path.relative_to(folder).parts[0] != "card"
    }
    return tuple(sorted({path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()}))


def parse(name: str) -> Prompt:
    """The prompt of that name as parsed, its variables unchecked: to see whether the file is a prompt at all."""
    return Prompt(name, None)


def _environment(kept: Mapping[str, str] | None) -> Sandbox:
    searched = [str(folder) for folder in folders("prompts")]
    environment = Sandbox(
        loader=jinja2.FileSystemLoader(searched) if kept is None else jinja2.DictLoader(kept),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # plain text for a model, not a page
        auto_reload=False,  # a run renders what it has checked
    )
    environment.filters["json"] = _json
    return environment


def _bounded(parts: Iterable[str]) -> Iterator[str]:
    length = 0
    for part in parts:
        length += len(part)
        if length > LARGEST:
            raise SecurityError(f"says more than {LARGEST:,} characters")
        yield part


_TOO_DEEP = (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError)
"""What Jinja and Python raise as they compile a template that nests too deeply, or holds a number of thousands of digits."""


def _too_deep(path: str) -> ConfigError:
    return ConfigError(f"{path}: nests too deeply, or holds what is no number; write it flatter, or in fragments")


def _misspelt(path: str, error: jinja2.TemplateSyntaxError) -> ConfigError:
    return ConfigError(f"{path}: line {error.lineno}: {shortened(error.message or 'is no template', 300)}")


def _json(value: Any) -> str:
    """For `{{ value | json }}`: Jinja's own `tojson` writes < and & as escapes, for a page."""
    return json.dumps(value, ensure_ascii=False)


def _sources(
    environment: jinja2.Environment, name: str, offered: frozenset[str] | None
) -> tuple[dict[str, tuple[str, str]], frozenset[str]]:
    """By name the prompt's text and path, followed by those of every fragment it includes; and the variables they use, which it
    checks."""
    queue, found, uses, first = [f"{name}.j2"], dict[str, tuple[str, str]](), set[str](), ""
    while queue:
        current = queue.pop(0)
        if current in found:
            continue
        source, path = _read(environment, current, first or name)
        first = first or path
        variables, references = _names(environment, source, path)
        unknown = variables - offered if offered is not None else set[str]()
        if unknown:
            raise ConfigError(
                f"{path}: variable {min(unknown)!r} is not defined here; {did_you_mean(min(unknown), offered or ())}"
            )
        queue += references
        uses |= variables
        found[current] = source, path
    return found, frozenset(uses)


def _read(environment: jinja2.Environment, name: str, asked_by: str) -> tuple[str, str]:
    assert environment.loader is not None
    try:
        if isinstance(environment.loader, jinja2.FileSystemLoader):
            _refuse_unreadable(name)
        source, path, _ = environment.loader.get_source(environment, name)
    except jinja2.TemplateNotFound as error:
        stem = name.removesuffix(".j2")
        by = "" if asked_by == stem else f"{asked_by}: includes a missing file: "
        raise ConfigError(f"{by}no prompt {stem!r}; {way_out('prompts', stem)}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"prompt {name!r} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(
            f"prompt {shortened(name, 200)!r} cannot be read ({error.strerror}); mend or remove it"
        ) from error
    if len(source) > LARGEST:
        raise ConfigError(f"{path}: is over {LARGEST:,} characters; a prompt is a text that a model reads whole")
    return source, path or name


def _refuse_unreadable(name: str) -> None:
    """A file of the user's that is a broken link or a folder must not be passed over for the one that ships."""
    for folder in folders("prompts"):
        if os.path.lexists(folder / name) and not (folder / name).is_file():
            raise ConfigError(f"{folder / name}: is no file that can be read; mend or remove it")


def _names(environment: jinja2.Environment, source: str, path: str) -> tuple[set[str], list[str]]:
    """The variables a template uses, and the templates it includes."""
    try:
        tree = environment.parse(source)
        variables = jinja2.meta.find_undeclared_variables(tree)
    except jinja2.TemplateSyntaxError as error:
        raise _misspelt(path, error) from error
    except _TOO_DEEP as error:
        raise _too_deep(path) from error
    for node in tree.body:
        outside = [
            part
            for part in getattr(node, "nodes", ())
            if not isinstance(part, jinja2.nodes.TemplateData) or part.data.strip()
        ]
        if outside and tree.find(jinja2.nodes.Block):
            raise ConfigError(
                f"{path}: line {node.lineno}: stands outside the blocks and would be lost; move it into one"
            )
    return variables, [reference for reference in jinja2.meta.find_referenced_templates(tree) if reference]

"""One HTML file out of a template, its style, its scripts and data: it opens from disk, in no network, and no text in it is anything but text."""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth.sanitize import for_page

TEMPLATES = Path(__file__).parent / "templates"
_ENDS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""What could end a script's element, or a line of it, as JSON writes it."""


def page(name: str, *, lang: str, words: Mapping[str, str], data: object, values: Mapping[str, Any]) -> str:
    """A page as one HTML text: the template `NAME.html.j2` over `page.html.j2`, with `page.css` and `NAME.css`, `page.js` and `NAME.js`.

    `lang` is the page's language (`zh-CN`, `en`), `words` what it says in it; a template reads them as `words.key`, a script as `words()`.
    `data` is JSON that scripts read by `data()`; `values` is what the template may name besides. Nothing in it is markup: templates escape
    whatever is not `Markup`, data cannot end its element, and the page's own policy lets run these scripts alone and load nothing.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_calm,
    )
    script = _joined("page.js", f"{name}.js")
    return environment.get_template(f"{name}.html.j2").render(
        {
            **values,
            "lang": lang,
            "words": words,
            "style": _joined("page.css", f"{name}.css"),
            "script": script,
            "policy": _policy(script),
            "data_json": as_json(data),
            "words_json": as_json(dict(words)),
        }
    )


def as_json(value: object) -> str:
    """A value as JSON that can stand in a script's element of HTML: every text in it harmless to look at, none can end the element."""
    return json.dumps(_shown(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ENDS)


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return for_page(value)
    if isinstance(value, Mapping):
        return {for_page(str(key)): _shown(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(one) for one in value]
    return value


def _calm(value: Any) -> Any:
    """What a template shows, without what turns the writing around; markup of our own as it is."""
    return for_page(value) if type(value) is str else value


def _joined(*names: str) -> str:
    files = (TEMPLATES / name for name in names)
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "form-action 'none'; base-uri 'none'"
    )

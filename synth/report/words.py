"""What pages say, in the languages they say it in: one YAML file a page, each text beside its translations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from synth.recipe.yaml import read_yaml
from synth.report.page import TEMPLATES

LANGUAGES: Final[Mapping[str, str]] = {"en": "en", "zh": "zh-CN"}
"""The languages of pages, by the word on the command line, as HTML calls them."""


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of a page in one language, by key."""

    lang: str
    """As HTML calls it: `en`, `zh-CN`."""
    texts: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of a page under this key, with these values in its places."""
        return self.texts[key].format(**values) if values else self.texts[key]

    def of(self, kind: str, name: str) -> str | None:
        """The text of a page on one of a kind, as a stage or a doubt; None for one that only a folder knows."""
        return self.texts.get(f"{kind}_{name}")


def words_of(page: str, language: str) -> Words:
    """The words of a page (`report`) in a language: `en` or `zh`."""
    texts = read_yaml(TEMPLATES / f"{page}.yaml")
    return Words(LANGUAGES[language], {key: told[language] for key, told in texts.items()})

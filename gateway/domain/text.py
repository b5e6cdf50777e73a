"""Texts in the languages of the gateway, and the check of a text of a person, a partner or an operator.

`gateway.kit.text` has the rule for the characters of a text."""

from dataclasses import dataclass

from gateway.domain.errors import InvalidInput
from gateway.kit.text import is_blank, refused_character


@dataclass(frozen=True, slots=True)
class Texts:
    """One text in each language of the gateway."""

    en: str
    zh: str

    def text(self, locale: str = "en") -> str:
        """Returns the text for a locale such as "en", "zh" or "zh-CN"; English for an unknown locale."""
        return self.zh if locale.replace("_", "-").split("-")[0].lower() == "zh" else self.en


def require_text(text: str, most: int, *path: str, lines: bool = False) -> str:
    """Returns the text. Raises InvalidInput INVALID at `path` unless it has 1 to `most` code points, at least one that
    can be seen, and only accepted characters. A text may have several lines only with `lines`; otherwise it also begins
    and ends without white space."""
    if not 1 <= len(text) <= most or is_blank(text):
        raise InvalidInput("INVALID", f"Must have 1 to {most} characters that can be seen.", path)
    refused = refused_character(text, lines=lines)
    if refused is not None:
        raise InvalidInput("INVALID", f"Must have printable characters only, not {refused}.", path)
    if not lines and text != text.strip():
        raise InvalidInput("INVALID", "Must not begin or end with white space.", path)
    return text

"""Writes docs/reference from the registries in the code; with --check it only says whether that is fresh."""

import json
import sys
from pathlib import Path

from gateway.domain.consents.detail_schema import SCHEMAS
from gateway.domain.consents.purpose import PURPOSES
from gateway.domain.decisions.reason import REASONS
from gateway.domain.error_catalogue import ERRORS
from gateway.domain.scope import SCOPES
from gateway.settings import Settings
from tools.adapter_pages import adapter_pages

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "Made from the code by `make reference`; edit the code, not this page."


def pages() -> dict[str, str]:
    """File name to text of every reference page."""
    return {
        "settings.md": _page("Settings", _settings()),
        "scopes.md": _page("Scopes", _scopes()),
        "authorization_details.md": _page("Authorization details", _details()),
        "purposes.md": _page("Purpose codes", _purposes()),
        "reasons.md": _page("Reason codes", _reasons()),
        "errors.md": _page("Error codes", _errors()),
        **{name: _page(title, body) for name, (title, body) in adapter_pages(_table).items()},
    }


def _page(title: str, body: str) -> str:
    return f"# {title}\n\n{NOTE}\n\n{body}\n"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _settings() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, ()) else f"`{field.default}`"
        rows.append((f"`GATEWAY_{name.upper()}`", default, field.description or ""))
    return "Read once from the environment, at start.\n\n" + _table(("name", "default", "what it is"), rows)


def _scopes() -> str:
    rows = [
        (f"`{s.name}`", s.kind, " ".join(f"`{name}`" for name in s.implies), s.sentence + ".") for s in SCOPES.values()
    ]
    intro = "A user token hangs from one consent, a merchant token from none; no token holds scopes of both kinds.\n\n"
    return intro + _table(("scope", "token", "implies", "what it allows"), rows)


def _details() -> str:
    intro = (
        "What `authorization_details` may hold (RFC 9396), as JSON Schema 2020-12, one schema a type. A duration is at "
        "most 3660 days, which a schema cannot say; what one client may ask for is for its registration and contract."
    )
    parts = [f"## {kind}\n\n```json\n{json.dumps(schema, indent=2)}\n```" for kind, schema in SCHEMAS.items()]
    return "\n\n".join((intro, *parts))


def _purposes() -> str:
    rows = [(f"`{p.code}`", f"... so that the merchant can {p.sentence}.") for p in PURPOSES.values()]
    return _table(("code", "what the person reads"), rows)


def _reasons() -> str:
    parts = []
    for reason in REASONS.values():
        seen = "yes" if reason.merchant_may_see else "no"
        rows = [
            ("merchant", reason.merchant.en, reason.merchant.zh),
            ("person", reason.user.en, reason.user.zh),
            ("advice", reason.advice.en, reason.advice.zh),
        ]
        parts.append(f"## {reason.code}\n\nShown to merchants: {seen}.\n\n{_table(('for', 'English', '中文'), rows)}")
    return "\n\n".join(parts)


def _errors() -> str:
    parts = [
        f"## {error.code}\n\nAppears in: {error.appears_in}.\n\n{error.meaning}\n\nWhat to do: {error.remedy}"
        for error in ERRORS.values()
    ]
    return "\n\n".join(parts)


def main() -> None:
    whole = pages()
    left_over = [path for path in FOLDER.rglob("*.md") if path.relative_to(FOLDER).as_posix() not in whole]
    stale = [path.relative_to(FOLDER).as_posix() for path in left_over]
    if "--check" not in sys.argv:
        for path in left_over:
            path.unlink()
    for name, text in whole.items():
        path = FOLDER / name
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    if stale and "--check" in sys.argv:
        sys.exit(f"Stale: {', '.join(stale)}. Run: make reference")
    print(f"docs/reference: {', '.join(stale) or 'nothing'} rewritten." if stale else "docs/reference is fresh.")


if __name__ == "__main__":
    main()

"""Writes docs/reference from the registries in the code. With --check it only reports stale pages and exits with 1."""

import json
import sys
from datetime import timedelta
from pathlib import Path

from pydantic.fields import FieldInfo

from gateway.domain.consents.detail_schema import SCHEMAS
from gateway.domain.consents.purpose import PURPOSES
from gateway.domain.decisions.reason import REASONS
from gateway.domain.duration import format_duration
from gateway.domain.scope import SCOPES
from gateway.settings import GROUPS
from merchants.registry import discover
from schema.export import sdl
from tools.adapter_pages import BUILT_IN, adapter_pages
from tools.error_pages import error_pages
from tools.persona_page import persona_page
from tools.schema_changes import changes_page
from tools.schema_pages import schema_pages
from tools.score_tables import scorecard_page
from tools.webhook_pages import webhook_page, webhook_schemas

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "Generated from the code by `make reference`. Do not edit this page; edit the code."


def pages() -> dict[str, str]:
    """Returns the text of each reference page and schema by file name."""
    return {
        "settings.md": _page("Settings", _settings()),
        "scopes.md": _page("Scopes", _scopes()),
        "authorization_details.md": _page("Authorization details", _details()),
        "purposes.md": _page("Purpose codes", _purposes()),
        "reasons.md": _page("Reason codes", _reasons()),
        "scorecard.md": _page(*scorecard_page(_table)),
        "personas.md": _page(*persona_page(_table)),
        "webhooks.md": _page(*webhook_page(_table)),
        **webhook_schemas(),
        **{name: _page(title, body) for name, (title, body) in error_pages(_table).items()},
        **{name: _page(title, body) for name, (title, body) in schema_pages(_table).items()},
        "schema/changes.md": _page(*changes_page(sdl(discover(BUILT_IN), sandbox=False))),
        **{name: _page(title, body) for name, (title, body) in adapter_pages(_table).items()},
    }


def _page(title: str, body: str) -> str:
    return f"# {title}\n\n{NOTE}\n\n{body}\n"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _settings() -> str:
    parts = ["Environment variables, read once at start. Durations: ISO 8601, such as PT10M, or H:MM:SS."]
    for group in GROUPS:
        rows = []
        for name, field in group.model_fields.items():
            rows.append((f"`GATEWAY_{name.upper()}`", _default(field), f"{field.description}{_range(field)}"))
        parts.append(f"## {(group.__doc__ or '').rstrip('.')}")
        parts.append(_table(("variable", "default", "meaning"), rows))
    return "\n\n".join(parts)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value in (None, ()) else f"`{_written(value)}`"


def _range(field: FieldInfo) -> str:
    """The bounds of a number or duration as a sentence, empty without bounds."""
    least = [_written(bound.ge) for bound in field.metadata if hasattr(bound, "ge")]
    most = [_written(bound.le) for bound in field.metadata if hasattr(bound, "le")]
    return f" From {least[0]} to {most[0]}." if least and most else ""


def _written(value: object) -> str:
    return format_duration(value) if isinstance(value, timedelta) else str(value)


def _scopes() -> str:
    rows = [
        (f"`{s.name}`", s.kind, " ".join(f"`{name}`" for name in s.implies), s.sentence + ".") for s in SCOPES.values()
    ]
    intro = "A user token belongs to one consent, a merchant token to none. No token has scopes of both kinds.\n\n"
    return intro + _table(("scope", "token", "implies", "permission"), rows)


def _details() -> str:
    intro = (
        "The types of `authorization_details` (RFC 9396), one JSON Schema (2020-12) per type. Two limits are not in "
        "the schemas: a duration is at most 3660 days, and a client's registration and contract can allow less."
    )
    parts = [f"## {kind}\n\n```json\n{json.dumps(schema, indent=2)}\n```" for kind, schema in SCHEMAS.items()]
    return "\n\n".join((intro, *parts))


def _purposes() -> str:
    rows = [(f"`{p.code}`", f"... so that the merchant can {p.sentence}.") for p in PURPOSES.values()]
    return _table(("code", "text on the consent page"), rows)


def _reasons() -> str:
    parts = []
    for reason in REASONS.values():
        seen = "yes" if reason.merchant_may_see else "no"
        rows = [
            ("merchant", reason.merchant.en, reason.merchant.zh),
            ("person", reason.user.en, reason.user.zh),
            ("advice", reason.advice.en, reason.advice.zh),
        ]
        parts.append(
            f"## {reason.code}\n\nShown to merchants: {seen}.\n\n{_table(('reader', 'English', '中文'), rows)}"
        )
    return "\n\n".join(parts)


def main() -> None:
    texts = pages()
    files = [*FOLDER.rglob("*.md"), *FOLDER.rglob("*.json")]
    obsolete = [path for path in files if path.relative_to(FOLDER).as_posix() not in texts]
    stale = [path.relative_to(FOLDER).as_posix() for path in obsolete]
    if "--check" not in sys.argv:
        for path in obsolete:
            path.unlink()
    for name, text in texts.items():
        path = FOLDER / name
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    if stale and "--check" in sys.argv:
        sys.exit(f"Stale: {', '.join(stale)}. Run: make reference")
    print(f"docs/reference: rewrote {', '.join(stale)}." if stale else "docs/reference is up to date.")


if __name__ == "__main__":
    main()

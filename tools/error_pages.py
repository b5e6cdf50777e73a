"""The reference pages of the error codes: their list, and a page of each with cause, remedy and example."""

import json
from collections.abc import Callable

from gateway.domain.error_catalogue import ERRORS, ErrorText

ISSUER = "https://gateway.example"
Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]


def error_pages(table: Table) -> dict[str, tuple[str, str]]:
    """Returns title and body of the list and of the page of each error code, by file name."""
    rows = [(f"[{error.code}]({error.code}.md)", error.appears_in, error.meaning) for error in ERRORS.values()]
    intro = (
        "Match on the code, never on the message. New codes appear only in a new API version. Each user error links to"
        " the page of its code in `documentation`."
    )
    pages = {f"errors/{error.code}.md": (error.code, _body(error)) for error in ERRORS.values()}
    return {"errors/README.md": ("Error codes", f"{intro}\n\n{table(('code', 'appears in', 'cause'), rows)}"), **pages}


def _body(error: ErrorText) -> str:
    parts = [f"Appears in: {error.appears_in}.", "## Cause", error.meaning, "## What to do", error.remedy]
    example = error.example(ISSUER)
    if example is not None:
        parts += ["## Example", f"```json\n{json.dumps(example, indent=2)}\n```"]
    return "\n\n".join([*parts, "[All error codes](README.md)"])

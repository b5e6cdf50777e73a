"""The revisions of this folder, read from the text of their files: the server checks the revision of its database, but
must not import Alembic."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[0-9]{4}_[0-9]{2}_[0-9]{2}_[0-9]{4}")


@cache
def known() -> dict[str, str | None]:
    """Every revision of this code, with the revision before it."""
    return dict(map(_read, sorted((Path(__file__).parent / "versions").glob("*.py"))))


def newest() -> str:
    """The revision that follows all others."""
    (last,) = known().keys() - known().values()
    return last


def can_serve(revision: str | None) -> bool:
    """Whether a process that runs already can serve a database at this revision: its own, or a newer one, because a
    database is migrated before its processes are replaced."""
    return revision is not None and (
        revision == newest() or (_NAME.fullmatch(revision) is not None and revision > newest())
    )


def describe_difference(revision: str | None) -> str | None:
    """A sentence for the operator if a database at `revision` does not fit this code, otherwise None."""
    if revision == newest():
        return None
    if revision is None:
        return "The database is not migrated: gateway database upgrade"
    if revision in known():
        return f"The database is at revision {revision}, behind this version of the gateway: gateway database upgrade"
    return (
        f"The database is at revision {revision}, which this version of the gateway does not know. A newer version, or"
        " another program, has migrated it."
    )


def _read(file: Path) -> tuple[str, str | None]:
    names: dict[str, Any] = {
        target.id: node.value.value
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return str(names["revision"]), names["down_revision"]

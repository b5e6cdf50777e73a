"""Every operation of the documentation, the examples and the demo is executed by compiled functions."""

import json
import re

import pytest

from gateway.demo import operations
from schema.compiled.executor import OperationExecutor
from schema.documents import Documents
from schema.guard import DEFAULT_LIMITS
from schema.operations import list_operations
from tests.support.checkout import ROOT, files, named
from tests.support.graphql_world import built

_BLOCK = re.compile(r"^```graphql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_IN_JSON = re.compile(r'"query": ("(?:[^"\\]|\\.)*")')
_IN_EXAMPLE = re.compile(r"""(?:QUERY = "|query: ')(\{ .*? \})["']""")
_OTHER_SCHEMA = "harbourBoats"
"""A member that the adapter of docs/adapters.md would add."""


def documented() -> dict[str, str]:
    """Returns the texts of all operations, by file and number."""
    found = {}
    for file in files():
        pattern = {".md": _BLOCK, ".py": _IN_EXAMPLE, ".mjs": _IN_EXAMPLE}.get(file.suffix)
        if pattern is None or (file.suffix != ".md" and file.parent != ROOT / "docs" / "examples"):
            continue
        content = file.read_text(encoding="utf-8")
        texts = [*pattern.findall(content), *map(json.loads, _IN_JSON.findall(content) if file.suffix == ".md" else [])]
        found.update({f"{named(file)} {number}": text for number, text in enumerate(texts, 1)})
    demo = {name: text for name, text in vars(operations).items() if name.isupper() and isinstance(text, str)}
    found.update({f"gateway/demo/operations.py {name}": text for name, text in demo.items()})
    return {name: text for name, text in found.items() if _OTHER_SCHEMA not in text}


DOCUMENTED = documented()


def test_documentation_has_operations() -> None:
    assert {name.partition(" ")[0] for name in DOCUMENTED} >= {
        "README.md",
        "docs/quickstart.md",
        "docs/examples/fapi2_client.py",
        "docs/examples/fapi2_client.mjs",
        "gateway/demo/operations.py",
    }
    assert len(DOCUMENTED) > 20


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_operation_is_compiled(name: str) -> None:
    schema = built().schema
    document = Documents(schema, DEFAULT_LIMITS, are_trusted=True).prepare(DOCUMENTED[name])
    operations = list_operations(schema, document.node)
    assert operations
    assert all(OperationExecutor(schema).compile(document, each) for each in operations)

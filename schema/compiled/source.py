"""Python source that is generated line by line. Values are bound to names of ours; the text of a document is never part
of the source."""

import builtins
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType
from typing import Any

from schema.compiled.reasons import Reason, Unsupported

MAX_SOURCE = 150_000
"""The largest number of characters. It takes about 30 ms to compile."""


def literal(name: str) -> str:
    """Returns the Python literal of a GraphQL name. Raises ValueError for any other text."""
    if not (name.isascii() and name.isidentifier()):
        raise ValueError(f"{name!r} is not a name")
    return repr(name)


class Source:
    """The source of the functions of one operation, at most MAX_SOURCE characters, and the values of the names that
    they use."""

    def __init__(self, names: Mapping[str, object]) -> None:
        self._lines: list[str] = []
        self._depth = self.size = 0
        self._bound: dict[int, str] = {}
        self.namespace: dict[str, Any] = {"__builtins__": builtins, **names}

    def write(self, line: str) -> None:
        """Adds a line at the current indentation. Raises Unsupported if the source becomes too long."""
        self._lines.append(" " * self._depth + line)
        self.size += self._depth + len(line) + 1
        if self.size > MAX_SOURCE:
            raise Unsupported(Reason.SIZE)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Adds a line such as "try:". The lines within the `with` block are indented."""
        self.write(head)
        self._depth += 1
        yield
        self._depth -= 1

    def bind(self, value: object) -> str:
        """Returns the name of a value in the source. The same object has one name."""
        name = self._bound.get(id(value))
        if name is None:
            name = self._bound[id(value)] = f"k{len(self._bound)}"
            self.namespace[name] = value  # which keeps the object, so its id stays unique
        return name

    def run(self) -> Mapping[str, Any]:
        """Defines the functions. Returns the namespace."""
        code: CodeType = compile("\n".join(self._lines), "<compiled operation>", "exec")
        exec(code, self.namespace)  # noqa: S102 - no text of a document is in the source
        return self.namespace

"""What resolvers see, to compare the calls of two executions."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Calls:
    """What the resolvers of one execution saw, in order. `failures` is the share of values that fail."""

    failures: float = 0.0
    log: list[Any] = field(default_factory=list)

    def add(self, *entry: Any) -> None:
        self.log.append(entry)


def seen(info: Any) -> tuple[Any, ...]:
    """Returns what a resolver sees in its info, in a form that can be compared between executions."""
    return (
        info.field_name,
        info.path,
        [id(node) for node in info.field_nodes],
        str(info.return_type),
        info.parent_type.name,
        info.variable_values.coerced,
        id(info.operation),
        sorted(info.fragments),
        info.context,
        repr(info.root_value),
        id(info.schema),
        info.is_awaitable(None),
        info.abort_signal,
    )

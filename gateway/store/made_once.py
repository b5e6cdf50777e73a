"""Properties that are computed at their first use."""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class made_once(Generic[T]):  # noqa: N801  # used like functools.cached_property, which takes three times as long
    """A property that is computed at its first use."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        made = instance.__dict__[self._make.__name__] = self._make(instance)
        return made

"""Finds the installed adapters by their entry points and holds them by key and by DecisionAsk member.

A named merchant's adapter may share the member of the profile that it derives from: merchants ask with the same form,
and who answers depends on what a merchant has enabled.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from gateway.domain.errors import Misconfigured
from merchants.contract import MerchantAdapter

GROUP = "sesame_gateway.merchants"


@dataclass(frozen=True, slots=True)
class Installed:
    """An adapter class as it was found, and the distribution that brought it."""

    adapter: Any
    distribution: str = "this process"
    version: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What start-up logs and `gateway merchants list` say of an adapter. Of a policy with several versions, all are
    named, oldest first."""

    key: str
    member: str
    summary: str
    product: str
    distribution: str
    version: str
    policy_version: str
    policy_hash: str


@dataclass(frozen=True, slots=True)
class Found:
    """What an entry point says of an adapter without being loaded."""

    key: str
    distribution: str
    version: str


class AdapterRegistry(Mapping[str, MerchantAdapter[Any]]):
    """Adapters by key, in order of key. `by_member` and `serving` find them by their DecisionAsk member.

    Raises Misconfigured, naming the distribution, for what is not an adapter, is put together wrongly, or takes a
    key that another one has, or a member or ask type name that belongs to another form.
    """

    def __init__(self, adapters: Iterable[Installed | type[MerchantAdapter[Any]]]) -> None:
        found = [each if isinstance(each, Installed) else Installed(each) for each in adapters]
        built = sorted(((_built(each), each) for each in found), key=lambda pair: pair[0].key)
        self._by_key: dict[str, MerchantAdapter[Any]] = {}
        self._by_member: dict[str, list[MerchantAdapter[Any]]] = {}
        self._found: dict[str, Installed] = {}
        taken: dict[tuple[str, str], tuple[object, Installed]] = {}
        for adapter, origin in built:
            form = (adapter.member, adapter.ask_type_name, adapter.Ask)
            for name, holder in (("key", adapter), ("member", form), ("ask_type_name", form)):
                value = getattr(adapter, name)
                first, other = taken.setdefault((name, value), (holder, origin))
                if first != holder:
                    raise Misconfigured(
                        f"{name} {value!r} is taken twice: by {other.distribution} and by {origin.distribution}"
                    )
            self._by_key[adapter.key] = adapter
            self._by_member.setdefault(adapter.member, []).append(adapter)
            self._found[adapter.key] = origin

    def __getitem__(self, key: str) -> MerchantAdapter[Any]:
        return self._by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def by_member(self, member: str) -> MerchantAdapter[Any]:
        """The first adapter of a DecisionAsk member such as "carRental": all of them share its form. Raises KeyError
        for an unknown member."""
        return self._by_member[member][0]

    def serving(self, member: str, enabled: Collection[str]) -> MerchantAdapter[Any] | None:
        """The adapter that answers a member for a merchant that has `enabled` these keys, None where none does. One
        that derives from another goes before it. Raises KeyError for an unknown member."""
        candidates = [adapter for adapter in self._by_member[member] if adapter.key in enabled]
        return max(candidates, key=lambda adapter: len(type(adapter).__mro__), default=None)

    def rival(self, key: str, enabled: Collection[str]) -> MerchantAdapter[Any] | None:
        """An enabled adapter that answers the same member as `key` and is not of its line, so that it would be open
        which of the two answers; None where there is none. Raises KeyError for an unknown key."""
        adapter = self._by_key[key]
        for other in self._by_member[adapter.member]:
            related = isinstance(adapter, type(other)) or isinstance(other, type(adapter))
            if other.key in enabled and not related:
                return other
        return None

    def require_effective(self, now: datetime) -> None:
        """Raises Misconfigured for an adapter of whose policy no version is in force at `now`."""
        for adapter in self._by_key.values():
            adapter.policies.require_effective(now)

    def about(self) -> tuple[About, ...]:
        """Each adapter with where it comes from and which policy it decides by."""
        return tuple(self._about(adapter) for adapter in self._by_key.values())

    def _about(self, adapter: MerchantAdapter[Any]) -> About:
        origin = self._found[adapter.key]
        return About(
            key=adapter.key,
            member=adapter.member,
            summary=adapter.summary,
            product=adapter.product,
            distribution=origin.distribution,
            version=origin.version,
            policy_version=", ".join(table.version for table in adapter.policies),
            policy_hash=", ".join(table.hash for table in adapter.policies),
        )


def installed() -> tuple[Found, ...]:
    """Every installed adapter in order of key. None of them is imported."""
    found = [Found(point.name, *_source(point)) for point in entry_points(group=GROUP)]
    return tuple(sorted(found, key=lambda each: (each.key, each.distribution)))


def discover(allowed: Collection[str] | None = None) -> AdapterRegistry:
    """The installed adapters; only those with these keys if `allowed` is given, and no other one is even imported.

    Raises Misconfigured for a key that is allowed but not installed, and for an adapter that cannot be loaded.
    """
    points = [point for point in entry_points(group=GROUP) if allowed is None or point.name in allowed]
    missing = set(allowed or ()) - {point.name for point in points}
    if missing:
        raise Misconfigured(f"no installed distribution brings the adapters: {', '.join(sorted(missing))}")
    return AdapterRegistry(map(_installed, points))


def _installed(point: EntryPoint) -> Installed:
    distribution, version = _source(point)
    try:
        adapter = point.load()
    except Exception as error:  # foreign code may fail in any way; say whose it is
        raise Misconfigured(f"{distribution}: adapter {point.name!r} cannot be loaded: {error}") from error
    if getattr(adapter, "key", None) != point.name:
        raise Misconfigured(f"{distribution}: entry point {point.name!r} and the adapter's key differ")
    return Installed(adapter, distribution, version)


def _source(point: EntryPoint) -> tuple[str, str]:
    """The distribution that brings an entry point, and its version."""
    return (point.dist.name, point.dist.version) if point.dist else ("an unknown distribution", "")


def _built(found: Installed) -> MerchantAdapter[Any]:
    if not isinstance(found.adapter, type) or not issubclass(found.adapter, MerchantAdapter):
        raise Misconfigured(f"{found.distribution}: {found.adapter!r} is not a MerchantAdapter class")
    try:
        return found.adapter()
    except (Misconfigured, TypeError) as error:
        raise Misconfigured(f"{found.distribution}: {error}") from error

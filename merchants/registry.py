"""The adapters: found by their entry points, and looked up by key and by DecisionAsk member.

A named merchant's adapter may share the member of the profile that it derives from. Merchants then ask with the same
type, and the adapters that a merchant has enabled say which one decides. A policy is parsed when the module of its
adapter is imported, so once a process.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from gateway.domain.errors import Misconfigured
from merchants.adapter import MerchantAdapter

GROUP = "sesame_gateway.merchants"


@dataclass(frozen=True, slots=True)
class LoadedAdapter:
    """An adapter class, and the distribution that contains it."""

    adapter: Any
    distribution: str = "this process"
    version: str = ""


@dataclass(frozen=True, slots=True)
class AdapterDescription:
    """The description of an adapter, for the log at start and `gateway adapters list`. Names all versions of the
    policy, oldest first."""

    key: str
    member: str
    summary: str
    product: str
    distribution: str
    version: str
    policy_version: str
    policy_hash: str


@dataclass(frozen=True, slots=True)
class InstalledAdapter:
    """The key of an installed adapter and the distribution that contains it, read without importing it."""

    key: str
    distribution: str
    version: str


class AdapterRegistry(Mapping[str, MerchantAdapter[Any]]):
    """Adapters by key, in order of key. `by_member` and `select_adapter` find them by their DecisionAsk member.

    Raises Misconfigured, naming the distribution, for a class that is no adapter or has a wrong declaration, for a key
    that another adapter has, and for a member or ask type name that belongs to another ask type.
    """

    def __init__(self, adapters: Iterable[LoadedAdapter | type[MerchantAdapter[Any]]]) -> None:
        loaded = [each if isinstance(each, LoadedAdapter) else LoadedAdapter(each) for each in adapters]
        built = sorted(((_build(each), each) for each in loaded), key=lambda pair: pair[0].key)
        self._by_key: dict[str, MerchantAdapter[Any]] = {}
        self._by_member: dict[str, list[MerchantAdapter[Any]]] = {}
        self._sources: dict[str, LoadedAdapter] = {}
        taken: dict[tuple[str, str], tuple[object, LoadedAdapter]] = {}
        for adapter, origin in built:
            asking = (adapter.member, adapter.ask_type_name, adapter.Ask)
            for name, holder in (("key", adapter), ("member", asking), ("ask_type_name", asking)):
                value = getattr(adapter, name)
                first, other = taken.setdefault((name, value), (holder, origin))
                if first != holder:
                    raise Misconfigured(
                        f"{name} {value!r} is taken twice: by {other.distribution} and by {origin.distribution}"
                    )
            self._by_key[adapter.key] = adapter
            self._by_member.setdefault(adapter.member, []).append(adapter)
            self._sources[adapter.key] = origin

    def __getitem__(self, key: str) -> MerchantAdapter[Any]:
        return self._by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def by_member(self, member: str) -> MerchantAdapter[Any]:
        """The first adapter of a DecisionAsk member such as "carRental". All adapters of a member share its ask type.
        Raises KeyError for an unknown member."""
        return self._by_member[member][0]

    def select_adapter(self, member: str, enabled: Collection[str]) -> MerchantAdapter[Any] | None:
        """The adapter that decides asks of a member for a merchant that has `enabled` these keys, None where there is
        none. An adapter that derives from another goes before it. Raises KeyError for an unknown member."""
        candidates = [adapter for adapter in self._by_member[member] if adapter.key in enabled]
        return max(candidates, key=lambda adapter: len(type(adapter).__mro__), default=None)

    def conflicting_adapter(self, key: str, enabled: Collection[str]) -> MerchantAdapter[Any] | None:
        """An enabled adapter of the same member as `key` where neither derives from the other, so that it is undefined
        which one decides; None where there is none. Raises KeyError for an unknown key."""
        adapter = self._by_key[key]
        for other in self._by_member[adapter.member]:
            related = isinstance(adapter, type(other)) or isinstance(other, type(adapter))
            if other.key in enabled and not related:
                return other
        return None

    def require_effective(self, now: datetime) -> None:
        """Raises Misconfigured for an adapter whose policy has no version in force at `now`."""
        for adapter in self._by_key.values():
            adapter.policies.require_effective(now)

    def describe(self) -> tuple[AdapterDescription, ...]:
        """The description of each adapter."""
        return tuple(self._describe(adapter) for adapter in self._by_key.values())

    def _describe(self, adapter: MerchantAdapter[Any]) -> AdapterDescription:
        origin = self._sources[adapter.key]
        return AdapterDescription(
            key=adapter.key,
            member=adapter.member,
            summary=adapter.summary,
            product=adapter.product,
            distribution=origin.distribution,
            version=origin.version,
            policy_version=", ".join(table.version for table in adapter.policies),
            policy_hash=", ".join(table.hash for table in adapter.policies),
        )


def installed() -> tuple[InstalledAdapter, ...]:
    """Every installed adapter in order of key. Imports none of them."""
    adapters = [InstalledAdapter(point.name, *_source(point)) for point in entry_points(group=GROUP)]
    return tuple(sorted(adapters, key=lambda each: (each.key, each.distribution)))


def discover(allowed: Collection[str] | None = None) -> AdapterRegistry:
    """The registry of the installed adapters, or of those with the `allowed` keys. Imports no other adapter.

    Raises Misconfigured for an allowed key that is not installed, and for an adapter that cannot be loaded.
    """
    points = [point for point in entry_points(group=GROUP) if allowed is None or point.name in allowed]
    missing = set(allowed or ()) - {point.name for point in points}
    if missing:
        raise Misconfigured(f"no installed distribution brings the adapters: {', '.join(sorted(missing))}")
    return AdapterRegistry(map(_load, points))


def _load(point: EntryPoint) -> LoadedAdapter:
    distribution, version = _source(point)
    try:
        adapter = point.load()
    except Exception as error:  # foreign code may fail in any way
        raise Misconfigured(f"{distribution}: adapter {point.name!r} cannot be loaded: {error}") from error
    if getattr(adapter, "key", None) != point.name:
        raise Misconfigured(f"{distribution}: entry point {point.name!r} and the adapter's key differ")
    return LoadedAdapter(adapter, distribution, version)


def _source(point: EntryPoint) -> tuple[str, str]:
    """The name and version of the distribution that declares an entry point."""
    return (point.dist.name, point.dist.version) if point.dist else ("an unknown distribution", "")


def _build(loaded: LoadedAdapter) -> MerchantAdapter[Any]:
    if not isinstance(loaded.adapter, type) or not issubclass(loaded.adapter, MerchantAdapter):
        raise Misconfigured(f"{loaded.distribution}: {loaded.adapter!r} is not a MerchantAdapter class")
    try:
        return loaded.adapter()
    except (Misconfigured, TypeError) as error:
        raise Misconfigured(f"{loaded.distribution}: {error}") from error

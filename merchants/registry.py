"""The registry of adapters: loads them by their entry points, and finds them by key and by DecisionAsk member.

A named merchant's adapter can share the member of the industry adapter from which it derives. Then the adapters that a
merchant has enabled determine which one decides. A policy is parsed when the module of its adapter is imported: once
per process.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import Distribution, EntryPoint, entry_points
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
    """The description of an adapter, for the log at start and `gateway adapters list`. `policy_version` and
    `policy_hash` list all versions of its policy, oldest first."""

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

    Raises Misconfigured with the name of the distribution for a class that is not an adapter, for a wrong declaration,
    for a key that two adapters have, and for a member or ask type name that two ask types have.
    """

    def __init__(self, adapters: Iterable[LoadedAdapter | type[MerchantAdapter[Any]]]) -> None:
        loaded = [each if isinstance(each, LoadedAdapter) else LoadedAdapter(each) for each in adapters]
        built = sorted(((_build(each), each) for each in loaded), key=lambda pair: pair[0].key)
        self._by_key: dict[str, MerchantAdapter[Any]] = {}
        self._by_member: dict[str, list[MerchantAdapter[Any]]] = {}
        self._sources: dict[str, LoadedAdapter] = {}
        taken: dict[tuple[str, str], tuple[object, LoadedAdapter]] = {}
        for adapter, origin in built:
            ask_names = (adapter.member, adapter.ask_type_name, adapter.Ask)
            for name, owner in (("key", adapter), ("member", ask_names), ("ask_type_name", ask_names)):
                value = getattr(adapter, name)
                first_owner, first_origin = taken.setdefault((name, value), (owner, origin))
                if first_owner != owner:
                    raise Misconfigured(
                        f"{name} {value!r} is used twice: by {first_origin.distribution} and by {origin.distribution}"
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
        """The first adapter with this DecisionAsk member, such as "carRental". All adapters with the same member have
        the same ask type. Raises KeyError for an unknown member."""
        return self._by_member[member][0]

    def select_adapter(self, member: str, enabled: Collection[str]) -> MerchantAdapter[Any] | None:
        """The adapter that decides asks with this member for a merchant that has `enabled` these keys.

        Prefers an adapter that derives from another one. None if the merchant has enabled no adapter with this member.
        Raises KeyError for an unknown member.
        """
        candidates = [adapter for adapter in self._by_member[member] if adapter.key in enabled]
        return max(candidates, key=lambda adapter: len(type(adapter).__mro__), default=None)

    def conflicting_adapter(self, key: str, enabled: Collection[str]) -> MerchantAdapter[Any] | None:
        """An enabled adapter that cannot be enabled together with `key`, None if no enabled adapter conflicts with it.

        Two adapters conflict if they have the same member and neither derives from the other, because it is undefined
        which one decides. Raises KeyError for an unknown key.
        """
        adapter = self._by_key[key]
        for other in self._by_member[adapter.member]:
            related = isinstance(adapter, type(other)) or isinstance(other, type(adapter))
            if other.key in enabled and not related:
                return other
        return None

    def require_effective(self, now: datetime) -> None:
        """Raises Misconfigured if an adapter's policy has no version in force at `now`."""
        for adapter in self._by_key.values():
            adapter.policies.require_effective(now)

    def describe(self) -> tuple[AdapterDescription, ...]:
        """The descriptions of all adapters, in order of key."""
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
    """All installed adapters in order of key. Does not import them."""
    adapters = [InstalledAdapter(point.name, *source) for point, source in _with_sources(entry_points(group=GROUP))]
    return tuple(sorted(adapters, key=lambda each: (each.key, each.distribution)))


def discover(allowed: Collection[str] | None = None) -> AdapterRegistry:
    """The registry of all installed adapters, or of those with the `allowed` keys. Does not import others.

    Raises Misconfigured for an allowed key that is not installed, and for an adapter that cannot be loaded.
    """
    points = [point for point in entry_points(group=GROUP) if allowed is None or point.name in allowed]
    missing = set(allowed or ()) - {point.name for point in points}
    if missing:
        known = ", ".join(each.key for each in installed())
        raise Misconfigured(f"adapters that are not installed: {', '.join(sorted(missing))}. Installed: {known}")
    return AdapterRegistry(_load(point, *source) for point, source in _with_sources(points))


def _load(point: EntryPoint, distribution: str, version: str) -> LoadedAdapter:
    try:
        adapter = point.load()
    except Exception as error:  # an adapter's code may raise anything
        raise Misconfigured(f"{distribution}: adapter {point.name!r} cannot be loaded: {error}") from error
    if getattr(adapter, "key", None) != point.name:
        raise Misconfigured(f"{distribution}: the entry point {point.name!r} and the adapter's key differ")
    return LoadedAdapter(adapter, distribution, version)


def _with_sources(points: Iterable[EntryPoint]) -> Iterator[tuple[EntryPoint, tuple[str, str]]]:
    """Each entry point with the name and version of the distribution that declares it. Parsing the metadata of a
    distribution takes longer than loading an adapter, so they are parsed once for all its entry points."""
    sources: dict[Distribution | None, tuple[str, str]] = {None: ("an unknown distribution", "")}
    for point in points:
        if point.dist is not None and point.dist not in sources:
            metadata = point.dist.metadata
            sources[point.dist] = metadata["Name"], metadata["Version"]
        yield point, sources[point.dist]


def _build(loaded: LoadedAdapter) -> MerchantAdapter[Any]:
    if not isinstance(loaded.adapter, type) or not issubclass(loaded.adapter, MerchantAdapter):
        raise Misconfigured(f"{loaded.distribution}: {loaded.adapter!r} is not a MerchantAdapter class")
    try:
        return loaded.adapter()
    except (Misconfigured, TypeError) as error:
        raise Misconfigured(f"{loaded.distribution}: {error}") from error

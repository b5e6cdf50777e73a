"""Finds the installed adapters by their entry points and holds them by key and by DecisionAsk member."""

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
    distribution: str
    version: str
    policy_version: str
    policy_hash: str


class AdapterRegistry(Mapping[str, MerchantAdapter[Any]]):
    """Adapters by key, in order of key. `by_member` finds them by their DecisionAsk member.

    Raises Misconfigured, naming the distribution, for what is not an adapter, is put together wrongly, or takes a
    key, member or ask type name that another one has.
    """

    def __init__(self, adapters: Iterable[Installed | type[MerchantAdapter[Any]]]) -> None:
        found = [each if isinstance(each, Installed) else Installed(each) for each in adapters]
        built = sorted(((_built(each), each) for each in found), key=lambda pair: pair[0].key)
        self._by_key: dict[str, MerchantAdapter[Any]] = {}
        self._by_member: dict[str, MerchantAdapter[Any]] = {}
        self._found: dict[str, Installed] = {}
        taken: dict[tuple[str, str], Installed] = {}
        for adapter, origin in built:
            for name in ("key", "member", "ask_type_name"):
                value = getattr(adapter, name)
                other = taken.setdefault((name, value), origin)
                if other is not origin:
                    raise Misconfigured(
                        f"{name} {value!r} is taken twice: by {other.distribution} and by {origin.distribution}"
                    )
            self._by_key[adapter.key] = self._by_member[adapter.member] = adapter
            self._found[adapter.key] = origin

    def __getitem__(self, key: str) -> MerchantAdapter[Any]:
        return self._by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def by_member(self, member: str) -> MerchantAdapter[Any]:
        """The adapter of a DecisionAsk member such as "carRental". Raises KeyError for an unknown one."""
        return self._by_member[member]

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
            distribution=origin.distribution,
            version=origin.version,
            policy_version=", ".join(table.version for table in adapter.policies),
            policy_hash=", ".join(table.hash for table in adapter.policies),
        )


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
    distribution = point.dist.name if point.dist else "an unknown distribution"
    try:
        adapter = point.load()
    except Exception as error:  # foreign code may fail in any way; say whose it is
        raise Misconfigured(f"{distribution}: adapter {point.name!r} cannot be loaded: {error}") from error
    if getattr(adapter, "key", None) != point.name:
        raise Misconfigured(f"{distribution}: entry point {point.name!r} and the adapter's key differ")
    return Installed(adapter, distribution, point.dist.version if point.dist else "")


def _built(found: Installed) -> MerchantAdapter[Any]:
    if not isinstance(found.adapter, type) or not issubclass(found.adapter, MerchantAdapter):
        raise Misconfigured(f"{found.distribution}: {found.adapter!r} is not a MerchantAdapter class")
    try:
        return found.adapter()
    except (Misconfigured, TypeError) as error:
        raise Misconfigured(f"{found.distribution}: {error}") from error

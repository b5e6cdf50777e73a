"""Shadow policies: evaluated for each request in addition to the policy in force, and logged. They decide nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from gateway.domain.errors import Misconfigured
from gateway.domain.policies.table import DecisionTable
from gateway.kit.logging import get_logger
from gateway.services.decisions.assessment import Assessment
from gateway.services.policies.overrides import apply_override
from merchants.registry import AdapterRegistry


class ShadowPolicies:
    """The shadow policies of a deployment: at most one for each adapter, by its key."""

    def __init__(self, tables: Mapping[str, DecisionTable] = MappingProxyType({})) -> None:
        self._tables = dict(tables)

    @classmethod
    def read(cls, files: Iterable[tuple[str, Path]], registry: AdapterRegistry) -> "ShadowPolicies":
        """The policies in these files, each for the adapter with its key. Raises Misconfigured."""
        tables = {}
        for key, file in files:
            if key not in registry:
                raise Misconfigured(f"no adapter {key} is loaded")
            tables[key] = registry[key].load_policy(file)
        return cls(tables)

    def evaluate(self, assessment: Assessment) -> Assessment:
        """The assessment with the result of the shadow policy for the same request, for the sealed part of the log.

        This is the document of the result, or the name of the exception that the policy raised. A merchant's override
        applies to the shadow policy too. The result of the assessment does not change, even if the shadow policy fails.
        """
        adapter = assessment.adapter
        table = self._tables.get(adapter.key)
        if table is None:
            return assessment
        try:
            table = table if assessment.override is None else apply_override(assessment.override, table)
            result = adapter.apply_policy(table, assessment.ask, assessment.person, assessment.now)
            document = result.document()
        except Exception as error:  # noqa: BLE001  # a shadow policy must not fail a request
            # The message of the exception can hold facts about the person, its name cannot.
            get_logger(__name__).warning("shadow policy failed", adapter=adapter.key, error=type(error).__name__)
            document = {"policy": table.policy, "policy_version": table.version, "policy_hash": table.hash}
            document["error"] = type(error).__name__
        return replace(assessment, shadow={"shadow": document})

"""Documents that cost just under the maximum of one document, each in another way. They need a merchant token; how much
they do depends on the merchant's decisions. Tests of load, queues and deadlines send them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_LEAVES = "id merchantReference product status availableTransitions subject purpose createdAt updatedAt"
_MONEY = "{ amount currency }"


@dataclass(frozen=True)
class WorstDocument:
    """A document and its variables."""

    name: str
    text: str
    variables: Mapping[str, Any] = field(default_factory=dict)


def _pages(decisions: int, aliases: int, selection: str) -> str:
    """Returns a document of this many pages of decisions, each with this many."""
    pages = " ".join(f"p{n}: decisions(first: {decisions}) {{ nodes {{ ...F }} }}" for n in range(aliases))
    return f"query Worst {{ merchant {{ {pages} }} }} fragment F on Decision {{ {selection} }}"


_SETTLEMENT = f"settlement {{ due {_MONEY} settled {_MONEY} outstanding {_MONEY} dueAt overdue }}"
_TERMS = f"... on DepositTerms {{ originalDeposit {_MONEY} waivedAmount {_MONEY} depositDue {_MONEY} returnBy }}"
_OUTCOME = f"outcome {{ ... on Approval {{ validUntil reasons {{ code message }} terms {{ {_TERMS} }} }} }}"
_EVENT = "id topic occurredAt ... on DecisionEvent { from to actor note decision { id status } }"
_FAN = "... on DecisionEvent { decision { timeline(first: 1) { nodes { id } } } }"
_ALIASES = " ".join(f"a{n}: occurredAt" for n in range(28))
_TYPE = "name kind ofType { name kind ofType { name kind ofType { name kind } } }"
_INTROSPECTION = f"""__schema {{ types {{ name kind description enumValues {{ name description }}
  fields {{ name description isDeprecated args {{ name description type {{ {_TYPE} }} }} type {{ {_TYPE} }} }} }} }}"""
_NAMES = """__schema { types { name kind description enumValues { name description }
  fields { name description isDeprecated args { name description } } } }"""


def _repeat(field: str, number: int, alias: str) -> str:
    return " ".join(f"{alias}{each}: {field}" for each in range(number))


WORST_DOCUMENTS = [
    WorstDocument("leaves", _pages(97, 10, _LEAVES)),
    WorstDocument("settlements", _pages(97, 2, f"{_LEAVES} {_SETTLEMENT}")),
    WorstDocument("outcomes", _pages(97, 1, f"{_OUTCOME}")),
    WorstDocument("provenances", _pages(98, 5, "provenance { adapter policyVersion policyHash ruleId scoreAsOf }")),
    WorstDocument("receipts", _pages(81, 3, "receipt")),
    WorstDocument("consents", _pages(81, 4, "consent { id status scopes purpose grantedAt }")),
    WorstDocument("short timelines", _pages(98, 2, "timeline(first: 1) { nodes { id } }")),
    WorstDocument(
        "long timelines", _pages(3, 1, f"timeline(first: 100) {{ nodes {{ {_EVENT} }} edges {{ cursor }} }}")
    ),
    WorstDocument("aliased events", _pages(9, 1, f"timeline(first: 100) {{ nodes {{ {_ALIASES} }} }}")),
    WorstDocument("disputes", _pages(80, 3, "disputes(first: 1) { nodes { id } }")),
    WorstDocument("fan out", _pages(5, 1, f"timeline(first: 30) {{ nodes {{ {_FAN} }} }}")),
    WorstDocument("introspection", f"query Worst {{ {_repeat(_INTROSPECTION, 3, 'i')} {_repeat(_NAMES, 2, 'n')} }}"),
]

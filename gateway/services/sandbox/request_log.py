"""The request log of a sandbox: what a partner reads of its GraphQL requests."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from gateway.domain.decisions.state import DecisionState
from gateway.kit import json
from gateway.store.sandbox.request_log import RequestFilter, RequestLogRow, RequestWindow
from gateway.store.unit import UnitOfWork

KEPT = timedelta(days=7)
"""How long an entry is kept."""

MOST_ENTRIES = 5_000
"""The largest number of entries of one partner. The oldest ones are deleted first."""

CUT = " ... [cut]"
"""The end of a text that was too long for the log."""

_PROOF = ' -H "DPoP: $DPOP_PROOF"'


def list_requests(
    unit: UnitOfWork,
    partner_id: str,
    filtered: RequestFilter,
    size: int,
    *,
    backward: bool = False,
    after: tuple[datetime, str] | None = None,
    before: tuple[datetime, str] | None = None,
) -> list[RequestLogRow]:
    """Returns at most `size` entries of a partner that match the filter, newest first or, if `backward`, oldest first.
    `after` and `before` are positions in the order newest first, (`received_at`, `id`) of an entry. An entry is there
    about half a second after its response was sent."""
    return unit.request_log.list_page(partner_id, filtered, RequestWindow(size, backward, after, before))


def find_request(unit: UnitOfWork, partner_id: str, entry_id: str) -> RequestLogRow | None:
    """Returns the entry of a partner with this id, None if it has none, or has it no more."""
    return unit.request_log.load(partner_id, entry_id)


def list_error_codes(entry: RequestLogRow) -> list[str]:
    """Returns the codes of the errors and user errors in the response, without repetitions."""
    return entry.error_codes.split()


def load_decisions(unit: UnitOfWork, entries: Iterable[RequestLogRow]) -> Mapping[str, list[DecisionState]]:
    """Returns the decisions that each request made or read, by the id of its entry, with their present state: outcome
    with reasons, policy version and rule. Only those of the merchant of the request."""
    listed = list(entries)
    references: dict[str, set[str]] = {}
    for entry in listed:
        references.setdefault(entry.merchant_id, set()).update(entry.references)
    named = {
        (merchant_id, reference): decision_id
        for merchant_id, wanted in references.items()
        if wanted
        for reference, decision_id in unit.request_log.load_decision_ids(merchant_id, wanted).items()
    }
    ids = {entry.id: _ids_of(entry, named) for entry in listed}
    wanted_ids = {each for of_entry in ids.values() for each in of_entry}
    states = {state.id: state for state in unit.decisions.load_all(wanted_ids)} if wanted_ids else {}
    return {
        entry.id: [
            states[each].as_of(unit.business_time(entry.merchant_id))
            for each in ids[entry.id]
            if each in states and states[each].merchant_id == entry.merchant_id
        ]
        for entry in listed
    }


def _ids_of(entry: RequestLogRow, named: Mapping[tuple[str, str], str]) -> Sequence[str]:
    by_reference = (named.get((entry.merchant_id, reference)) for reference in entry.references)
    return list(dict.fromkeys([*entry.decision_ids, *(each for each in by_reference if each)]))


def write_curl(entry: RequestLogRow, issuer: str) -> str:
    """Returns a command for a shell that sends the request again. It has placeholders instead of the token and the
    proof; redacted values must be replaced. What is too long for the log comes from the file request.json."""
    scheme, proof = ("DPoP", _PROOF) if entry.scheme == "dpop" else ("Bearer", "")
    head = f'curl -s {issuer}/graphql -H "Authorization: {scheme} $ACCESS_TOKEN"{proof}'
    content = "@request.json" if is_cut(entry.document) or is_cut(entry.variables) else _quote(_content(entry))
    return f"{head} -H 'Content-Type: application/json' -d {content}"


def graphiql_address(entry_id: str, issuer: str) -> str:
    """Returns the address of the page that has the request of an entry in GraphiQL."""
    return f"{issuer}/partners/graphiql?entry={entry_id}"


def is_cut(text: str) -> bool:
    """Whether a text of an entry was too long for the log."""
    return text.endswith(CUT)


def _content(entry: RequestLogRow) -> str:
    body: dict[str, object] = {"documentId": entry.document_id} if entry.document_id else {"query": entry.document}
    if entry.operation_name:
        body["operationName"] = entry.operation_name
    variables = json.decode(entry.variables)
    if variables:
        body["variables"] = variables
    return json.encode_text(body)


def _quote(text: str) -> str:
    """The text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"

"""`gateway decisions`: list and show decisions, and decide those that are in manual review."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail, note
from gateway.cli.output import AsJson, Record, WithReplaced, print_list, print_record
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import Misconfigured, NotFound
from gateway.domain.period import parse_moment
from gateway.kit.json import decode
from gateway.services.container import Container
from gateway.store.decisions.pages import Filter, Window
from gateway.store.logs.decision_log import DecisionLogRow
from gateway.store.unit import UnitOfWork

app = typer.Typer(no_args_is_help=True, help="List and show decisions, decide those in manual review.")

MOST_LISTED = 10_000
_PAGE = 200
DecisionId = Annotated[str, typer.Argument(help="The decision's id, dec_...")]


@app.command("list")
def list_decisions(
    status: Annotated[
        list[Status] | None,
        typer.Option(
            metavar="STATUS", case_sensitive=False, help=f"Only one of {', '.join(Status)}. Repeat it for more."
        ),
    ] = None,
    merchant: Annotated[str | None, typer.Option(help="Only decisions of this merchant, mer_...")] = None,
    person: Annotated[
        str | None, typer.Option(help="Only decisions about this person: email address, external id, or usr_...")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="The largest number of decisions.")] = 50,
    with_replaced: WithReplaced = False,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List decisions, newest first. With --status PENDING: those in manual review.

    Times are those of the partner's clock. Decisions with merchants that a reset of a sandbox has replaced are left
    out, unless --merchant or --person names whose they are.

    With --json: an array of objects with id, merchant_id, merchant_reference, product, purpose, status, amounts and
    times."""
    with container_for(database_url) as container:

        def load(unit: UnitOfWork) -> list[DecisionState]:
            if merchant is None:
                merchants = unit.merchants.list_merchants(with_replaced=with_replaced or person is not None)
                ids = [row.id for row in merchants]
            else:
                ids = [container.merchants.require(unit, merchant).id]
            if person is not None:
                user = container.people.require(unit, person)
                about = _list_about(unit, user.id)
                chosen = (each for each in about if each.merchant_id in ids and (not status or each.status in status))
                return list(islice(chosen, limit + 1))
            filtered, newest = Filter(statuses=frozenset(status) if status else None), Window(limit + 1)
            pages = (unit.decision_pages.load_page(each, filtered, newest, unit.business_time(each)) for each in ids)
            return sorted((state for page in pages for state in page), key=lambda state: state.id, reverse=True)

        states = container.database.read(load)
    print_list(
        [_describe(state) for state in states[:limit]],
        {
            "decision": "id",
            "merchant": "merchant_id",
            "reference": "merchant_reference",
            "product": "product",
            "status": "status",
            "requested": "requested",
            "requested at": "created_at",
            "valid until": "valid_until",
        },
        folded=("reference",),
        empty="There is no such decision." if status or merchant or person else "There is no decision.",
        as_json=as_json,
    )
    if len(states) > limit:
        note(describe_limit(limit))


def describe_limit(limit: int) -> str:
    """The note about a list that ends at its limit, with the next larger limit if there is one."""
    more = f" For more: --limit {min(limit * 2, MOST_LISTED)}" if limit < MOST_LISTED else ""
    return f"These are the newest {limit}.{more}"


@app.command()
def show(decision_id: DecisionId, as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """Show a decision: its amounts, dates and timeline.

    The reasons for its result: gateway policy explain. Times are those of the partner's clock.

    With --json: an object of `gateway decisions list --json` with user_id, provenance, reasons, approving_rules,
    disputes and timeline."""
    with container_for(database_url) as container:
        state, details = container.database.read(lambda unit: _load(unit, decision_id))
        rules = _approving_rules(container, state)
    print_record(
        {**_describe(state), **details, "approving_rules": rules},
        {
            "decision": "id",
            "merchant": "merchant_id",
            "reference": "merchant_reference",
            "client": "client_id",
            "consent": "consent_id",
            "person": "user_id",
            "product": "product",
            "purpose": "purpose",
            "status": "status",
            "reasons": "reasons",
            "rules that approve": "approving_rules",
            "policy": lambda decision: "{adapter} {policy_version}, rule {rule_id}".format(**decision["provenance"]),
            "requested": "requested",
            "due": "due",
            "settled": "settled",
            "exposure": "exposure",
            "valid until": "valid_until",
            "due at": "due_at",
            "disputes": "disputes",
            "timeline": lambda decision: "\n".join(map(_event_words, decision["timeline"])),
        },
        as_json=as_json,
    )


@app.command()
def review(
    decision_id: DecisionId,
    approve: Annotated[bool, typer.Option("--approve", help="Approve it on the terms of a rule.")] = False,
    decline: Annotated[bool, typer.Option("--decline", help="Decline it.")] = False,
    rule: Annotated[
        str | None, typer.Option(help="The rule that sets the terms. Default: the least generous rule that approves.")
    ] = None,
    reason: Annotated[
        list[str] | None,
        typer.Option(help="A reason code of a decline. Repeat it for more. Default: those of the policy."),
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Approve or decline a decision that is in manual review.

    Consent and credit limit are checked again."""
    if approve == decline:
        fail("Choose --approve or --decline.")
    if (rule is not None and decline) or (reason and approve):
        fail("--rule goes with --approve, --reason with --decline.")
    with container_for(database_url) as container:
        reviews = container.reviews
        decision = reviews.approve(decision_id, rule) if approve else reviews.decline(decision_id, reason or ())
    terms = f" {decision.settlement.due} until {decision.valid_until:%Y-%m-%d %H:%M}Z." if decision.settlement else ""
    console.print(f"{decision.id} ({decision.merchant_reference}) is {decision.status}.{terms}")


def _approving_rules(container: Container, state: DecisionState) -> Sequence[str]:
    """The rules by which a decision in manual review can be approved, empty for any other decision. Empty with a note
    if the adapter cannot be used now: then the decision can only be declined."""
    if state.status is not Status.PENDING:
        return ()
    try:
        return container.reviews.list_rules(state.id)
    except (NotFound, Misconfigured) as error:
        note(str(error))
        return ()


def _load(unit: UnitOfWork, decision_id: str) -> tuple[DecisionState, Record]:
    """The decision as of now, and what is not part of its state. Ends the command if there is none with this id."""
    written = unit.decisions.load(decision_id)
    if written is None:
        fail(f"There is no decision {decision_id}.")
    state = written.as_of(unit.business_time(written.merchant_id))
    consent = unit.consents.load(state.consent_id)
    details = {
        "user_id": consent.user_id if consent else None,
        "reasons": state.outcome.reasons,
        "provenance": {
            "adapter": state.adapter,
            "policy_version": state.policy_version,
            "policy_hash": state.policy_hash,
            "rule_id": state.rule_id,
            "score_as_of": state.score_as_of,
        },
        "disputes": [dispute.id for dispute in unit.disputes.list_of_decision(decision_id)],
        "timeline": [_describe_event(entry) for entry in unit.decision_log.list_of_decision(decision_id)],
    }
    return state, details


def _list_about(unit: UnitOfWork, user_id: str) -> Iterator[DecisionState]:
    """The decisions about a person as of now, newest first. Reads them page by page."""
    before = None
    while page := unit.decision_pages.list_of_user(user_id, _PAGE, before):
        yield from (state.as_of(unit.business_time(state.merchant_id)) for state in page)
        before = page[-1].id


def _describe(state: DecisionState) -> Record:
    return {
        "id": state.id,
        "merchant_id": state.merchant_id,
        "client_id": state.client_id,
        "consent_id": state.consent_id,
        "merchant_reference": state.merchant_reference,
        "product": state.product,
        "purpose": state.purpose,
        "status": state.status,
        "requested": state.requested,
        "due": state.due,
        "settled": state.settled,
        "exposure": state.exposure,
        "created_at": state.created_at,
        "updated_at": state.updated_at,
        "valid_until": state.valid_until,
        "activated_at": state.activated_at,
        "due_at": state.due_at,
        "overdue_at": state.overdue_at,
        "breached_at": state.breached_at,
        "contested_at": state.contested_at,
        "next_transition_at": state.next_transition_at,
    }


def _describe_event(entry: DecisionLogRow) -> Record:
    """The public part of a log entry."""
    public = decode(entry.public)
    return {
        "id": entry.id,
        "occurred_at": parse_moment(public["business_at"]),
        "topic": public["topic"],
        "from": public["from"],
        "to": public["to"],
        "actor": public["actor"],
        "dispute_id": public.get("dispute"),
    }


def _event_words(event: Record) -> str:
    return f"{event['occurred_at']:%Y-%m-%d %H:%M}Z  {event['topic']} by {event['actor']}, now {event['to']}"

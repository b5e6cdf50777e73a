"""`gateway disputes`: list, show and decide disputes."""

from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail
from gateway.cli.output import AsJson, Record, WithReplaced, print_list, print_record
from gateway.domain.decisions.dispute import Dispute

app = typer.Typer(
    no_args_is_help=True, help="List and show disputes, decide those that a merchant has refused (UNDER_REVIEW)."
)

DisputeId = Annotated[str, typer.Argument(help="The dispute's id, dsp_...")]


@app.command("list")
def list_disputes(
    with_replaced: WithReplaced = False, as_json: AsJson = False, database_url: DatabaseUrl = None
) -> None:
    """List the open disputes. Decide those that the merchant has refused (UNDER_REVIEW).

    Times are the partner's business time. Disputes with merchants that a reset of a sandbox has replaced are left out.

    With --json: an array of objects with id, decision_id, merchant_id, subject, opened_by, status, opened_at,
    respond_by and resolved_at."""
    with container_for(database_url) as container:
        disputes = container.disputes.list_open(with_replaced=with_replaced)
    print_list(
        [_describe(dispute) for dispute in disputes],
        {
            "dispute": "id",
            "decision": "decision_id",
            "about": "subject",
            "status": "status",
            "opened at": "opened_at",
            "respond by": "respond_by",
        },
        empty="No dispute is open.",
        as_json=as_json,
    )


@app.command()
def show(dispute_id: DisputeId, as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """Show a dispute with the statements of both sides.

    The statements are personal data: do not store them.

    With --json: an object of `gateway disputes list --json` with statement, response, evidence and resolution."""
    with container_for(database_url) as container:
        dispute = container.disputes.load(dispute_id)
    print_record(
        {
            **_describe(dispute),
            "statement": dispute.statement or None,
            "response": dispute.response,
            "evidence": dispute.evidence,
            "resolution": dispute.resolution,
        },
        {
            "dispute": "id",
            "decision": "decision_id",
            "merchant": "merchant_id",
            "about": "subject",
            "status": "status",
            "opened at": "opened_at",
            "respond by": "respond_by",
            "resolved at": "resolved_at",
            "person": "statement",
            "merchant's response": lambda dispute: dispute["response"] or "none",
            "evidence": lambda dispute: "\n".join(dispute["evidence"]),
            "resolution": "resolution",
        },
        as_json=as_json,
    )


@app.command()
def resolve(
    dispute_id: DisputeId,
    note: Annotated[str, typer.Option(help="The reason. Both sides see it.")],
    uphold: Annotated[
        bool, typer.Option("--uphold", help="For the person: the breach or overdue flag no longer counts.")
    ] = False,
    reject: Annotated[bool, typer.Option("--reject", help="For the merchant: it counts from now on.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Decide a dispute that the merchant has refused (UNDER_REVIEW)."""
    if uphold == reject:
        fail("Choose --uphold or --reject.")
    with container_for(database_url) as container:
        resolved = container.disputes.resolve(dispute_id, uphold=uphold, resolution=note)
    console.print(f"{resolved.id} is {resolved.status}.")


def _describe(dispute: Dispute) -> Record:
    """The dispute without what the parties have written."""
    return {
        "id": dispute.id,
        "decision_id": dispute.decision_id,
        "merchant_id": dispute.merchant_id,
        "subject": dispute.subject,
        "opened_by": dispute.opened_by,
        "status": dispute.status,
        "opened_at": dispute.opened_at,
        "respond_by": dispute.respond_by,
        "resolved_at": dispute.resolved_at,
    }

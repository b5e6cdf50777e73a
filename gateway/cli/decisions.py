"""`gateway decisions`: list the decisions that wait for manual review, and decide them."""

from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, container_for, fail, table

app = typer.Typer(no_args_is_help=True, help="Decide what policies have referred to manual review.")


@app.command("list")
def listed(database_url: DatabaseUrl = None) -> None:
    """List the decisions that wait for manual review."""
    rows = table("decision", "merchant", "reference", "product", "asked for at", "until", "rules that approve")
    with container_for(database_url) as container:
        for decision in container.reviews.list_waiting():
            rows.add_row(
                decision.id,
                decision.merchant_id,
                decision.merchant_reference,
                decision.product,
                f"{decision.created_at:%Y-%m-%d %H:%M}Z",
                f"{decision.valid_until:%Y-%m-%d %H:%M}Z" if decision.valid_until else "",
                " ".join(container.reviews.list_rules(decision.id)),
            )
    console.print(rows if rows.row_count else "No decision waits for manual review.")


@app.command()
def review(
    decision_id: str,
    approve: Annotated[bool, typer.Option("--approve", help="Approve it, on the terms of a rule.")] = False,
    decline: Annotated[bool, typer.Option("--decline", help="Decline it.")] = False,
    rule: Annotated[
        str | None, typer.Option(help="The rule whose terms hold; by default the least generous that approves.")
    ] = None,
    reason: Annotated[
        list[str] | None, typer.Option(help="A reason code of a decline; repeat it. Default: those of the policy.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Approve or decline a decision in manual review. Consent and credit limit are checked again."""
    if approve == decline:
        fail("Say --approve or --decline.")
    if (rule is not None and decline) or (reason and approve):
        fail("--rule goes with --approve, --reason with --decline.")
    with container_for(database_url) as container:
        reviews = container.reviews
        decision = reviews.approve(decision_id, rule) if approve else reviews.decline(decision_id, reason or ())
    terms = f" {decision.settlement.due} until {decision.valid_until:%Y-%m-%d %H:%M}Z." if decision.settlement else ""
    console.print(f"{decision.id} ({decision.merchant_reference}) is {decision.status}.{terms}")

"""`gateway decisions`: look at what policies have referred to a person, and decide it."""

from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, assembled, console, fail, table

app = typer.Typer(no_args_is_help=True, help="Decide what policies have referred to a person.")


@app.command("list")
def listed(database_url: DatabaseUrl = None) -> None:
    """List the referrals that wait for a decision."""
    rows = table("decision", "merchant", "reference", "product", "asked for at", "until", "rules that approve")
    with assembled(database_url) as made:
        for decision in made.reviews.waiting():
            rows.add_row(
                decision.id,
                decision.merchant_id,
                decision.merchant_reference,
                decision.product,
                f"{decision.created_at:%Y-%m-%d %H:%M}Z",
                f"{decision.valid_until:%Y-%m-%d %H:%M}Z" if decision.valid_until else "",
                " ".join(made.reviews.rules(decision.id)),
            )
    console.print(rows if rows.row_count else "No referral waits.")


@app.command()
def review(
    decision_id: str,
    approve: Annotated[bool, typer.Option("--approve", help="Approve it, on the terms of a rule.")] = False,
    decline: Annotated[bool, typer.Option("--decline", help="Decline it.")] = False,
    rule: Annotated[
        str | None, typer.Option(help="The rule whose terms hold; by default the least generous that approves.")
    ] = None,
    reason: Annotated[
        list[str] | None, typer.Option(help="A reason code of a decline; repeat it. Default: the referral's own.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Approve or decline a referral. Consent and line of trust are looked at again; the merchant is told."""
    if approve == decline:
        fail("Say --approve or --decline.")
    if (rule is not None and decline) or (reason and approve):
        fail("--rule goes with --approve, --reason with --decline.")
    with assembled(database_url) as made:
        done = made.reviews.approve(decision_id, rule) if approve else made.reviews.decline(decision_id, reason or ())
    terms = f" {done.settlement.due} until {done.valid_until:%Y-%m-%d %H:%M}Z." if done.settlement else ""
    console.print(f"{done.id} ({done.merchant_reference}) is {done.status}.{terms}")

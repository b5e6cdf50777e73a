"""`gateway merchants`: register merchants, write their contracts, enable adapters for them."""

from datetime import timedelta
from typing import Annotated

import typer

from gateway.cli.console import DatabaseUrl, console, container_for
from gateway.domain.merchants import Contract
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.unit import UnitOfWork

app = typer.Typer(no_args_is_help=True, help="Register merchants, write their contracts, enable adapters for them.")

Merchant = Annotated[str, typer.Argument(help="The merchant's id, mer_...")]


@app.command()
def register(
    name: Annotated[str, typer.Argument(help="The name that people see on the consent page.")],
    partner: Annotated[str, typer.Option(help="The partner (tenant) it belongs to; made if it is new.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Register a merchant and print its id."""
    with container_for(database_url) as container:
        merchants = container.merchants

        def register_merchant(unit: UnitOfWork) -> MerchantRow:
            return merchants.register(unit, merchants.partner(unit, partner), name)

        merchant = container.database.write(register_merchant)
    console.print(merchant.id)


@app.command()
def contract(
    merchant: Merchant,
    ceiling: Annotated[str, typer.Option(help="Most that one consent may cover, such as 50000.00.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code of the ceiling.")] = "CNY",
    tier: Annotated[list[Tier] | None, typer.Option(help="A tier the merchant may ask about; repeat it.")] = None,
    consent_days: Annotated[int, typer.Option(help="Longest life of a consent, in days.", min=1, max=3650)] = 90,
    database_url: DatabaseUrl = None,
) -> None:
    """Replace a merchant's contract."""
    written = Contract(
        askable_tiers=frozenset(tier or ()),
        ceiling=Money.parse(ceiling, currency),
        consent_life=timedelta(days=consent_days),
    )
    with container_for(database_url) as container:
        row = container.database.write(lambda unit: container.merchants.contract(unit, merchant, written))
    askable = " ".join(row.askable_tiers) or "no tier"
    console.print(f"{row.name}: up to {ceiling} {currency} for {consent_days} days; may ask about {askable}.")


@app.command()
def enable(
    merchant: Merchant,
    adapter: Annotated[str, typer.Argument(help="The adapter's key, see `gateway adapters list`.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Enable an adapter for a merchant."""
    with container_for(database_url) as container:
        is_new = container.database.write(lambda unit: container.merchants.enable(unit, merchant, adapter))
    console.print(f"{adapter} {'is now' if is_new else 'was already'} enabled.")

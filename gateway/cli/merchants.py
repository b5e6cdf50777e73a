"""`gateway merchants`: list and register merchants, replace their contracts, enable adapters for them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

import typer

from gateway.cli.clients import client_words, describe_client
from gateway.cli.console import DatabaseUrl, console, container_for, fail, print_warning
from gateway.cli.output import AsJson, Record, print_list, print_record
from gateway.domain.errors import NotFound
from gateway.domain.merchants import Contract
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from gateway.services.container import Container
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.unit import UnitOfWork

_HELP = """List and register merchants, set their contracts, enable adapters.

To begin: gateway merchants register NAME --partner PARTNER --create"""
app = typer.Typer(no_args_is_help=True, help=_HELP)

Merchant = Annotated[str, typer.Argument(help="The merchant's id, mer_...")]


@app.command("list")
def list_merchants(
    with_replaced: Annotated[
        bool, typer.Option("--all", help="Also list merchants that a reset of a sandbox has replaced.")
    ] = False,
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List the merchants, their partners, and the adapters they have enabled.

    A merchant without an adapter cannot request decisions. Those that a reset of a sandbox has replaced are left out.

    With --json: an array of objects with id, name, partner, created_at, is_replaced, contract, adapters and
    products."""
    with container_for(database_url) as container:

        def describe_all(unit: UnitOfWork) -> list[Record]:
            merchants = unit.merchants.list_merchants(with_replaced=with_replaced)
            return [_describe(container, unit, row) for row in merchants]

        records = container.database.read(describe_all)
    print_list(
        records,
        {
            "merchant": "id",
            "name": "name",
            "partner": lambda merchant: merchant["partner"]["name"],
            "enabled adapters": _adapter_words,
        },
        folded=("name", "partner", "enabled adapters"),
        empty="There is no merchant. Register one: gateway merchants register NAME --partner PARTNER --create",
        as_json=as_json,
    )


@app.command()
def show(merchant: Merchant, as_json: AsJson = False, database_url: DatabaseUrl = None) -> None:
    """Show a merchant: contract, enabled adapters, products and clients.

    With --json: the object of `gateway merchants list --json` with the clients of `gateway clients list --json`."""
    with container_for(database_url) as container:

        def describe(unit: UnitOfWork) -> Record:
            clients = [describe_client(client) for client in unit.clients.list_clients(merchant)]
            return {**_describe(container, unit, container.merchants.require(unit, merchant)), "clients": clients}

        record = container.database.read(describe)
    contract = record["contract"]
    print_record(
        record,
        {
            "merchant": "id",
            "name": "name",
            "partner": lambda merchant: f"{merchant['partner']['name']} ({merchant['partner']['id']})",
            "registered": "created_at",
            "largest maximum amount of a consent": lambda _: contract["ceiling"],
            "maximum duration of a consent": lambda _: contract["consent_life"],
            "tiers for threshold inquiries": lambda _: contract["askable_tiers"] or "none",
            "enabled adapters": _adapter_words,
            "products": lambda merchant: merchant["products"] or "none",
            "clients": lambda merchant: "\n".join(map(client_words, merchant["clients"])) or "none",
        },
        as_json=as_json,
    )


@app.command()
def register(
    name: Annotated[str, typer.Argument(help="The name that persons see on the consent page.")],
    partner: Annotated[
        str,
        typer.Option(
            help="Name of the partner that owns the merchant. All merchants of a partner share one business time."
        ),
    ],
    create: Annotated[
        bool, typer.Option("--create", help="Create the partner. Without it, the partner must exist.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Register a merchant and print its id.

    The merchant gets the default contract: consents of at most 50000.00 CNY and 90 days, and threshold inquiries about
    the tier EXCELLENT only. It has no adapter until you enable one."""
    with container_for(database_url) as container:
        merchants = container.merchants

        def register_merchant(unit: UnitOfWork) -> MerchantRow:
            find = merchants.create_partner if create else merchants.require_partner
            return merchants.register(unit, find(unit, partner), name)

        try:
            merchant = container.database.write(register_merchant)
        except NotFound as error:
            fail(f"{error} To create it: --create")
    console.print(merchant.id)


@app.command()
def contract(
    merchant: Merchant,
    ceiling: Annotated[str, typer.Option(help="The largest maximum amount of one consent, such as 50000.00.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code of this amount.")] = "CNY",
    tier: Annotated[
        list[Tier] | None,
        typer.Option(
            metavar="TIER",
            help="A tier for which the merchant may ask whether a person reaches it (threshold inquiry):"
            f" {', '.join(Tier)}. Repeat the option for more. Without it, none.",
        ),
    ] = None,
    consent_days: Annotated[
        int, typer.Option(help="The maximum duration of a consent, in days.", min=1, max=3650)
    ] = 90,
    database_url: DatabaseUrl = None,
) -> None:
    """Replace a merchant's contract.

    Consents that persons have already given keep their amounts and dates."""
    written = Contract(
        askable_tiers=frozenset(tier or ()),
        ceiling=Money.parse(ceiling, currency),
        consent_life=timedelta(days=consent_days),
    )
    with container_for(database_url) as container:

        def replace_contract(unit: UnitOfWork) -> tuple[MerchantRow, tuple[str, ...]]:
            row = container.merchants.replace_contract(unit, merchant, written)
            return row, unit.merchants.list_enabled_adapters(merchant)

        row, enabled = container.database.write(replace_contract)
        policies = {key: each.policy.currency for key, each in container.registry.items()}
        _warn_about_currency(currency, policies if not enabled else {key: policies.get(key) for key in enabled})
    if not written.askable_tiers:
        print_warning("The merchant may ask threshold inquiries about no tier. To allow one: --tier EXCELLENT")
    askable = " ".join(row.askable_tiers) or "no tier"
    console.print(
        f"{row.name}: consents of at most {written.ceiling} and {consent_days} days;"
        f" threshold inquiries about {askable}."
    )


@app.command()
def enable(
    merchant: Merchant,
    adapter: Annotated[str, typer.Argument(help="The adapter's key, see `gateway adapters list`.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Enable an adapter for a merchant, so that the merchant can request its decisions."""
    with container_for(database_url) as container:
        is_new = container.database.write(lambda unit: container.merchants.enable(unit, merchant, adapter))
        contract = container.database.read(lambda unit: container.merchants.require(unit, merchant).contract)
        currency = container.registry[adapter].policy.currency
        _warn_about_currency(contract.ceiling.currency, {adapter: currency})
    console.print(f"{adapter} {'is now' if is_new else 'was already'} enabled.")


def _warn_about_currency(currency: str, policies: Mapping[str, str | None]) -> None:
    """Prints a warning about the adapters whose policies have another currency than the contract: all requests for
    their decisions would fail."""
    other = {key: found for key, found in policies.items() if found is not None and found != currency}
    if other:
        words = ", ".join(f"{key} ({found})" for key, found in other.items())
        print_warning(f"The contract is in {currency}. These adapters decide in another currency: {words}.")


def _describe(container: Container, unit: UnitOfWork, merchant: MerchantRow) -> Record:
    partner = unit.partners.load(merchant.partner_id)
    contract = merchant.contract
    return {
        "id": merchant.id,
        "name": merchant.name,
        "partner": {"id": merchant.partner_id, "name": partner.name if partner else None},
        "created_at": merchant.created_at,
        "is_replaced": partner is not None and partner.retired_at is not None,
        "contract": {
            "ceiling": contract.ceiling,
            "consent_life": contract.consent_life,
            "askable_tiers": merchant.askable_tiers,
        },
        "adapters": [
            {"key": key, "is_loaded": key in container.registry}
            for key in unit.merchants.list_enabled_adapters(merchant.id)
        ],
        "products": container.merchants.list_products(unit, merchant.id),
    }


def _adapter_words(merchant: Record) -> str:
    words = (each["key"] if each["is_loaded"] else f"{each['key']} (not loaded)" for each in merchant["adapters"])
    return ", ".join(words) or "none"

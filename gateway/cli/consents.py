"""`gateway users consents`: the consents of a person."""

from typing import Annotated

import typer

from gateway.cli.console import PERSON_HELP, DatabaseUrl, container_for
from gateway.cli.output import AsJson, Record, print_list
from gateway.services.consents.service import ConsentOverview
from gateway.store.unit import UnitOfWork


def consents(
    person: Annotated[str, typer.Argument(help=PERSON_HELP)],
    as_json: AsJson = False,
    database_url: DatabaseUrl = None,
) -> None:
    """List the consents of a person, newest first, ended ones too.

    Times are those of the partner's clock. A person ends a consent on the account page; gateway users disable ends all.

    With --json: an array of objects with id, status, merchant_id, merchant, client_id, scopes, authorization_details,
    granted_at, expires_at and revoked_at."""
    with container_for(database_url) as container:

        def load(unit: UnitOfWork) -> tuple[ConsentOverview, ...]:
            return container.consents.list_of_user(unit, container.people.require(unit, person).id)

        overviews = container.database.read(load)
    print_list(
        [_describe(each) for each in overviews],
        {
            "consent": "id",
            "status": "status",
            "merchant": "merchant",
            "scopes": "scopes",
            "granted": "granted_at",
            "expires": "expires_at",
        },
        folded=("merchant", "scopes"),
        empty="The person has given no consent.",
        as_json=as_json,
    )


def _describe(overview: ConsentOverview) -> Record:
    consent = overview.consent
    return {
        "id": consent.id,
        "status": consent.status(overview.now),
        "merchant_id": consent.merchant_id,
        "merchant": overview.merchant_name,
        "client_id": consent.client_id,
        "scopes": consent.scopes,
        "authorization_details": [detail.document() for detail in consent.details],
        "granted_at": consent.granted_at,
        "expires_at": consent.expires_at,
        "revoked_at": consent.revoked_at,
    }

"""The query root. A query document is one unit of work: one snapshot, its accesses logged before it answers."""

from typing import Annotated

import strawberry

from gateway.domain.decisions.outcome import Approval
from gateway.domain.errors import InvalidInput
from schema.ask import DecisionAsk
from schema.context import Info
from schema.directives import resolved
from schema.errors import BadUserInput
from schema.reach import find
from schema.scalars import given
from schema.types.decision import Decision
from schema.types.merchant import Merchant
from schema.types.node import Node, looked_up, referred_to
from schema.types.outcome import DecisionOutcome, outcome_of
from schema.types.persona import SandboxPersona
from schema.types.reason import ReasonDefinition, catalogue
from schema.types.user import ConsentedUser
from schema.types.user_error import UserError, blockers, user_error
from schema.types.viewer import Viewer

MOST_NODES = 100
ANY_VALID_TOKEN = frozenset(
    {
        "viewer",  # tells a token about itself
        "merchant",  # the token's own; what lies below has scopes
        "consentedUser",  # pseudonymous, the token's own; score fields have scopes
        "node",  # a type's scopes are checked on what is found
        "nodes",  # the same
        "reasonCatalog",  # public documentation
    }
)
"""Root fields without scopes; a test fails for any other."""


@strawberry.input(one_of=True, description="Names one decision, in one of two ways.")
class DecisionLookup:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its global id.")
    merchant_reference: str | None = strawberry.field(
        default=strawberry.UNSET, description="Your own order or booking number."
    )


@strawberry.input(description="What would be asked for.")
class DecisionPreviewInput:
    ask: DecisionAsk = strawberry.field(description="What you would ask for.")
    purpose: str | None = strawberry.field(
        default=strawberry.UNSET, description="Purpose code; null means the adapter's own."
    )


@strawberry.type(description="What a request would probably return.")
class DecisionPreview:
    eligible: bool = strawberry.field(description="Whether it would be approved, in full or in part.")
    likely_outcome: DecisionOutcome | None = strawberry.field(
        description="Null when blockers is not empty, and when a person would have to decide."
    )
    blockers: list[UserError] = strawberry.field(
        description="Problems that would stop a real request, such as a product the consent does not cover."
    )


@strawberry.type(description="Everything that can be read.")
class Query:
    @resolved("Any object by global id; null if it does not exist or is not yours.")
    def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its global id.")],  # noqa: A002
    ) -> Node | None:
        return find(id, info.context)

    @resolved(
        f"Several objects by id, in the order asked; at most {MOST_NODES}. Null for each that does not exist or is not"
        " yours.",
        slicing=["ids"],
    )
    def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="Their global ids.")]
    ) -> list[Node | None]:
        if len(ids) > MOST_NODES:
            raise BadUserInput(f"At most {MOST_NODES} ids.")
        return [find(identifier, info.context) for identifier in ids]

    @resolved("Who this access token is: app, merchant, scopes, limits. Works with any valid token.")
    def viewer(self, info: Info) -> Viewer:
        return Viewer.of(info.context, info.context.container.merchants.own(info.context.query))

    @resolved("The merchant this token acts for.")
    def merchant(self, info: Info) -> Merchant:
        return Merchant.of(info.context.container.merchants.own(info.context.query))

    @resolved("The user who consented; null when the token is a merchant token bound to no user.")
    def consented_user(self, info: Info) -> ConsentedUser | None:
        consent = info.context.principal.consent
        return ConsentedUser.of(consent, info.context.query.now) if consent else None

    @resolved(
        "One decision by id or by your own reference; null if it is not yours.",
        scopes=["decisions:read", "decisions:request"],
    )
    def decision(
        self, info: Info, by: Annotated[DecisionLookup, strawberry.argument(description="Which one.")]
    ) -> Decision | None:
        container, query = info.context.container, info.context.query
        identifier = looked_up(by.id) if by.id else None
        reference = referred_to(by.merchant_reference) if by.merchant_reference else None
        found = container.decisions.find(query, identifier) if identifier else None
        if reference:
            found = container.decisions.find_by_reference(query, reference)
        return Decision.of(found) if found else None

    @resolved(
        "Dry run: what a request would probably return. Creates no decision and reserves nothing; it is written to the"
        " access log.",
        scopes=["decisions:preview"],
        cost=5,
    )
    def decision_preview(
        self,
        info: Info,
        input: Annotated[DecisionPreviewInput, strawberry.argument(description="What would be asked for.")],  # noqa: A002
    ) -> DecisionPreview | None:
        context = info.context
        try:
            ask = input.ask.read(context.container.registry)
        except InvalidInput as error:
            return DecisionPreview(eligible=False, likely_outcome=None, blockers=[user_error(error, context)])
        preview = context.container.decisions.preview(context.query, input.ask.member, ask, given(input.purpose))
        return DecisionPreview(
            eligible=isinstance(preview.outcome, Approval),
            likely_outcome=outcome_of(preview.outcome),
            blockers=blockers(preview.blockers, context),
        )

    @resolved("Every reason code this API version can return, with its meaning.", assumed_size=60)
    def reason_catalog(self) -> list[ReasonDefinition]:
        return catalogue()


@strawberry.type(name="Query", description="Everything that can be read.")
class SandboxQuery(Query):
    """What a sandbox publishes."""

    @resolved("The ready-made test users of this partner.", scopes=["sandbox"], assumed_size=30)
    def sandbox_personas(self, info: Info) -> list[SandboxPersona] | None:
        return [SandboxPersona.of(each) for each in info.context.container.personas.listed(info.context.query)]

"""The query root. A query document is one unit of work over one snapshot. Accesses are logged before it returns."""

from typing import Annotated

import strawberry

from gateway.domain.decisions.outcome import Approval
from gateway.domain.errors import InvalidInput
from gateway.store.sandbox.request_log import RequestFilter
from schema.ask import DecisionAsk
from schema.connection import DEFAULT_SIZE, After, Before, First, Last
from schema.context import Info
from schema.directives import listed, resolved
from schema.errors import BadUserInput
from schema.node_resolver import find_node
from schema.scalars import optional_text
from schema.types.decision import Decision
from schema.types.merchant import Merchant
from schema.types.node import Node, parse_id, parse_reference
from schema.types.outcome import DecisionOutcome, outcome_of
from schema.types.persona import SandboxPersona
from schema.types.reason import ReasonDefinition, reason_definitions
from schema.types.request_log import RequestLogConnection, RequestLogFilter, load_request_log
from schema.types.sandbox_clock import SandboxClock
from schema.types.user import ConsentedUser
from schema.types.user_error import UserError, blockers, user_error
from schema.types.viewer import Viewer

MAX_NODES = 100
ANY_VALID_TOKEN = frozenset(
    {
        "viewer",  # describes the token itself
        "merchant",  # the token's own; its fields have scopes
        "consentedUser",  # pseudonymous, and the token's own; score fields have scopes
        "node",  # the scopes of the returned type are checked
        "nodes",  # the same
        "reasonCatalog",  # public documentation
    }
)
"""Root fields without scopes. A test fails if another one has none."""

_RequestFilter = Annotated[
    RequestLogFilter | None, strawberry.argument(description="Which requests. Null: all of them.")
]
_QUERY = "Queries. All fields of one document read the same snapshot."


@strawberry.input(one_of=True, description="Identifies one decision: set exactly one member.")
class DecisionLookup:
    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Global id of the decision.")
    merchant_reference: str | None = strawberry.field(
        default=strawberry.UNSET, description="Your order or booking number, Decision.merchantReference."
    )


@strawberry.input(description="Input of decisionPreview.")
class DecisionPreviewInput:
    ask: DecisionAsk = strawberry.field(description="The product you would ask for, with its details.")
    purpose: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Purpose code that the consent covers. Null or absent: the default of the adapter.",
    )


@strawberry.type(description="Probable result of a request.")
class DecisionPreview:
    eligible: bool = strawberry.field(description="True if the request would be approved, in full or in part.")
    likely_outcome: DecisionOutcome | None = strawberry.field(
        description="Probable outcome. Null if blockers has entries, or if the request would go to manual review."
    )
    blockers: list[UserError] = listed(
        "Errors that a request would return, for example for a product that the consent does not cover.", 1
    )


@strawberry.type(description=_QUERY)
class Query:
    @resolved("Returns an object by global id. Null if it does not exist or is not yours.")
    def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Global id of the object.")],  # noqa: A002
    ) -> Node | None:
        return find_node(id, info.context)

    @resolved(
        f"Returns up to {MAX_NODES} objects by global id, in the order of `ids`. Null for an object that does not exist"
        " or is not yours.",
        slicing=["ids"],
    )
    def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Global ids of the objects.")],
    ) -> list[Node | None]:
        if len(ids) > MAX_NODES:
            raise BadUserInput(f"At most {MAX_NODES} ids.")
        return [find_node(identifier, info.context) for identifier in ids]

    @resolved("The access token of this request: its client, merchant and scopes. Works with any valid token.")
    def viewer(self, info: Info) -> Viewer:
        return Viewer.of(info.context)

    @resolved("The merchant that the token acts for.")
    def merchant(self, info: Info) -> Merchant:
        return Merchant.of(info.context.principal)

    @resolved("The user of a user token. Null for a merchant token.")
    def consented_user(self, info: Info) -> ConsentedUser | None:
        consent = info.context.principal.consent
        return ConsentedUser.of(consent, info.context.query.now) if consent else None

    @resolved(
        "Returns a decision by id or by your reference. Null if it does not exist or is not yours.",
        scopes=["decisions:read", "decisions:request"],
    )
    def decision(
        self,
        info: Info,
        by: Annotated[DecisionLookup, strawberry.argument(description="Id or reference of the decision.")],
    ) -> Decision | None:
        container, query = info.context.container, info.context.query
        identifier = parse_id(by.id) if by.id else None
        reference = parse_reference(by.merchant_reference) if by.merchant_reference else None
        decision = container.decisions.find(query, identifier) if identifier else None
        if reference:
            decision = container.decisions.find_by_reference(query, reference)
        return Decision.of(decision) if decision else None

    @resolved(
        "Dry run of decisionRequest: returns the probable outcome. Creates no decision and reserves nothing. Counts as"
        " an inquiry and is written to the access log.",
        scopes=["decisions:preview"],
        cost=10,
    )
    def decision_preview(
        self,
        info: Info,
        input: Annotated[DecisionPreviewInput, strawberry.argument(description="The request to try.")],  # noqa: A002
    ) -> DecisionPreview | None:
        context = info.context
        try:
            ask = input.ask.read(context.container.registry)
        except InvalidInput as error:
            return DecisionPreview(eligible=False, likely_outcome=None, blockers=[user_error(error, context)])
        preview = context.container.decisions.preview(
            context.query, input.ask.member, ask, optional_text(input.purpose)
        )
        return DecisionPreview(
            eligible=isinstance(preview.outcome, Approval),
            likely_outcome=outcome_of(preview.outcome),
            blockers=blockers(preview.blockers, context),
        )

    @resolved("All reason codes of this API version, with their meaning.", assumed_size=60)
    def reason_catalog(self) -> list[ReasonDefinition]:
        return reason_definitions()


@strawberry.type(name="Query", description=_QUERY)
class SandboxQuery(Query):
    """The query root of a sandbox."""

    @resolved("Test users of your partner account.", scopes=["sandbox"], assumed_size=30)
    def sandbox_personas(self, info: Info) -> list[SandboxPersona] | None:
        context = info.context
        return [SandboxPersona.of(each) for each in context.container.persona_outcomes.list_by_product(context.query)]

    @resolved("The business time of your partner account.", scopes=["sandbox"])
    def sandbox_clock(self, info: Info) -> SandboxClock | None:
        query, service = info.context.query, info.context.container.sandbox.clock
        return SandboxClock.of(query.read(lambda unit: service.read(unit, query.principal.partner_id)))

    @resolved(
        "GraphQL requests of the apps of your partner account, newest first, also those that failed. A request is there"
        " about half a second after its response. At most 5,000 are kept.",
        scopes=["sandbox"],
        slicing=["first", "last"],
        sized_fields=["edges", "nodes"],
        assumed_size=DEFAULT_SIZE,
    )
    def request_log(
        self,
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
        filter: _RequestFilter = strawberry.UNSET,  # noqa: A002
    ) -> RequestLogConnection | None:
        wanted = filter.read() if filter else RequestFilter()
        return load_request_log(info.context, first, after, last, before, wanted)

"""strawberry with types written in Python and its own ASGI application. With --tuned, parsed and validated documents
are kept, and JSON is written by orjson."""

from typing import Any

import orjson
import serving
import store
import strawberry
import strawberry_types as types
from starlette.requests import Request
from starlette.responses import Response
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

options = serving.arguments("--tuned")
units = store.Each(options.database)


@strawberry.type
class ConsentedUser(types.Node):
    caller: strawberry.Private[store.Caller]

    @strawberry.field
    def score_tier(self) -> types.ScoreTier | None:
        tier, rank = units.run_now(lambda connection: store.read_tier(connection, self.caller))
        return types.ScoreTier(tier=types.Tier[tier], rank=rank)


@strawberry.type
class Merchant(types.Node):
    name: str
    caller: strawberry.Private[store.Caller]

    @strawberry.field
    def decisions(self, first: int = 20) -> types.DecisionConnection | None:
        rows, more = store.read_page(units.connection, self.caller, first)
        end = f"cursor_{rows[-1].id}" if rows else None
        page = types.PageInfo(has_next_page=more, end_cursor=end)
        return types.DecisionConnection(nodes=[types.decision(row) for row in rows], page_info=page)


@strawberry.type
class Query:
    @strawberry.field
    def consented_user(self, info: strawberry.Info) -> ConsentedUser | None:
        caller = info.context["caller"]
        return None if caller.user is None else ConsentedUser(id=strawberry.ID(f"usr_{caller.user}"), caller=caller)

    @strawberry.field
    def merchant(self, info: strawberry.Info) -> Merchant:
        caller = info.context["caller"]
        return Merchant(id=strawberry.ID(f"mer_{caller.merchant}"), name="", caller=caller)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def decision_request(
        self,
        info: strawberry.Info,
        input: types.DecisionRequestInput,  # noqa: A002
    ) -> types.DecisionRequestPayload | None:
        request = {
            "idempotencyKey": input.idempotency_key,
            "merchantReference": input.merchant_reference,
            "ask": {"carRental": input.ask.car_rental.document()} if input.ask.car_rental else {},
        }
        caller = info.context["caller"]
        made, replayed, errors = units.run_now(lambda connection: store.decide(connection, caller, request))
        return types.DecisionRequestPayload(
            decision=None if made is None else types.decision(made),
            user_errors=[types.user_error(error) for error in errors],
            replayed=replayed,
        )


class Application(GraphQL[Any, Any]):
    """Checks the token before strawberry reads the request."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            caller = store.find_caller(units.connection, Request(scope).headers.get("authorization", ""))
        except store.Unauthorized:
            await Response(status_code=401)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await super().__call__(scope, receive, send)

    async def get_context(self, request: Any, response: Any) -> Any:
        return {"request": request, "response": response, "caller": request.state.caller}


class Tuned(Application):
    """Writes JSON with orjson."""

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    types=[types.InvalidInputError, types.IdempotencyError],
    config=StrawberryConfig(scalar_map=types.SCALARS),
    extensions=[ParserCache, ValidationCache] if options.tuned else [],
)
serving.serve((Tuned if options.tuned else Application)(schema), options.port)

"""Execution of documents, from text to response: synchronous, without strawberry's executor."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult, GraphQLError

from gateway.domain.fault import FaultKind
from gateway.domain.identity.principal import Principal
from gateway.kit.deadline import DeadlineExceeded
from gateway.kit.logging import logging_with
from gateway.kit.outage import Outage
from gateway.services.container import Container
from gateway.services.query_unit import QueryUnit
from schema.build import BuiltSchema
from schema.compiled.executor import OperationExecutor
from schema.compiled.reasons import Reason
from schema.context import Context
from schema.cost.budget import CostBudget, TooExpensive, build_pricer, field_costs
from schema.documents import Documents, PreparedDocument, Refused
from schema.errors import (
    BAD_REQUEST,
    BAD_USER_INPUT,
    DEADLINE_EXCEEDED,
    DOCUMENT_ID_REQUIRED,
    DOCUMENT_NOT_FOUND,
    NOT_READ_BACK,
    NOT_SUPPORTED,
    NOTHING_RECORDED,
    PERSISTED_QUERY_NOT_SUPPORTED,
    UNAVAILABLE,
    body,
    deadline_exceeded,
    field_error,
    is_of_root,
    plain,
    request_error,
    unavailable,
)
from schema.guard import read_limits
from schema.operations import choose_operation, list_operations, root_fields
from schema.trusted_documents import TrustedDocuments

ONLY_TRUSTED = (
    "This deployment executes registered documents only. Let the operator register the document, and send its"
    " identifier as documentId instead of query."
)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A GraphQL request: the text of a document or the identifier of a trusted one, its variables, and the name of the
    operation to run. `shows_field_costs` asks for the requested cost of each field, which only a sandbox returns.
    `is_persisted_query` is whether the identifier is sent as Apollo Client does: an unknown one then has the error that
    it knows."""

    document: str | None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    shows_field_costs: bool = False
    document_id: str | None = None
    is_persisted_query: bool = False


@dataclass(frozen=True, slots=True)
class Executed:
    """A GraphQL response. `ran` is False for a request error, and then `body` has no data. `unavailable` is True if
    nothing of the document ran because of an outage. `retry_after` is set if the client has too few points: the whole
    seconds to wait."""

    body: dict[str, Any]
    ran: bool
    unavailable: bool = False
    retry_after: int | None = None


class Engine:
    """Executes documents of one schema with the services of a container. Safe to use from any thread; a call blocks
    its thread until it returns. `observe` is that of ExecutionCounts."""

    def __init__(
        self, built: BuiltSchema, container: Container, observe: Callable[[Reason | None], None] | None = None
    ) -> None:
        settings = container.settings
        limits = read_limits(settings)
        self._schema, self._container = built.schema, container
        self.executor = OperationExecutor(built.schema, compiles=settings.query_compilation, observe=observe)
        self.documents = Documents(built.schema, limits)
        self.trusted = TrustedDocuments(built.schema, limits, container.documents)
        self._accepts_texts = not settings.trusted_documents_only
        self.costs = CostBudget(build_pricer(built), container.buckets, maximum=settings.query_maximum_cost)

    def one_snapshot(self) -> AbstractContextManager[None]:
        """Lets the token check and the documents in the block read one snapshot of the database."""
        return self._container.database.one_snapshot()

    def execute(self, request: GraphQLRequest, principal: Principal, request_id: str) -> Executed:
        """Returns the response to a request, after the request's accesses have been logged. Errors of documents and
        resolvers, and outages, are in the response. Raises any other error of the database."""
        try:
            return self._execute(request, principal, request_id)
        except Refused as refused:
            return _request_failed([request_error(error, refused.code) for error in refused.errors], request_id)

    def compile_trusted(self) -> None:
        """Parses, validates and compiles the trusted documents of all clients, the newest ones if there are more than
        the cache holds, so that their first requests take no longer than others. Raises DatabaseUnavailable."""
        for prepared in self.trusted.load_all():
            for operation in list_operations(self._schema, prepared.node):
                self.executor.compile(prepared, operation)

    def reads_sandbox_only(self, request: GraphQLRequest, principal: Principal) -> bool:
        """Whether the names of all root fields of a request begin with sandbox. False for a request that cannot be
        executed."""
        try:
            prepared = self._prepare(request, principal)
        except (Refused, Outage):
            return False
        operation = choose_operation(self._schema, prepared.node, request.operation_name)
        if isinstance(operation, str):
            return False
        return all(name.startswith("sandbox") for name in root_fields(prepared.node, operation))

    def _prepare(self, request: GraphQLRequest, principal: Principal) -> PreparedDocument:
        """Returns the document of a request. Raises Refused, and the outages of a reading unit of work."""
        if request.document_id is not None:
            try:
                return self.trusted.prepare(principal.client_id, request.document_id)
            except Refused as refused:
                if request.is_persisted_query and refused.code == DOCUMENT_NOT_FOUND:
                    raise Refused(PERSISTED_QUERY_NOT_SUPPORTED, [GraphQLError(NOT_SUPPORTED)]) from None
                raise
        if not self._accepts_texts:
            raise Refused(DOCUMENT_ID_REQUIRED, [GraphQLError(ONLY_TRUSTED)])
        return self.documents.prepare(request.document or "")

    def _execute(self, request: GraphQLRequest, principal: Principal, request_id: str) -> Executed:
        """Returns the response. Raises Refused."""
        try:
            prepared = self._prepare(request, principal)
        except Outage as outage:
            error = unavailable(outage, request_id, NOTHING_RECORDED)
            return Executed(body([error], request_id), ran=True, unavailable=True)
        if request.document_id is None:
            return self._execute_prepared(prepared, request, principal, request_id)
        with logging_with(document_id=request.document_id):  # only once it is known, because anybody can send any text
            return self._execute_prepared(prepared, request, principal, request_id)

    def _execute_prepared(
        self, prepared: PreparedDocument, request: GraphQLRequest, principal: Principal, request_id: str
    ) -> Executed:
        """Returns the response. Raises Refused."""
        operation = choose_operation(self._schema, prepared.node, request.operation_name)
        if isinstance(operation, str):
            return _request_failed([plain(BAD_REQUEST, operation)], request_id)
        # Before a score is fetched or an inquiry counted.
        variables = operation.coerce_variables(request.variables or {})
        if isinstance(variables, list):
            return _request_failed([request_error(error, BAD_USER_INPUT) for error in variables], request_id)

        price = self.costs.price(prepared, operation, variables.coerced)
        fields = field_costs(price) if request.shows_field_costs and self._container.shows_field_costs else None
        if principal.fault is not None and principal.fault.kind is FaultKind.THROTTLE:
            return _too_expensive(self.costs.throttle(price), fields, request_id)
        try:
            charge = self.costs.charge(price, principal.client_id)
        except TooExpensive as refused:
            return _too_expensive(refused, fields, request_id)
        except Outage as outage:
            error = unavailable(outage, request_id, NOTHING_RECORDED)
            return Executed(body([error], request_id), ran=True, unavailable=True)

        def run(query: QueryUnit) -> ExecutionResult:
            context = Context(
                principal,
                self._container,
                query,
                request_id,
                charge.status,
                None if operation.is_mutation else {},
            )
            result = self.executor.execute(prepared, operation, request.variables or {}, variables, context)
            if not is_mutation and deadline_exceeded(result.errors):
                raise DeadlineExceeded  # one error for the document, instead of one for each field that remained
            return result

        queries, is_mutation = self._container.queries, operation.is_mutation
        try:
            if is_mutation:
                result = queries.run_mutations(principal, run)
            else:
                result = queries.run_query(principal, operation.needs(price.names, principal.allowed), run)
        except Outage as outage:
            # Of mutations, only the access log of their payloads is written after they have run.
            error = unavailable(outage, request_id, NOT_READ_BACK if is_mutation else NOTHING_RECORDED)
            return Executed(body([error], request_id), ran=True, unavailable=not is_mutation)
        cost = charge.settle(result.data, failed=bool(result.errors))
        return _response(result, _with_fields(cost, fields), request_id, is_mutation=is_mutation)


def _response(result: ExecutionResult, cost: dict[str, Any], request_id: str, *, is_mutation: bool) -> Executed:
    response: dict[str, Any] = {"data": result.data, "extensions": {"requestId": request_id, "cost": cost}}
    if result.errors:
        response["errors"] = [field_error(error, request_id, of_mutation=is_mutation) for error in result.errors]
    return Executed(response, ran=True, unavailable=_nothing_ran(result, response, is_mutation=is_mutation))


def _nothing_ran(result: ExecutionResult, response: Mapping[str, Any], *, is_mutation: bool) -> bool:
    """Whether every root field is null because of an outage. A mutation whose payload could not be read has run."""
    codes = {error["extensions"]["code"] for error in response.get("errors", ())}
    if (
        not codes
        or codes - {UNAVAILABLE, DEADLINE_EXCEEDED}
        or any(value is not None for value in (result.data or {}).values())
    ):
        return False
    return not is_mutation or all(is_of_root(error.path) for error in result.errors or ())


def _too_expensive(refused: TooExpensive, fields: list[dict[str, Any]] | None, request_id: str) -> Executed:
    response = body([refused.error], request_id)
    response["extensions"]["cost"] = _with_fields(refused.extension, fields)
    return Executed(response, ran=False, retry_after=refused.retry_after)


def _with_fields(cost: dict[str, Any], fields: list[dict[str, Any]] | None) -> dict[str, Any]:
    return cost if fields is None else {**cost, "fields": fields}


def _request_failed(errors: list[dict[str, Any]], request_id: str) -> Executed:
    return Executed(body(errors, request_id), ran=False)

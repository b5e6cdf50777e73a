"""User errors: problems that a caller can fix, in payloads and previews."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import strawberry

from gateway.domain.decisions.transitions import Status, Transition
from gateway.domain.errors import (
    ConsentRefused,
    GatewayError,
    IdempotencyConflict,
    InvalidInput,
    NotFound,
    RateLimitReached,
    StateConflict,
    TooEarly,
    Unavailable,
)
from schema.context import Context
from schema.directives import listed
from schema.scalars import Url
from schema.types.consent import AuthorizationDetail, detail_of
from schema.types.user_error_code import UserErrorCode

T = TypeVar("T")

Fixable = (
    InvalidInput | NotFound | ConsentRefused | StateConflict | IdempotencyConflict | Unavailable | RateLimitReached
)
FIXABLE = (InvalidInput, NotFound, ConsentRefused, StateConflict, IdempotencyConflict, Unavailable, RateLimitReached)
"""Exceptions that become user errors. Every other exception fails the field."""


@strawberry.interface(
    description="A problem that you can fix. Select code, message and field; the concrete types have further fields."
)
class UserError:
    code: UserErrorCode = strawberry.field(
        description="Stable code for programs. New codes appear only in a new API version."
    )
    message: str = strawberry.field(description="Explanation for engineers, in English. The text can change.")
    field: list[str] | None = listed(
        'Path to the input field that caused the error, for example ["input", "ask", "carRental", "deposit"]. Null'
        " if no single field did.",
        5,
    )
    documentation: Url = strawberry.field(description="Page that explains the code and how to fix the problem.")


@strawberry.type(
    description="The input is not valid, or cannot be used now. Also the type of all codes without a type of their own."
)
class InvalidInputError(UserError):
    pass


@strawberry.type(description="The same input is possible later.")
class TooEarlyError(UserError):
    possible_from: datetime = strawberry.field(description="The earliest moment at which it is possible.")


@strawberry.type(description="An object in the input does not exist or is not yours.")
class NotFoundError(UserError):
    pass


@strawberry.type(description="The user's consent does not cover the request.")
class ConsentError(UserError):
    covered: list[AuthorizationDetail] = listed(
        "Permissions in the consent. Ask the user for a new consent with what is missing. Empty if the consent was"
        " revoked or has expired.",
        5,
    )


@strawberry.type(description="The decision's status or history does not allow the transition.")
class StateConflictError(UserError):
    current_status: Status = strawberry.field(description="Current status of the decision.")
    available_transitions: list[Transition] = listed("Transitions that you may make now.", 6)


@strawberry.type(description="The idempotency key was used before with another input or consent.")
class IdempotencyError(UserError):
    differing_fields: list[list[str]] = listed(
        "Paths of the input fields that differ from the first call with this key.", 10
    )


def user_error(error: Fixable, context: Context, prefix: Sequence[str] = ("input",)) -> UserError:
    """Returns the GraphQL form of an error. Its path begins with `prefix`, the name of the argument with the input."""
    code = UserErrorCode(error.code)
    path = None if error.field is None else [*prefix, *error.field]
    page = Url(context.documentation(code))
    match error:
        case TooEarly():
            return TooEarlyError(
                code=code,
                message=error.message,
                field=path,
                documentation=page,
                possible_from=error.possible_from,
            )
        case NotFound():
            return NotFoundError(code=code, message=error.message, field=path, documentation=page)
        case ConsentRefused():
            covered = [detail_of(detail) for detail in error.covered]
            return ConsentError(code=code, message=error.message, field=path, documentation=page, covered=covered)
        case StateConflict():
            return StateConflictError(
                code=code,
                message=error.message,
                field=path,
                documentation=page,
                current_status=error.status,
                available_transitions=list(error.transitions),
            )
        case IdempotencyConflict():
            differing = [[*prefix, *each] for each in error.differing]
            return IdempotencyError(
                code=code, message=error.message, field=path, documentation=page, differing_fields=differing
            )
        case _:
            return InvalidInputError(code=code, message=error.message, field=path, documentation=page)


def attempt(
    context: Context, work: Callable[[], T], prefix: Sequence[str] = ("input",)
) -> tuple[T | None, list[UserError]]:
    """Returns the result of the work of a mutation, or None and the error that the caller can fix. `prefix` is as for
    `user_error`."""
    try:
        return work(), []
    except FIXABLE as error:
        return None, [user_error(error, context, prefix)]


def blockers(errors: Sequence[GatewayError], context: Context) -> list[UserError]:
    """Returns the GraphQL form of a preview's blockers. Raises the first error that the caller cannot fix."""
    user_errors = []
    for error in errors:
        if not isinstance(error, FIXABLE):
            raise error
        user_errors.append(user_error(error, context))
    return user_errors

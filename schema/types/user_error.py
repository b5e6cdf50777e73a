"""Problems that a caller can fix, as they stand in payloads and previews."""

from collections.abc import Sequence

import strawberry

from gateway.domain.decisions.transitions import Status, Transition
from gateway.domain.errors import (
    ConsentRefused,
    GatewayError,
    IdempotencyConflict,
    InvalidInput,
    LimitReached,
    NotFound,
    StateConflict,
    Unavailable,
)
from schema.context import Context
from schema.scalars import Url
from schema.types.consent import AuthorizationDetail, detail_of
from schema.types.enums import UserErrorCode

Fixable = InvalidInput | NotFound | ConsentRefused | StateConflict | IdempotencyConflict | Unavailable | LimitReached
FIXABLE = (InvalidInput, NotFound, ConsentRefused, StateConflict, IdempotencyConflict, Unavailable, LimitReached)
"""What is told in userErrors; every other exception fails the field."""


@strawberry.interface(
    description="A problem the caller can fix. Select code, message and field; spread a concrete type for extra help."
)
class UserError:
    code: UserErrorCode = strawberry.field(
        description="Stable, for programs. New codes appear only in a new API version."
    )
    message: str = strawberry.field(description="For engineers, in English. Do not match on it.")
    field: list[str] | None = strawberry.field(
        description='Path into the input that caused it, for example ["input", "ask", "payLater", "amount"]; null if no'
        " single field did."
    )
    documentation: Url = strawberry.field(description="Page that explains this code and how to fix it.")


@strawberry.type(
    description="The input cannot be used as it is, or not now. Also stands for codes that no other type describes."
)
class InvalidInputError(UserError):
    pass


@strawberry.type(description="Something named in the input does not exist, or is not yours.")
class NotFoundError(UserError):
    pass


@strawberry.type(description="The user's consent does not cover this.")
class ConsentError(UserError):
    covered: list[AuthorizationDetail] = strawberry.field(
        description="What the consent covers, so that you can ask the user for the rest; empty if it was revoked or has"
        " expired."
    )


@strawberry.type(description="The decision's present status does not allow this.")
class StateConflictError(UserError):
    current_status: Status = strawberry.field(description="Where the decision stands.")
    available_transitions: list[Transition] = strawberry.field(description="What it allows instead.")


@strawberry.type(description="The idempotency key was used before for something else.")
class IdempotencyError(UserError):
    differing_fields: list[list[str]] = strawberry.field(
        description="The input paths that differ from the first use of this key."
    )


def user_error(error: Fixable, context: Context, prefix: Sequence[str] = ("input",)) -> UserError:
    """The GraphQL form of a refusal; paths are put below `prefix`, the argument that holds the input."""
    code = UserErrorCode(error.code)
    path = None if error.field is None else [*prefix, *error.field]
    page = Url(context.documentation(code))
    match error:
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


def blockers(errors: Sequence[GatewayError], context: Context) -> list[UserError]:
    """The GraphQL form of a preview's blockers. Raises the first error that is not the caller's to fix."""
    told = []
    for error in errors:
        if not isinstance(error, FIXABLE):
            raise error
        told.append(user_error(error, context))
    return told

"""The permission form, which the consent page and the device page share: what a merchant asks for, and the choice."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.consents.request import Choice, Request
from gateway.domain.errors import InvalidInput
from gateway.kit.clock import BusinessTime
from gateway.web.errors import PageError
from gateway.web.site.consent_parts import ConsentPart, describe_parts
from gateway.web.site.narrowing_form import NarrowingForm, describe_form
from gateway.web.texts import Texts, msgid

OTHER_PARTNER = msgid("Your account does not belong to this merchant's sandbox. Please sign out first.")
_NO_ANSWER = msgid("Please choose “Allow” or “Do not allow”.")


@dataclass(frozen=True, slots=True)
class Permission:
    """The form of site/permission.html. `name` is the signed-in person; `decides`: decisions are requested too;
    `action` is the address that takes the form; `fields` are its hidden fields; `return_to` is the address that the
    login page leads to after the person has signed out."""

    name: str
    merchant: str
    client: str
    purposes: tuple[str, ...]
    parts: tuple[ConsentPart, ...]
    form: NarrowingForm
    decides: bool
    action: str
    fields: Mapping[str, str]
    return_to: str


def describe_permission(
    texts: Texts,
    asked: Request,
    now: BusinessTime,
    choice: Choice,
    refused: InvalidInput | None,
    *,
    name: str,
    merchant: str,
    client: str,
    action: str,
    fields: Mapping[str, str],
    return_to: str,
) -> Permission:
    """The form in the person's language, with their choice in its fields, and the problem if it was refused. Durations
    count from `now`."""
    parts = describe_parts(texts, asked.scopes, asked.details, now)
    return Permission(
        name=name,
        merchant=merchant,
        client=client,
        purposes=tuple(dict.fromkeys(part.purpose for part in parts)),
        parts=parts,
        form=describe_form(texts, asked, now, choice, refused),
        decides=any(detail.type == "decision" for detail in asked.details),
        action=action,
        fields=fields,
        return_to=return_to,
    )


def read_answer(form: Mapping[str, str]) -> str:
    """The person's answer, "allow" or "deny". Raises PageError (400) for anything else."""
    answer = form.get("decision", "")
    if answer not in {"allow", "deny"}:
        raise PageError(400, _NO_ANSWER)
    return answer

"""The fields by which a person narrows a request: optional parts, ceilings, one duration.

`include_INDEX` ticks an optional part, `amount_INDEX` holds a ceiling in major units, `duration` an ISO 8601 text;
INDEX counts the details of the request from 0. A field that is absent leaves its part as it was asked, an optional
one out; one that was emptied is wrong.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.consent_request import AS_ASKED, Choice, Request
from gateway.domain.duration import format_duration
from gateway.domain.errors import InvalidInput
from gateway.web.texts import Texts, msgid

_FIELD = re.compile(r"(include|amount)_([0-9]|[1-9][0-9])", re.ASCII)
_TOO_MUCH = msgid("Please enter an amount above zero, and no more than %(amount)s.")
_PROBLEMS = {
    "include": msgid("Please tick at least one part, or do not allow it."),
    "duration": msgid("Please choose one of the times that are offered."),
    "form": msgid("What you sent does not fit this request. Please look at it again."),
}


@dataclass(frozen=True, slots=True)
class Length:
    """One duration to choose from."""

    value: str
    until: str
    length: str


@dataclass(frozen=True, slots=True)
class Filled:
    """How the fields of the page are filled in, and what is wrong with them: a sentence, and a field's name; both ""
    where all is well."""

    choice: Choice
    durations: tuple[Length, ...]
    problem: str = ""
    wrong: str = ""


def read(form: Mapping[str, str]) -> Choice:
    """The person's choice. Raises InvalidInput at ("form",) for a field with a name like ours that is none of them."""
    names = [name for name in form if name.startswith(("include_", "amount_"))]
    if not all(_FIELD.fullmatch(name) for name in names):
        raise InvalidInput("INVALID", "There is no such field.", ("form",))
    return sent(form)


def sent(form: Mapping[str, str]) -> Choice:
    """What `read` answers, without a look at whether there are such fields."""
    found: dict[str, dict[int, str]] = {"include": {}, "amount": {}}
    for name, value in form.items():
        field = _FIELD.fullmatch(name)
        if field is not None:
            found[field[1]][int(field[2])] = value.strip()
    return Choice(frozenset(found["include"]), found["amount"], form.get("duration"))


def fill(
    texts: Texts, asked: Request, start: datetime, choice: Choice = AS_ASKED, refused: InvalidInput | None = None
) -> Filled:
    """The fields as the person left them, at first as they were asked. Durations count from `start`."""
    durations = tuple(
        Length(format_duration(length), texts.until(start, length), texts.length(length)) for length in asked.durations
    )
    if refused is None:
        return Filled(choice, durations)
    kind, *index = refused.field or ("form",)
    ceiling = asked.details[int(index[0])].maximum_amount if kind == "amount" else None
    if ceiling is not None:
        problem = texts.gettext(_TOO_MUCH, amount=texts.money(ceiling))
        return Filled(choice, durations, problem, f"amount_{index[0]}")
    return Filled(choice, durations, texts.gettext(_PROBLEMS[kind]), kind)

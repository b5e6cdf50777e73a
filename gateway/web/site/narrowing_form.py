"""The form fields with which a person narrows a request: optional parts, maximum amounts, one duration.

`include_INDEX` ticks an optional part, `amount_INDEX` is a maximum amount in major units, `duration` an ISO 8601 text.
INDEX counts the details of the request from 0. If a field is absent, its part stays as it was requested, and an
optional part is excluded. An empty amount or duration is invalid.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.consents.request import AS_ASKED, Choice, Request
from gateway.domain.duration import format_duration
from gateway.domain.errors import InvalidInput
from gateway.web.texts import Texts, msgid

_FIELD = re.compile(r"(include|amount)_([0-9]|[1-9][0-9])", re.ASCII)
_AMOUNT_PROBLEM = msgid("Please enter an amount above zero, up to %(amount)s.")
_PROBLEMS = {
    "include": msgid("Please tick at least one item, or choose “Do not allow”."),
    "duration": msgid("Please choose a duration from the list."),
    "form": msgid("Your answer does not fit this request. Please check it again."),
}


@dataclass(frozen=True, slots=True)
class DurationOption:
    """One duration that the person can choose."""

    value: str
    until: str
    length: str


@dataclass(frozen=True, slots=True)
class NarrowingForm:
    """The fields with their values. `problem` is a sentence about the field named `invalid_field`; both are "" if the
    form is valid."""

    choice: Choice
    durations: tuple[DurationOption, ...]
    problem: str = ""
    invalid_field: str = ""


def read_choice(form: Mapping[str, str]) -> Choice:
    """The person's choice. Raises InvalidInput at ("form",) for an unknown include_ or amount_ field."""
    names = [name for name in form if name.startswith(("include_", "amount_"))]
    if not all(_FIELD.fullmatch(name) for name in names):
        raise InvalidInput("INVALID", "There is no such field.", ("form",))
    return read_known_fields(form)


def read_known_fields(form: Mapping[str, str]) -> Choice:
    """The choice that the known fields make. Unknown fields are ignored."""
    values: dict[str, dict[int, str]] = {"include": {}, "amount": {}}
    for name, value in form.items():
        field = _FIELD.fullmatch(name)
        if field is not None:
            values[field[1]][int(field[2])] = value.strip()
    return Choice(frozenset(values["include"]), values["amount"], form.get("duration"))


def list_entered(form: Mapping[str, str], *, ticks: bool = True) -> dict[str, str]:
    """The fields of the form that a person has entered. Without `ticks` those that include an optional part are left
    out."""
    fields = {name: value for name, value in form.items() if name == "duration" or _FIELD.fullmatch(name)}
    return {name: value for name, value in fields.items() if ticks or not name.startswith("include_")}


def describe_form(
    texts: Texts, asked: Request, start: datetime, choice: Choice = AS_ASKED, refused: InvalidInput | None = None
) -> NarrowingForm:
    """The form with the person's choice, which at first is what was requested. Durations count from `start`."""
    durations = tuple(
        DurationOption(format_duration(length), texts.until(start, length), texts.length(length))
        for length in asked.durations
    )
    if refused is None:
        return NarrowingForm(choice, durations)
    kind, *index = refused.field or ("form",)
    maximum = asked.details[int(index[0])].maximum_amount if kind == "amount" else None
    if maximum is not None:
        problem = texts.gettext(_AMOUNT_PROBLEM, amount=texts.money(maximum))
        return NarrowingForm(choice, durations, problem, f"amount_{index[0]}")
    return NarrowingForm(choice, durations, texts.gettext(_PROBLEMS[kind]), kind)

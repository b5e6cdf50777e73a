"""The fields of the what-if form. It is sent with GET, so its fields are in the address."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain.errors import InvalidInput
from gateway.domain.scoring.what_if import MOST_KEPT, WAITS, Choice, OpenObligation, Sharing, Situation
from gateway.web.pages.account.score.view import DIMENSIONS
from gateway.web.texts import Texts, msgid

_KEEP_NONE, _KEEP_SOME = msgid("no more"), msgid("%(n)s more")
_WAIT_NONE, _WAIT_SOME = msgid("do not wait"), msgid("%(n)s months")
_OBLIGATION = msgid("%(dimension)s, %(amount)s, due on %(date)s")
_YES = "yes"
STEPS = ("settle", "finish", "verify", "share", "miss")
"""The fields that are check boxes. The others, `keep` and `wait`, are lists of numbers."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a list."""

    value: int
    text: str
    is_selected: bool


@dataclass(frozen=True, slots=True)
class WhatIfForm:
    """The form with what the person has chosen. `settle` is the number of obligations that can be settled, `finish`
    those that can be finished, each with its merchant and a sentence. `kept_amount` is "" without an amount."""

    choice: Choice
    settle: int
    finish: tuple[tuple[str, str], ...]
    keep: tuple[Option, ...]
    kept_amount: str
    can_verify: bool
    sharing: Sharing
    wait: tuple[Option, ...]


def read_choice(fields: Mapping[str, str]) -> Choice:
    """The choice in these fields. Unknown fields are ignored. Raises InvalidInput for a value that cannot be chosen."""
    for name in STEPS:
        if fields.get(name, _YES) != _YES:
            raise InvalidInput("INVALID", "A step is chosen by the value yes.", (name,))
    chosen = {name: name in fields for name in STEPS}
    return Choice(**chosen, keep=_read_number(fields, "keep"), wait=_read_number(fields, "wait"))


def describe_form(texts: Texts, situation: Situation, choice: Choice) -> WhatIfForm:
    """The form in the person's language."""
    amount = situation.kept_amount
    return WhatIfForm(
        choice=choice,
        settle=len(situation.overdue) + len(situation.broken),
        finish=tuple((each.merchant_name, _describe_obligation(texts, each)) for each in situation.finishable),
        keep=tuple(
            Option(n, texts.gettext(_KEEP_SOME, n=n) if n else texts.gettext(_KEEP_NONE), n == choice.keep)
            for n in range(MOST_KEPT + 1)
        ),
        kept_amount=texts.money(amount) if amount is not None else "",
        can_verify=not situation.present.has_document,
        sharing=situation.sharing,
        wait=tuple(
            Option(n, texts.gettext(_WAIT_SOME, n=n) if n else texts.gettext(_WAIT_NONE), n == choice.wait)
            for n in WAITS
        ),
    )


def _describe_obligation(texts: Texts, obligation: OpenObligation) -> str:
    return texts.gettext(
        _OBLIGATION,
        dimension=texts.gettext(DIMENSIONS[obligation.dimension]),
        amount=texts.money(obligation.amount),
        date=texts.date(obligation.due_at),
    )


def _read_number(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name) or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= len("12")):
        raise InvalidInput("INVALID", "Must be one of the numbers in the list.", (name,))
    return int(text)

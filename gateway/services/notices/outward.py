"""What a way out of the gateway for notices must do. There are two: mail, and a hook of the operator."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.notices.notice import Notice
from gateway.services.notices.inbox import NamedNotice


@dataclass(frozen=True, slots=True)
class Recipient:
    """The person whom a notice informs. `external_id` is the operator's id of the person, `email` None for a person
    without an address."""

    user_id: str
    external_id: str | None
    email: str | None
    language: str


@dataclass(frozen=True, slots=True)
class LetterText:
    """The text of a notice in one language. `sentence` is about the event, `body` is the whole text of a mail, with
    `link`, the address of the inbox."""

    title: str
    sentence: str
    body: str
    link: str


LetterWriter = Callable[[NamedNotice, str], LetterText]
"""Returns the text of a notice in a language."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice with all that is sent of it."""

    notice: Notice
    merchant_name: str
    recipient: Recipient
    text: LetterText


class Refused(Exception):
    """The receiver will never accept this letter. `code` has no address and no text of the receiver."""

    def __init__(self, code: str) -> None:
        super().__init__(f"The letter was refused: {code}.")
        self.code = code


class Deferred(Exception):
    """The letter was not accepted now. `is_receiver` is False if the reason is about this letter only, so that another
    one can be accepted. `code` has no address and no text of the receiver."""

    def __init__(self, code: str, *, is_receiver: bool) -> None:
        super().__init__(f"The letter was not accepted now: {code}.")
        self.code, self.is_receiver = code, is_receiver


class Channel(Protocol):
    """An open connection to the receiver."""

    def send(self, letter: Letter) -> None:
        """Returns when the receiver has accepted the letter. Raises Refused and Deferred."""


class Outward(Protocol):
    """A way out. `name` is its name in the log. `needs_address`: it sends to persons with an email address only."""

    @property
    def name(self) -> str: ...

    @property
    def needs_address(self) -> bool: ...

    def connect(self) -> AbstractContextManager[Channel]:
        """Opens a connection, on which several letters can be sent. Raises Deferred."""

"""Notices as signed JSON to a URL of the operator, who informs the person."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.kit import json
from gateway.kit.clock import WallClock, rfc3339
from gateway.kit.http import HttpClient
from gateway.kit.http_address import Unreachable
from gateway.kit.ids import noun_of
from gateway.kit.webhook_signatures import sign
from gateway.services.notices.outward import Deferred, Letter, Refused

TIMEOUT = 15.0
"""How many seconds a request may take."""

_LARGEST_RESPONSE = 64 * 1024
_NEVER = 422
_SUBJECTS = {"con": "consent", "dec": "decision"}


class HookOutward:
    """Sends each letter as a POST that is signed as Standard Webhooks says. Each has the id of its notice, equal each
    time it is sent."""

    name, needs_address = "notice hook", False

    def __init__(self, http: HttpClient, url: str, secret: str, environment: str, clock: WallClock) -> None:
        self._http, self._url, self._secret = http, url, secret
        self._environment, self._clock = environment, clock

    @contextmanager
    def connect(self) -> Iterator["HookOutward"]:
        """Returns this object: each request has its own connection."""
        yield self

    def send(self, letter: Letter) -> None:
        """Returns when the hook has responded with a status from 200 to 299. Raises Refused for 422, and Deferred for
        any other."""
        body = json.encode(self._document(letter))
        headers = sign([self._secret], letter.notice.id, self._clock(), body)
        try:
            response = self._http.post(
                self._url,
                body,
                timeout=TIMEOUT,
                max_bytes=_LARGEST_RESPONSE,
                headers={**headers, "content-type": "application/json"},
            )
        except Unreachable as unreachable:
            raise Deferred(unreachable.reason, is_receiver=True) from None
        if response.status == _NEVER:
            raise Refused(str(response.status))
        if not 200 <= response.status < 300:
            raise Deferred(str(response.status), is_receiver=True)

    def _document(self, letter: Letter) -> dict[str, Any]:
        notice, person, text = letter.notice, letter.recipient, letter.text
        return {
            "type": f"notice.{notice.kind.lower()}",
            "id": notice.id,
            "timestamp": rfc3339(notice.created_at),
            "environment": self._environment,
            "person": {
                "id": person.user_id,
                "externalId": person.external_id,
                "email": person.email,
                "language": person.language,
            },
            "merchant": {"id": notice.merchant_id, "name": letter.merchant_name} if notice.merchant_id else None,
            "subject": _subject(notice.subject_id),
            "product": notice.product,
            "title": text.title,
            "text": text.sentence,
            "link": text.link,
        }


def _subject(subject_id: str | None) -> dict[str, str] | None:
    if subject_id is None:
        return None
    return {"type": _SUBJECTS.get(noun_of(subject_id), "record"), "id": subject_id}

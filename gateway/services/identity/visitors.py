"""The sessions of visitors who have not signed in. They are in a signed cookie and not in the database, so that
visits write nothing."""

import hmac
import secrets
from datetime import timedelta

from gateway.kit.clock import WallTime
from gateway.kit.crypto import base64url, derive
from gateway.services.identity.accounts import BrowserSession, csrf_token

_MARK = "visitor"


class VisitorCookies:
    """Makes and verifies the cookies of visitors: a random number, the second in which it was made, and an HMAC over
    both. A visitor's session is for the CSRF token of the login form only."""

    def __init__(self, key: bytes, life: timedelta) -> None:
        self._key, self._life = key, life

    def new(self, now: WallTime) -> BrowserSession:
        """A session for a new visitor."""
        content = f"{_MARK}.{base64url(secrets.token_bytes(16))}.{int(now.timestamp())}"
        return self._session(f"{content}.{self._proof(content)}")

    def find(self, cookie: str, now: WallTime) -> BrowserSession | None:
        """The session in the cookie. None if this is not a visitor's cookie, or it has expired."""
        content, _, proof = cookie.rpartition(".")
        if not cookie.isascii() or not hmac.compare_digest(proof, self._proof(content)):
            return None
        mark, _, made_at = content.split(".")
        expired = now.timestamp() >= int(made_at) + self._life.total_seconds()
        return None if mark != _MARK or expired else self._session(cookie)

    def _session(self, cookie: str) -> BrowserSession:
        return BrowserSession(cookie, csrf_token(cookie), None)

    def _proof(self, content: str) -> str:
        return base64url(derive(self._key, content))

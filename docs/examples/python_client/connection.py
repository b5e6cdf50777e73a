"""The connection of the generated client to Sesame Gateway: it renews tokens, repeats calls, and raises one error."""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

ATTEMPTS, LONGEST_WAIT = 3, 5.0


class GatewayError(Exception):
    """The gateway did not do what we asked for. `code` is for programs: the one of a user error, or that in the
    `extensions` of an error of the whole request. `field` is the path of the input that a user error is about."""

    def __init__(self, code: str, message: str, field: list[str] | None = None) -> None:
        super().__init__(message)
        self.code, self.field = code, field or []


class Connection:
    """Sends the calls of the generated client, as its `http_client`, with the tokens of a session. `renew` gets new
    tokens: by the refresh token, or by the client's own secret."""

    def __init__(self, session: OAuth2Client, renew: Callable[[OAuth2Client], object]) -> None:
        self.session, self.renew, self.lock = session, renew, threading.Lock()

    def post(
        self, url: Any, json: Any = None, data: Any = None, files: Any = None, headers: Any = None, **others: Any
    ) -> httpx2.Response:
        """Returns the response to a call without errors. Raises GatewayError."""
        call = {"json": json, "data": data, "files": files, "headers": headers, **others}
        used = self.session.token["access_token"]
        response = self._send(url, call)
        if response.status_code == 401:
            self._renew_token(used)
            response = self._send(url, call)
        for error in response.json().get("errors", ()):
            raise GatewayError(error["extensions"]["code"], error["message"])
        return response

    def close(self) -> None:
        self.session.close()

    def _send(self, url: str, call: dict[str, Any]) -> httpx2.Response:
        """Posts a call until there is a response, each time with the same body, so with the same idempotency key."""
        for attempt in range(1, ATTEMPTS + 1):
            seconds = 0.5
            try:
                response: httpx2.Response = self.session.post(url, **call)
                if response.status_code < 500 and response.status_code != 429:
                    return response
                seconds = min(float(response.headers.get("retry-after", seconds)), LONGEST_WAIT)
            except httpx2.TransportError as error:  # the call may have been executed
                print(f"No answer to attempt {attempt}: {error}", file=sys.stderr)
            except OAuthError as error:  # Authlib refreshes a token that is about to end, and could not
                raise GatewayError("UNAUTHENTICATED", str(error)) from error
            if attempt < ATTEMPTS:
                time.sleep(seconds)
        raise GatewayError("UNAVAILABLE", f"{ATTEMPTS} attempts failed")

    def _renew_token(self, used: str) -> None:
        """Renews the token, unless another thread has done so: a refresh token of the profile baseline works once."""
        with self.lock:
            if self.session.token["access_token"] == used:
                try:
                    self.renew(self.session)
                except (OAuthError, httpx2.HTTPError) as error:
                    raise GatewayError("UNAUTHENTICATED", f"The consent has ended: {error}") from error

"""What a person has entered in a form, kept in their browser while they sign in or change the language."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from gateway.kit.crypto import SealBroken, base64url, seal, unseal
from gateway.services.container import Container

LIFE = timedelta(minutes=10)
"""As long as a person has to decide."""
_LONGEST = 3500
"""Characters of the cookie. Browsers refuse cookies of more than 4096 bytes. A longer form is not kept."""


class KeptForms:
    """Keeps the fields of one form in a sealed cookie: they do not appear in an address, and nobody else can choose
    them for the person. A cookie that cannot be opened counts as absent."""

    def __init__(self, container: Container) -> None:
        self._key = container.secrets.derive("kept form")
        self._secure = container.settings.issuer.startswith("https")
        self._name = f"{'__Host-' if self._secure else ''}sesame_form"

    def keep(self, response: Response, form: str, user_id: str | None, fields: Mapping[str, str]) -> None:
        """Keeps the fields of this form for this user, or for everybody in this browser if `user_id` is None."""
        text = json.dumps(dict(fields), ensure_ascii=False)
        sealed = base64url(seal(self._key, text.encode(), _context(form, user_id)))
        if len(sealed) > _LONGEST:
            return
        response.set_cookie(
            self._name,
            sealed,
            max_age=int(LIFE.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def load(self, request: Request, form: str, user_id: str) -> dict[str, str]:
        """The fields that are kept for this form, for this user or for everybody in this browser; empty if there are
        none."""
        text = request.cookies.get(self._name, "")
        return self._unseal(text, form, user_id) or self._unseal(text, form, None)

    def forget(self, response: Response) -> None:
        """Deletes the cookie."""
        response.delete_cookie(self._name, path="/", secure=self._secure, httponly=True, samesite="lax")

    def _unseal(self, text: str, form: str, user_id: str | None) -> dict[str, str]:
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            fields: dict[str, str] = json.loads(unseal(self._key, sealed, _context(form, user_id)))
        except (SealBroken, binascii.Error, ValueError):
            return {}
        return fields


def _context(form: str, user_id: str | None) -> bytes:
    return json.dumps([form, user_id]).encode()

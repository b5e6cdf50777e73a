"""Proof Key for Code Exchange (RFC 7636). Every client must use it, with S256."""

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge

METHOD = "S256"


class S256(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """Refuses three things that Authlib's extension allows: the method `plain`, a challenge without a method, and a
    confidential client without a challenge."""

    SUPPORTED_CODE_CHALLENGE_METHOD = [METHOD]  # noqa: RUF012  # the base class declares it so

    def validate_code_challenge(self, grant: Any, redirect_uri: Any) -> None:
        """Raises InvalidRequestError unless the request has an S256 challenge (RFC 7636 section 4.4.1)."""
        data = grant.request.payload.data
        if "code_challenge" not in data or data.get("code_challenge_method") != METHOD:
            raise InvalidRequestError("A code_challenge with code_challenge_method=S256 is required.")
        if len(data["code_challenge"]) != 43:  # base64url of 32 bytes
            raise InvalidRequestError("The code_challenge is not the base64url of a SHA-256 digest.")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        """Raises InvalidGrantError for a verifier that is missing, malformed or wrong (RFC 7636 section 4.6)."""
        try:
            super().validate_code_verifier(grant, result)
        except InvalidRequestError:
            raise InvalidGrantError("The code_verifier is missing or malformed.") from None

    def get_authorization_code_challenge_method(self, authorization_code: Any) -> str:
        return METHOD

"""OAuth clients: profiles, grant types and the rule for redirect URIs (RFC 6749 section 2)."""

from urllib.parse import urlsplit

BASELINE, FAPI2 = "baseline", "fapi2"
"""The client profiles. A baseline client has a secret and bearer tokens; a fapi2 client has a key of its own and tokens
bound to a key."""

AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS = "authorization_code", "refresh_token", "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES = (AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS, DEVICE_CODE)
WITHOUT_BROWSER = (CLIENT_CREDENTIALS, DEVICE_CODE)
"""The grant types that need no redirect URI."""

REDIRECT_URI_RULE = "A redirect URI is https (or http on 127.0.0.1), absolute, without fragment, user or wildcard."
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NEVER_IN_A_URI = set(' "#<>\\^`{|}*')


def is_redirect_uri(uri: str) -> bool:
    """Whether a redirect URI may be registered: absolute https without a fragment, or http on loopback for programs on
    the partner's own machine (RFC 9700 section 2.1). Wildcards are not allowed, because it is compared exactly."""
    if not uri.isascii() or not uri.isprintable() or set(uri) & _NEVER_IN_A_URI:  # urlsplit silently drops line ends
        return False
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:  # an unclosed bracket, or a port that is not a number
        return False
    allowed = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return allowed and bool(host) and port != 0 and "@" not in parts.netloc

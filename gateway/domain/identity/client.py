"""OAuth clients: profiles and grant types (RFC 6749 section 2)."""

BASELINE, FAPI2 = "baseline", "fapi2"
"""The client profiles. A baseline client has a secret and bearer tokens; a fapi2 client has a key of its own and tokens
bound to a key."""

AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS = "authorization_code", "refresh_token", "client_credentials"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES = (AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS, DEVICE_CODE)
WITHOUT_BROWSER = (CLIENT_CREDENTIALS, DEVICE_CODE)
"""The grant types that need no redirect URI."""

"""Rules for mutations: the ends of tokens and codes, and the locks under which they are issued and ended."""

from collections.abc import Sequence

from tests.oauth.mutation_rules import CODE, Group
from tests.oauth.mutation_token_rules import REFRESH

REVOCATION, ENDINGS = "tests/oauth/test_revocation.py", "tests/oauth/test_endings.py"

RULES: Sequence[Group] = (
    (
        "gateway/oauth/endpoints/revocation.py",
        (REVOCATION,),
        (
            (57, "revocation by another client", "if row is not None and row.client_id != client.id:", "if False:"),
            (58, "a refresh token is not revoked", "endings.end_family(token.consent_id, token.family, now)", "pass"),
        ),
    ),
    (
        "gateway/store/oauth/endings.py",
        (REVOCATION, ENDINGS),
        (
            (
                58,
                "revocation leaves the family",
                '_END_FAMILY = tuple(_with(statement, "family") for statement in (_CODES, *_TOKENS))',
                '_END_FAMILY = tuple(_with(statement, "family") for statement in (_CODES, _TOKENS[0]))',
            ),
            (
                58,
                "a family ends without the lock",
                "self._execute(_LOCK_CONSENT, wanted=consent_id)\n        self._run_all(_END_FAMILY, family, now)",
                "self._run_all(_END_FAMILY, family, now)",
            ),
            (
                58,
                "a replaced grant keeps its waiting code",
                '_END_CONSENT = tuple(_with(statement, "consent_id") for statement in (_CODES, *_TOKENS))',
                '_END_CONSENT = tuple(_with(statement, "consent_id") for statement in _TOKENS)',
            ),
        ),
    ),
    (
        "gateway/store/oauth/requests.py",
        (CODE,),
        (
            (
                39,
                "code of another client",
                'AUTHORIZATION_CODES.c.client_id == bindparam("client_id")',
                'bindparam("client_id") != ""',
            ),
        ),
    ),
    (
        "gateway/store/oauth/tokens.py",
        (REFRESH,),
        (
            (
                51,
                "refresh by another client",
                'REFRESH_TOKENS.c.client_id == bindparam("client_id")',
                'bindparam("client_id") != ""',
            ),
        ),
    ),
)

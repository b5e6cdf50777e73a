"""Single rules, broken one at a time: of codes, tokens, the device grant and registration."""

from collections.abc import Sequence

from tests.oauth.mutation_proof_rules import API
from tests.oauth.mutation_rules import CODE, DPOP, Group

RACES = "tests/oauth/test_races.py"
REFRESH, REFRESH_FAPI2 = "tests/oauth/test_refresh.py", "tests/oauth/test_refresh_fapi2.py"
REVOCATION, INTROSPECTION, GRANTS = (
    f"tests/oauth/test_{name}.py" for name in ("revocation", "introspection", "grant_management")
)
DEVICE, DEVICE_CODE = "tests/oauth/test_device_authorization.py", "tests/oauth/test_device_code.py"
REGISTRATION, MANAGEMENT = "tests/oauth/test_registration.py", "tests/oauth/test_registration_management.py"

RULES: Sequence[Group] = (
    (
        "gateway/oauth/authorization_code.py",
        (CODE, *DPOP),
        (
            (
                36,
                "a replay ends nothing",
                "oauth_tokens.revoke_all(self.server.session, row.consent_id, self.server.wall)",
                "pass",
            ),
            (36, "used code found", "if row.used_at is not None:", "if False:"),
            (
                36,
                "code redeemed twice",
                "if not oauth_requests.use_code(session, row.digest, self.server.wall):",
                "if False:",
            ),
            (
                37,
                "code of any age",
                "return AuthorizationCode(row) if self.server.wall < row.expires_at else None",
                "return AuthorizationCode(row)",
            ),
            (39, "code of another client", "if row is None or row.client_id != client.id:", "if row is None:"),
            (39, "another redirect_uri", "return self.row.redirect_uri", 'return ""'),
            (
                50,
                "code bound to another key",
                "if row.dpop_jkt is not None and (proof is None or proof.jkt != row.dpop_jkt):",
                "if False:",
            ),
        ),
    ),
    (
        "gateway/oauth/endpoints.py",
        (CODE, REFRESH),
        (
            (
                36,
                "refusal rolled back",
                "done = guarded(server, request, lambda: answer(server, request))",
                "done = guarded(server, request, lambda: answer(server, request))"
                "\n                if done.status >= 400:\n                    session.rollback()",
            ),
        ),
    ),
    (
        "gateway/store/oauth_requests.py",
        (CODE, RACES),
        (
            (
                40,
                "code redeemed by two at once",
                ".where(col(AuthorizationCodeRow.digest) == digest, col(AuthorizationCodeRow.used_at).is_(None))",
                ".where(col(AuthorizationCodeRow.digest) == digest)",
            ),
        ),
    ),
    (
        "gateway/oauth/issuing.py",
        (*DPOP, CODE, REFRESH, REFRESH_FAPI2, *API),
        (
            (43, "token type Bearer", '"token_type": "DPoP" if proof else "Bearer"', '"token_type": "Bearer"'),
            (
                43,
                "long life",
                "return Policy(settings.access_token_life, rotates=False)",
                "return Policy(settings.baseline_token_life, rotates=False)",
            ),
            (
                43,
                "token outlives its consent",
                "expires_at = min(ends, consent.expires_at) if consent else ends",
                "expires_at = ends",
            ),
            (
                52,
                "fapi2 rotates",
                "return Policy(settings.access_token_life, rotates=False)",
                "return Policy(settings.access_token_life, rotates=True)",
            ),
            (
                53,
                "baseline does not rotate",
                "return Policy(settings.baseline_token_life, rotates=True)",
                "return Policy(settings.baseline_token_life, rotates=False)",
            ),
            (63, "token not bound", "jkt=proof.jkt if proof else None", "jkt=None"),
        ),
    ),
    (
        "gateway/oauth/refresh_token.py",
        (REFRESH, REFRESH_FAPI2),
        (
            (51, "refresh by another client", "if row is None or row.client_id != client.id:", "if row is None:"),
            (
                53,
                "reuse after the window",
                "if not unused or self.server.wall > row.used_at + RETRY_WINDOW:",
                "if not unused:",
            ),
            (
                53,
                "reuse of an old token",
                "if not unused or self.server.wall > row.used_at + RETRY_WINDOW:",
                "if self.server.wall > row.used_at + RETRY_WINDOW:",
            ),
            (
                53,
                "reuse leaves the family",
                "oauth_tokens.revoke_family(self.server.session, row.family, self.server.wall)",
                "pass",
            ),
            (54, "wider scope", "if not left or any(name not in held for name in asked):", "if not left:"),
            (
                54,
                "narrowing ignored",
                "return tuple(name for name in SCOPES if name in asked) or left",
                "return left",
            ),
            (56, "refresh token of any age", "if now >= row.expires_at:", "if False:"),
        ),
    ),
    (
        "gateway/oauth/living.py",
        (REFRESH, REFRESH_FAPI2, CODE),
        (
            (
                56,
                "consent that has ended",
                "if consent is None or consent.status(now) is not ConsentStatus.ACTIVE:",
                "if consent is None:",
            ),
            (56, "person who is locked out", "if user is None or user.disabled_at is not None:", "if user is None:"),
        ),
    ),
    (
        "gateway/oauth/revocation.py",
        (REVOCATION,),
        (
            (57, "revocation by another client", "if row is not None and row.client_id != client.id:", "if False:"),
            (
                58,
                "revocation leaves the family",
                "oauth_tokens.revoke_family(session, token.family, wall)",
                "token.revoked_at = wall",
            ),
        ),
    ),
    (
        "gateway/oauth/introspection.py",
        (INTROSPECTION,),
        (
            (
                59,
                "access token of another client",
                "return self._access_token(bearer) if bearer.client.id == client.id else None",
                "return self._access_token(bearer)",
            ),
            (
                59,
                "refresh token of another client",
                "if refresh and refresh.client_id == client.id else None",
                "if refresh else None",
            ),
            (59, "no cnf", "if token.jkt is not None:", "if False:"),
        ),
    ),
    (
        "gateway/oauth/grant_management.py",
        (GRANTS,),
        (
            (
                60,
                "grant of another client",
                "if consent is None or consent.client_id != principal.client_id:",
                "if consent is None:",
            ),
            (60, "no scope for grants", "if needed not in principal.allowed:", "if False:"),
        ),
    ),
    (
        "gateway/oauth/client_credentials.py",
        ("tests/oauth/test_client_credentials.py",),
        (
            (
                66,
                "user scopes for a merchant token",
                "if any(name not in offered or name not in client.allowed for",
                "if any(name not in client.allowed for",
            ),
        ),
    ),
    (
        "gateway/oauth/device_authorization.py",
        (DEVICE, DEVICE_CODE),
        ((68, "device grant for any client", "if not client.check_grant_type(DEVICE_CODE):", "if False:"),),
    ),
    (
        "gateway/oauth/device_code.py",
        (DEVICE_CODE, DEVICE),
        (
            (69, "device code redeemed twice", "if not device_codes.use(session, row.digest, wall):", "if False:"),
            (69, "device code of any age", "if wall >= row.expires_at:", "if False:"),
            (
                69,
                "polling without a pause",
                "if row.polled_at is None or at >= row.polled_at + interval - TOLERANCE:",
                "if True:",
            ),
            (69, "never slower", "interval += SLOW_DOWN", "pass"),
            (70, "device code of another client", "if row is None or row.client_id != client.id:", "if row is None:"),
        ),
    ),
    (
        "gateway/store/initial_access_tokens.py",
        ("tests/store/test_initial_access_tokens.py", REGISTRATION),
        (
            (71, "initial token used twice", "col(table.used_at).is_(None), ", ""),
            (71, "initial token of any age", ", col(table.expires_at) > now)", ")"),
        ),
    ),
    (
        "gateway/services/registration.py",
        (MANAGEMENT, REGISTRATION),
        (
            (
                72,
                "registration token of another client",
                "return row if expected and right else None",
                "return row if expected else None",
            ),
        ),
    ),
)

"""Rules for mutations: codes, tokens, the device grant and registration."""

from collections.abc import Sequence

from tests.oauth.mutation_proof_rules import API
from tests.oauth.mutation_rules import CODE, DPOP, Group

RACES = "tests/oauth/test_races.py"
REFRESH, REFRESH_FAPI2 = "tests/oauth/test_refresh.py", "tests/oauth/test_refresh_fapi2.py"
INTROSPECTION, GRANTS = "tests/oauth/test_introspection.py", "tests/oauth/test_grant_management.py"
DEVICE, DEVICE_CODE = "tests/oauth/test_device_authorization.py", "tests/oauth/test_device_code.py"
REGISTRATION, MANAGEMENT = "tests/oauth/test_registration.py", "tests/oauth/test_registration_management.py"

RULES: Sequence[Group] = (
    (
        "gateway/oauth/grants/authorization_code.py",
        (CODE, *DPOP),
        (
            (
                36,
                "a replay ends nothing",
                "unit.endings.end_family(row.consent_id, row.family, unit.wall)",
                "pass",
            ),
            (36, "used code found", "if row.used_at is not None:", "if False:"),
            (
                37,
                "code of any age",
                "return AuthorizationCode(row) if row.is_open(unit.wall) else None",
                "return AuthorizationCode(row)",
            ),
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
        "gateway/oauth/endpoints/client_endpoints.py",
        (CODE, REFRESH, *DPOP),
        (
            (
                36,
                "refusal rolled back",
                "            return catch_errors(server, request, lambda: server.create_token_response(request))",
                "            done = catch_errors(server, request, lambda: server.create_token_response(request))"
                "\n            if done.status >= 400:\n                unit.connection.rollback()"
                "\n            return done",
            ),
            (45, "no nonce at the token endpoint", "nonce_required = name == TOKEN", "nonce_required = False"),
        ),
    ),
    (
        "gateway/store/oauth/requests.py",
        (CODE, RACES),
        (
            (
                40,
                "code redeemed by two at once",
                ".with_for_update(of=CONSENTS)",
                "",
            ),
        ),
    ),
    (
        "gateway/oauth/tokens.py",
        (*DPOP, CODE, REFRESH, REFRESH_FAPI2, *API),
        (
            (43, "token type Bearer", '"token_type": "DPoP" if proof else "Bearer"', '"token_type": "Bearer"'),
            (63, "token not bound", "jkt=proof.jkt if proof else None", "jkt=None"),
        ),
    ),
    (
        "gateway/services/identity/access_tokens.py",
        (*DPOP, CODE, REFRESH, REFRESH_FAPI2, *API),
        (
            (
                43,
                "long life",
                "return TokenPolicy(settings.access_token_life, rotates=False)",
                "return TokenPolicy(settings.baseline_token_life, rotates=False)",
            ),
            (
                43,
                "token outlives its consent",
                "expires_at = end_with_consent(unit, ends, consent) if consent else ends",
                "expires_at = ends",
            ),
            (
                56,
                "consent's end taken for wall time",
                "remaining = consent.expires_at - unit.business_time(consent.merchant_id)",
                "remaining = consent.expires_at - unit.wall",
            ),
            (
                52,
                "fapi2 rotates",
                "return TokenPolicy(settings.access_token_life, rotates=False)",
                "return TokenPolicy(settings.access_token_life, rotates=True)",
            ),
            (
                53,
                "baseline does not rotate",
                "return TokenPolicy(settings.baseline_token_life, rotates=True)",
                "return TokenPolicy(settings.baseline_token_life, rotates=False)",
            ),
        ),
    ),
    (
        "gateway/oauth/grants/refresh_token.py",
        (REFRESH, REFRESH_FAPI2),
        (
            (
                53,
                "reuse after the window",
                "if not unused or self.server.unit.wall > row.used_at + RETRY_WINDOW:",
                "if not unused:",
            ),
            (
                53,
                "reuse of an old token",
                "if not unused or self.server.unit.wall > row.used_at + RETRY_WINDOW:",
                "if self.server.unit.wall > row.used_at + RETRY_WINDOW:",
            ),
            (
                53,
                "reuse leaves the family",
                "self.server.unit.endings.end_family(row.consent_id, row.family, self.server.unit.wall)",
                "pass",
            ),
            (54, "wider scope", "if any(name not in allowed for name in requested):", "if False:"),
            (
                54,
                "narrowing ignored",
                "return tuple(name for name in SCOPES if name in requested) or granted",
                "return granted",
            ),
            (56, "refresh token of any age", "if unit.wall >= row.expires_at:", "if False:"),
        ),
    ),
    (
        "gateway/oauth/consent_check.py",
        (REFRESH, REFRESH_FAPI2, CODE),
        (
            (
                56,
                "consent that has ended",
                "has_ended = consent.status(unit.business_time(consent.merchant_id)) is not ConsentStatus.ACTIVE",
                "has_ended = False",
            ),
            (56, "person who is locked out", "if has_ended or user_disabled_at is not None:", "if has_ended:"),
        ),
    ),
    (
        "gateway/oauth/endpoints/introspection.py",
        (INTROSPECTION,),
        (
            (
                59,
                "access token of another client",
                "return self._access_token(loaded) if loaded.client.id == client.id else None",
                "return self._access_token(loaded)",
            ),
            (
                59,
                "refresh token of another client",
                "if refresh and refresh.client_id == client.id else None",
                "if refresh else None",
            ),
            (59, "no cnf", "if token.jkt is not None:", "if False:"),
            (
                59,
                "access token said to outlive its consent",
                "ends = end_with_consent(unit, token.expires_at, consent) if consent else token.expires_at",
                "ends = token.expires_at",
            ),
            (
                59,
                "refresh token said to outlive its consent",
                "ends = end_with_consent(unit, row.expires_at, consent)",
                "ends = row.expires_at",
            ),
        ),
    ),
    (
        "gateway/oauth/endpoints/grant_management.py",
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
        "gateway/oauth/grants/client_credentials.py",
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
        "gateway/oauth/endpoints/device_authorization.py",
        (DEVICE, DEVICE_CODE),
        ((68, "device grant for any client", "if not client.check_grant_type(DEVICE_CODE):", "if False:"),),
    ),
    (
        "gateway/oauth/grants/device_code.py",
        (DEVICE_CODE, DEVICE),
        (
            (69, "device code redeemed twice", "if not unit.device_codes.use(row.digest, unit.wall):", "if False:"),
            (69, "device code of any age", "if unit.wall >= row.expires_at:", "if False:"),
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
        "gateway/store/oauth/initial_access_tokens.py",
        ("tests/store/test_initial_access_tokens.py", REGISTRATION),
        (
            (71, "initial token used twice", "    INITIAL_ACCESS_TOKENS.c.used_at.is_(None),\n", ""),
            (
                71,
                "initial token of any age",
                'INITIAL_ACCESS_TOKENS.c.expires_at > bindparam("now"),',
                'INITIAL_ACCESS_TOKENS.c.created_at <= bindparam("now"),',
            ),
        ),
    ),
    (
        "gateway/services/identity/registration.py",
        (MANAGEMENT, REGISTRATION),
        (
            (
                72,
                "registration token of another client",
                "return row if expected and matches else None",
                "return row if expected else None",
            ),
        ),
    ),
)

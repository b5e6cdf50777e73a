"""Rules for mutations: proofs of possession, and of tokens at the API."""

from collections.abc import Sequence

from tests.oauth.mutation_rules import DPOP, Group

API = ("tests/oauth/test_dpop_resource.py", "tests/oauth/test_invalid_tokens.py")
CHECK = "tests/oauth/test_token_check.py"

RULES: Sequence[Group] = (
    (
        "gateway/oauth/dpop.py",
        (*DPOP, *API),
        (
            (45, "any nonce", "if (nonce is not None or nonce_required) and not (", "if False and not ("),
            (45, "nonce of yesterday", "NONCE_STEP, NONCE_LIFE = 60, 300", "NONCE_STEP, NONCE_LIFE = 60, 86400"),
            (46, "proof of any typ", 'if header.get("typ") != TYPE:', "if False:"),
            (46, "proof of any alg", 'if header.get("alg") not in ALGORITHMS:', "if False:"),
            (
                46,
                "proof not signed by its key",
                "claims = jose.verify(jwt, key).claims",
                "claims = jwt.claims",
            ),
            (46, "first of two proofs", "if len(proofs) != 1:", "if not proofs:"),
            (47, "proof of another method", 'if claims.get("htm") != method:', "if False:"),
            (
                47,
                "proof of another address",
                'if _normalize(str(claims.get("htu"))) != requested:',
                "if False:",
            ),
            (47, "old proof", "<= issued <= now + ahead:", "!= issued <= now + ahead:"),
            (47, "proof from the future", "<= issued <= now + ahead:", "<= issued:"),
            (48, "exp not looked at", "if (expires is not None and expires <= now - ahead) or (", "if ("),
            (49, "proof without jti", "if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:", "if False:"),
            (49, "jti shared by all keys", 'digest(f"proof {jkt} {jti}")', 'digest(f"proof {jti}")'),
            (
                63,
                "proof of another token",
                'if access_token is not None and claims.get("ath") !=',
                'if False and claims.get("ath") !=',
            ),
        ),
    ),
    (
        "gateway/kit/url_normalization.py",
        (*DPOP, "tests/kit/test_url_normalization.py"),
        (
            (48, "query counts", "normalize_escapes(parts.path)", "normalize_escapes(parts.path + parts.query)"),
            (48, "default port counts", "port or PORTS[parts.scheme], path", "port or 0, path"),
            (47, "user information in an address", ' or "@" in parts.netloc', ""),
            (47, "line end in an address", "if not _ALLOWED.fullmatch(url) or", "if"),
        ),
    ),
    (
        "gateway/oauth/token_check.py",
        (*API, CHECK),
        (
            (
                62,
                "bound token as a bearer token",
                "if loaded is None or loaded.token.jkt != jkt:",
                "if loaded is None or (jkt and loaded.token.jkt != jkt):",
            ),
            (
                62,
                "bearer token with any proof",
                "if loaded is None or loaded.token.jkt != jkt:",
                "if loaded is None or (loaded.token.jkt and loaded.token.jkt != jkt):",
            ),
            (
                63,
                "key not compared",
                "if loaded is None or loaded.token.jkt != jkt:",
                "if loaded is None or (loaded.token.jkt is None) != (jkt is None):",
            ),
            (
                63,
                "proof replayed at the API",
                "if not use.first:",
                "if False and not use.first:",
            ),
            (
                63,
                "proof of an ended epoch at the API",
                "if not self._proof_check.nonces.is_of_epoch(proof.nonce, use.epoch):",
                "if False:",
            ),
            (
                64,
                "error code where nothing was presented",
                'code = "invalid_token" if authorizations else None',
                'code = "invalid_token"',
            ),
            (
                64,
                "no new nonce in answers",
                "send_response = self._with_nonce(send, authentication) if uses_dpop else send",
                "send_response = send",
            ),
            (
                65,
                "expired token",
                "ended = token.revoked_at is not None or unit.wall >= token.expires_at",
                "ended = token.revoked_at is not None",
            ),
            (
                65,
                "revoked token",
                "ended = token.revoked_at is not None or unit.wall >= token.expires_at",
                "ended = unit.wall >= token.expires_at",
            ),
            (
                65,
                "consent not looked at",
                "consent_inactive = consent is not None and consent.status(now) is not ConsentStatus.ACTIVE",
                "consent_inactive = False",
            ),
            (65, "disabled client", "disabled = client.disabled_at is not None or", "disabled ="),
            (65, "first of two headers", "if len(authorizations) != 1:", "if not authorizations:"),
            (67, "token of another environment", ' or not token_text.startswith(environment.token_prefix("at"))', ""),
        ),
    ),
)

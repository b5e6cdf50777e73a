"""Rules for mutations: client assertions, JWTs and the keys that sign them."""

from collections.abc import Sequence

from tests.oauth.mutation_rules import ASSERTION, DPOP, VERIFIED, Group

JOSE = "tests/kit/test_jose.py"
KEPT = "tests/oauth/test_kept_clients.py"

RULES: Sequence[Group] = (
    (
        "gateway/oauth/clients/private_key_jwt.py",
        (*ASSERTION, VERIFIED, KEPT),
        (
            (5, "any audience", 'if claims.get("aud") != self._issuer:', 'if claims.get("aud") is None:'),
            (
                5,
                "audience in a list",
                'claims.get("aud") != self._issuer:',
                'self._issuer not in (claims.get("aud") or ""):',
            ),
            (
                5,
                "audience is an endpoint",
                'if claims.get("aud") != self._issuer:',
                'if not str(claims.get("aud")).startswith(self._issuer):',
            ),
            (
                6,
                "expired assertion",
                "if expires is None or not now - ahead < expires <= now",
                "if expires is None or not expires <= now",
            ),
            (
                6,
                "assertion of any length",
                "if expires is None or not now - ahead < expires <= now + LONGEST_LIFE.total_seconds() + ahead:",
                "if expires is None or expires <= now - ahead:",
            ),
            (
                6,
                "assertion without jti",
                "if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:",
                "if False:",
            ),
            (6, "iss is not sub", 'if claims.get("iss") != client_id:', "if False:"),
            (7, "assertion from the future", "if begins is not None and begins > now + ahead:", "if False:"),
            (
                7,
                "no tolerance of clocks",
                "if begins is not None and begins > now + ahead:",
                "if begins is not None and begins > now:",
            ),
            (8, "jti shared by all clients", 'digest(f"assertion {client_id} {jti}")', 'digest(f"assertion {jti}")'),
            (8, "assertion forgotten at once", "datetime.fromtimestamp(expires, UTC) + AHEAD)", "wall - LONGEST_LIFE)"),
            (
                10,
                "keys replaced by others at the same place",
                "return row.jwks, row.jwks_uri, row.token_endpoint_auth_signing_alg",
                "return row.jwks is None, row.jwks_uri, row.token_endpoint_auth_signing_alg",
            ),
            (
                10,
                "algorithm registered meanwhile",
                "return row.jwks, row.jwks_uri, row.token_endpoint_auth_signing_alg",
                "return row.jwks, row.jwks_uri",
            ),
            (
                10,
                "address of keys changed meanwhile",
                "return row.jwks, row.jwks_uri, row.token_endpoint_auth_signing_alg",
                "return row.jwks, row.jwks_uri is None, row.token_endpoint_auth_signing_alg",
            ),
            (
                10,
                "signature not looked at",
                "jose.verify(jwt, key)",
                "jwt.claims",
            ),
            (
                10,
                "kept keys of a client that has others",
                "        if self.is_kept:\n            raise ClientChanged\n        return False",
                "        return self.is_kept and row is not None",
            ),
            (
                10,
                "assertion verified again with a kept row",
                "kept = None if read_client else self._kept.get(claimed.client_id)",
                "kept = self._kept.get(claimed.client_id)",
            ),
            (10, "clients kept without end", "if len(self._rows) > _MOST_KEPT:", "if False:"),
        ),
    ),
    (
        "gateway/kit/jose.py",
        (*ASSERTION, *DPOP, JOSE),
        (
            (
                9,
                "RS256 accepted",
                '"RSA": ("PS256",), "OKP": ("Ed25519", "EdDSA")}',
                '"RSA": ("PS256", "RS256"), "OKP": ("Ed25519", "EdDSA")}\nALGORITHMS += ("RS256",)',
            ),
            (
                9,
                "alg of another key type",
                "if algorithm not in _BY_TYPE[key.kind]:",
                "if False:",
            ),
            (9, "alg other than that of the key", " or key.alg not in {None, algorithm}", ""),
            (10, "kid not looked at", 'if kid is None or jwk.get("kid") == kid]', "]"),
            (11, "crit not looked at", 'if "crit" in header.members:', "if False:"),
            (11, "unknown header members refused", "strict_check_header=False", "strict_check_header=True"),
            (13, "weak keys", "require_strong_numbers(jwk)\n", "pass\n"),
            (46, "private key in a proof", "if _PRIVATE & set(jwk):", "if False:"),
        ),
    ),
    (
        "gateway/kit/jws_signatures.py",
        (JOSE,),
        (
            (
                10,
                "any signature",
                "except (InvalidSignature, ValueError):\n        return False",
                "except ValueError:\n        return False\n    except InvalidSignature:\n        return True",
            ),
            (
                10,
                "longer ES256 signature",
                "if len(signature) != 2 * _NUMBER_BYTES:",
                "if len(signature) < 2 * _NUMBER_BYTES:",
            ),
            (9, "PS256 with another salt", "salt_length=_SHA256.digest_size", "salt_length=PSS.AUTO"),
        ),
    ),
    (
        "gateway/kit/key_strength.py",
        ("tests/kit/test_key_strength.py",),
        (
            (13, "short RSA keys", "if not RSA_BITS[0] <= modulus", "if not 0 <= modulus"),
            (13, "small order", "or y in _SMALL_ORDER", ""),
            (13, "point that is not canonical", "if y >= _P or", "if"),
            (
                13,
                "point beside the curve",
                '!= 1:\n        raise WeakKey("An Ed25519 key must be a point',
                '== 2:\n        raise WeakKey("An Ed25519 key must be a point',
            ),
            (13, "modulus with a small factor", "or gcd(modulus, _SMALL_PRIMES) != 1", ""),
        ),
    ),
)

"""Rules for mutations: clients and pushed requests.

A rule has the number of its behaviour, the name of the fault, the source text, and the faulty text. Further rules are
in `mutation_grant_rules` and so on. `mutations` applies them.
"""

from collections.abc import Sequence

Rule = tuple[int, str, str, str]
Group = tuple[str, tuple[str, ...], Sequence[Rule]]
"""A source file, its tests, and its rules."""

ASSERTION = ("tests/oauth/test_client_assertion.py", "tests/oauth/test_client_assertion_keys.py")
DPOP = tuple(f"tests/oauth/test_dpop_{name}.py" for name in ("token", "proof", "replay", "code"))
BASIC, FUZZ, PAR, PAR_FAPI2, CODE = (
    f"tests/oauth/test_{name}.py" for name in ("client_auth", "fuzz", "par", "par_fapi2", "code")
)
JOSE = "tests/kit/test_jose.py"
PAGE = "tests/web/test_authorize_page.py"
VERIFIED = "tests/oauth/test_verified_requests.py"

RULES: Sequence[Group] = (
    (
        "gateway/oauth/clients/private_key_jwt.py",
        (*ASSERTION, VERIFIED),
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
    (
        "gateway/oauth/clients/authentication.py",
        (*ASSERTION, BASIC, VERIFIED),
        (
            (10, "keys replaced meanwhile", "assertion.is_of(client and client.row)", "client"),
            (
                4,
                "any secret",
                "right = hmac.compare_digest(digest(secret), expected or digest(client_id))",
                "right = True",
            ),
            (12, "two methods at once", "if asserted and (", "if False and ("),
            (12, "secret in the body", 'if "client_secret" in request.form:', "if False:"),
            (12, "client_id of another", "if named is not None and named != client.id:", "if False:"),
        ),
    ),
    (
        "gateway/oauth/clients/client.py",
        (*ASSERTION, PAR, PAR_FAPI2, *DPOP),
        (
            (4, "any method for any profile", "return method in METHODS.get(self.row.profile, ())", "return True"),
            (
                18,
                "redirect_uri by prefix",
                "if redirect_uri in self.row.redirect_uris:",
                "if redirect_uri.startswith(tuple(self.row.redirect_uris)):",
            ),
            (
                18,
                "redirect_uri in any case",
                "if redirect_uri in self.row.redirect_uris:",
                "if redirect_uri.lower() in self.row.redirect_uris:",
            ),
            (
                20,
                "merchant scopes for a user's token",
                "return name in self.allowed and SCOPES[name].kind is kind",
                "return name in self.allowed",
            ),
            (44, "no proof asked of fapi2", "return self.row.profile != BASELINE", "return False"),
        ),
    ),
    (
        "gateway/oauth/server.py",
        (*ASSERTION, *DPOP, VERIFIED, PAR_FAPI2, PAGE, FUZZ),
        (
            (
                8,
                "any time between verification and unit",
                "if self.unit.wall > verified.at + LONGEST_WAIT:",
                "if False:",
            ),
            (8, "forgotten while a request waits", "WallTime(usable_until + LONGEST_WAIT)", "usable_until"),
            (
                8,
                "assertion replayed",
                "if assertion is not None and not self._first_use(",
                "if assertion is not None and False and self._first_use(",
            ),
            (29, "no iss in the answer", "self.register_extension(ResponseIssuer(container.settings.issuer))", "pass"),
            (
                44,
                "no proof at the token endpoint",
                "if proof is None and endpoint == TOKEN and client.must_prove:",
                "if False:",
            ),
            (
                49,
                "proof replayed",
                "if proof is not None and not self._first_use(",
                "if proof is not None and False and self._first_use(",
            ),
            (
                49,
                "proof forgotten early",
                "self._first_use(proof.replay_key, proof.made_at, usable_until)",
                "self._first_use(proof.replay_key, proof.made_at, self.unit.wall)",
            ),
            (76, "forbidden characters are a failure", 'if "forbidden characters" not in str(error):', "if True:"),
        ),
    ),
    (
        "gateway/oauth/request_parsing.py",
        (PAR, PAR_FAPI2, BASIC),
        (
            (12, "two Authorization headers", "if len(headers) > 1:", "if False:"),
            (21, "repeated parameter", "if name in fields:", "if False:"),
            (
                21,
                "control characters",
                "if _CONTROL.search(name) or _CONTROL.search(one_line):",
                "if False:",
            ),
            (42, "query beside the body", 'if request.scope["query_string"]:', "if False:"),
            (76, "body of any size", "if len(body) > LARGEST_BODY:", "if False:"),
        ),
    ),
    (
        "gateway/oauth/authlib_adapter.py",
        (PAR, CODE),
        (
            (
                14,
                "answers may be stored",
                "return cls(status, body, {**dict(headers), **NO_STORE})",
                "return cls(status, body, dict(headers))",
            ),
        ),
    ),
    (
        "gateway/oauth/grants/pkce.py",
        (PAR, PAR_FAPI2, CODE),
        (
            (
                17,
                "no code_challenge",
                'if "code_challenge" not in data or',
                'if "code_challenge" not in data:\n            return\n        if',
            ),
            (17, "any challenge method", ' or data.get("code_challenge_method") != METHOD:', ":"),
            (17, "challenge of any length", 'if len(data["code_challenge"]) != 43:', "if False:"),
            (38, "verifier not looked at", "super().validate_code_verifier(grant, result)", "pass"),
            (
                38,
                "no verifier is another error",
                'raise InvalidGrantError("The code_verifier is missing or malformed.") from None',
                "raise",
            ),
        ),
    ),
    (
        "gateway/oauth/endpoints/par.py",
        (PAR, PAR_FAPI2, *DPOP, CODE),
        (
            (41, "code without its grant type", 'if not client.check_grant_type("authorization_code"):', "if False:"),
            (16, "request inside", 'if "request" in form or "request_uri" in form:', "if False:"),
            (18, "errors that redirect", "error.redirect_uri = error.state = None", "pass"),
            (20, "state of any length", 'if len(form.get("state", "")) > LONGEST_STATE:', "if False:"),
            (22, "dpop_jkt of another key", "if proof is not None and dpop_jkt not in {None, proof.jkt}:", "if False:"),
            (50, "key not kept", 'parameters["dpop_jkt"] = jkt', "pass"),
        ),
    ),
    (
        "gateway/oauth/details.py",
        (PAR, PAR_FAPI2),
        (
            (23, "types of any client", "if types is not None and detail.type not in types:", "if False:"),
            (23, "scope behind a detail", "if not client.may_hold(detail.scope, TokenKind.USER):", "if False:"),
        ),
    ),
)

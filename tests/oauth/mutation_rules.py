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
PAGE = "tests/web/test_authorize_page.py"
VERIFIED = "tests/oauth/test_verified_requests.py"

RULES: Sequence[Group] = (
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

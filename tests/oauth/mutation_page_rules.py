"""Rules for mutations: the authorization endpoint, its pages and the sessions of browsers."""

from collections.abc import Sequence

from tests.oauth.mutation_rules import PAGE, Group

AUTHORIZE, NARROWING, SESSIONS, STEP_UP = (
    f"tests/oauth/test_{name}.py" for name in ("authorization_endpoint", "narrowing", "sessions", "step_up")
)

RULES: Sequence[Group] = (
    (
        "gateway/oauth/endpoints/authorization.py",
        (PAGE, AUTHORIZE),
        (
            (
                25,
                "request_uri of another client",
                "if row is None or row.client_id != client_id or",
                "if row is None or",
            ),
            (25, "expired request_uri", " or wall >= row.expires_at:", ":"),
            (28, "answered request shown", " or row.used_at is not None", ""),
            (
                28,
                "second answer fails",
                "if row is None or row.decided_by != user_id or",
                "if True or row.decided_by != user_id or",
            ),
            (34, "not what was shown", 'grant.asked.document() != row.parameters["complete"] or', "False or"),
            (
                34,
                "user of another partner",
                "if user.partner_id is not None and user.partner_id != opened.merchant.partner_id:",
                "if False:",
            ),
        ),
    ),
    (
        "gateway/oauth/endpoints/authorization.py",
        ("tests/web/test_repeated_answers.py",),
        (
            (28, "answer of another person repeated", " or row.decided_by != user_id or", " or"),
            (28, "redeemed code repeated", "not stored.is_open(unit.wall)", "unit.wall >= stored.expires_at"),
        ),
    ),
    (
        "gateway/web/site/redirects.py",
        (PAGE, AUTHORIZE),
        ((29, "302 after a form", "return Response(status_code=303,", "return Response(status_code=302,"),),
    ),
    (
        "gateway/web/pages/consent/page.py",
        (PAGE, AUTHORIZE, NARROWING, SESSIONS, STEP_UP),
        (
            (25, "opening gives no time", "if opened.ends_soon:", "if False:"),
            (
                34,
                "narrowing ignored",
                "granted = narrow(opened.asked, read_choice(fields))",
                "granted = narrow(opened.asked, read_choice(fields)) and opened.asked",
            ),
            (
                35,
                "no fresh login for a large decision",
                "require_fresh_login(self._site, browser, opened.resulting_details(granted), unit.wall)",
                "pass",
            ),
        ),
    ),
    (
        "gateway/web/sessions.py",
        (PAGE, AUTHORIZE, SESSIONS, STEP_UP),
        (
            (
                31,
                "no CSRF token",
                "if session is None or not matches:",
                "if session is None:",
            ),
            (
                35,
                "cookie that scripts can read",
                'session.secret, path="/", secure=self._secure, httponly=True',
                'session.secret, path="/", secure=self._secure, httponly=False',
            ),
        ),
    ),
    (
        "gateway/web/own_forms.py",
        (PAGE, AUTHORIZE, SESSIONS, STEP_UP),
        (
            (31, "form of another origin", "if origin is not None and origin != issuer:", "if False:"),
            (31, "form of another site", 'if origin is None and site not in {None, "same-origin"}:', "if False:"),
        ),
    ),
    (
        "gateway/web/rendering.py",
        (PAGE, AUTHORIZE),
        (
            (32, "page in a frame", "frame-ancestors 'none'; ", ""),
            (32, "page stored", '"Cache-Control": "no-store",', ""),
        ),
    ),
)

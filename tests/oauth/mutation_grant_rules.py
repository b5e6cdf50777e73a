"""Rules for mutations: grants that are merged and replaced."""

from collections.abc import Sequence

from tests.oauth.mutation_rules import Group

CHANGE = tuple(f"tests/oauth/test_grant_change{name}.py" for name in ("", "_refused", "_races"))
DOMAIN, STEP_UP = "tests/domain/test_consent_change.py", "tests/oauth/test_step_up.py"

RULES: Sequence[Group] = (
    (
        "gateway/oauth/grants/grant_change.py",
        CHANGE,
        (
            (60, "grant of another client changed", "consent.client_id == client.id and", "True and"),
            (60, "ended grant changed", "consent.status(now) is not ConsentStatus.ACTIVE:", "False:"),
            (60, "create with a grant_id", "if (action == CREATE) != (grant_id is None):", "if False:"),
            (60, "mergeability not looked at", "change.require_possible(asked, now)", "pass"),
            (
                70,
                "point of sale changes a grant",
                "if data.get(ACTION, CREATE) != CREATE or GRANT_ID in data:",
                "if False:",
            ),
        ),
    ),
    (
        "gateway/oauth/endpoints/authorization.py",
        (*CHANGE, STEP_UP),
        (
            (34, "grant changed since it was shown", ' or version != row.parameters.get("grant_version"):', ":"),
            (
                34,
                "another person's grant changed",
                "if opened.change is not None and user.id != opened.change.consent.user_id:",
                "if False:",
            ),
            (
                35,
                "step-up looks at the addition alone",
                "return self.change.result(granted, self.now).details if self.change else granted.details",
                "return granted.details",
            ),
        ),
    ),
    (
        "gateway/services/consents/service.py",
        CHANGE,
        (
            (34, "replacement leaves tokens", "if change.action is GrantAction.REPLACE:", "if False:"),
            (34, "merge ends tokens", "if change.action is GrantAction.REPLACE:", "if True:"),
        ),
    ),
    (
        "gateway/domain/consents/change.py",
        (DOMAIN, *CHANGE),
        (
            (34, "previews become requests", "if both_decide and", "if False and"),
            (34, "merge of any size", "if len(held) + len(asked.details) > MOST_DETAILS:", "if False:"),
            (34, "replacement keeps old parts", "if self.action is GrantAction.MERGE:", "if True:"),
            (34, "merge forgets old parts", "if self.action is GrantAction.MERGE:", "if False:"),
        ),
    ),
    (
        "gateway/domain/consents/coverage.py",
        (DOMAIN, *CHANGE),
        (
            (34, "merge makes old parts last longer", "yield replace(detail, duration=whole)", "yield detail"),
            (34, "run-out parts are revived", "if whole > timedelta(0):", "if True:"),
        ),
    ),
    (
        "gateway/domain/consents/authorization_detail.py",
        (DOMAIN,),
        (
            (34, "more money counts as covered", "and wanted <= most", "and True"),
            (34, "another purpose counts as covered", " or self.purpose != other.purpose", ""),
            (
                34,
                "longer counts as covered",
                "if (self.duration or timedelta(0)) < (other.duration or timedelta(0)):",
                "if False:",
            ),
        ),
    ),
)

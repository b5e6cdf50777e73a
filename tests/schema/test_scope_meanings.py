"""Every scope says what it does: it is required by the API or an endpoint, or its description says that it is not."""

import pytest

from gateway.domain.scope import SCOPES
from gateway.oauth.endpoints.grant_management import QUERY, REVOKE
from schema.export import SANDBOX_FILE


@pytest.mark.parametrize("name", [pytest.param(name, id=f"F8-{name}") for name in SCOPES])
def test_scope_is_required_somewhere_or_says_that_it_does_nothing(name: str) -> None:
    required = f'["{name}"]' in SANDBOX_FILE.read_text(encoding="utf-8") or name in {QUERY, REVOKE}
    assert SCOPES[name].sentence.startswith("Nothing yet") is not required

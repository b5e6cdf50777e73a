"""The rights of a client: splitting them by what is allowed, and the scopes of its tokens."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.consents.authorization_detail import TYPES
from gateway.domain.identity.client_rights import Rights, usable_scopes
from gateway.domain.scope import SCOPES, expand, restrict

RIGHTS = st.builds(Rights.of, st.sets(st.sampled_from(list(SCOPES))), st.sets(st.sampled_from(TYPES)))


@given(RIGHTS, RIGHTS)
def test_split_has_all_rights_and_no_others(asked: Rights, allowed: Rights) -> None:
    within, beyond = asked.split(allowed)
    assert within | beyond == asked
    assert not set(within.scopes) & set(beyond.scopes)
    assert set(within.scopes) <= expand(allowed.scopes)
    assert set(within.types) <= set(allowed.types)
    assert not set(beyond.scopes) & expand(allowed.scopes)


@given(RIGHTS)
def test_rights_round_trip(rights: Rights) -> None:
    assert Rights.from_document(rights.document()) == rights
    assert bool(rights) == bool(rights.scopes or rights.types)
    assert not Rights.from_document(None)


def test_client_without_a_type_has_none_of_its_scopes() -> None:
    scopes = ["score:tier", "decisions:request", "decisions:read"]
    every = {"score:tier", "score:threshold", "decisions:request", "decisions:preview", "decisions:read"}
    assert usable_scopes(scopes, None) == usable_scopes(scopes, ["score", "decision"]) == every
    assert usable_scopes(scopes, ["score"]) == {"score:tier", "score:threshold", "decisions:read"}
    assert usable_scopes(scopes, []) == {"decisions:read"}


@given(RIGHTS, RIGHTS)
def test_restrict_keeps_everything_that_both_allow(granted: Rights, allowed: Rights) -> None:
    most = expand(allowed.scopes)
    assert expand(restrict(granted.scopes, most)) == expand(granted.scopes) & most


def test_restrict_keeps_allowed_scopes_unchanged() -> None:
    granted = ("score:threshold", "score:tier")
    assert restrict(granted, expand(["score:exact"])) == granted

"""What a client may ask for: split into what is allowed and what is not, and what its tokens may hold."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.consents.authorization_detail import TYPES
from gateway.domain.identity.client_rights import Rights, usable_scopes
from gateway.domain.scope import SCOPES, expand, restrict

RIGHTS = st.builds(Rights.of, st.sets(st.sampled_from(list(SCOPES))), st.sets(st.sampled_from(TYPES)))


@given(RIGHTS, RIGHTS)
def test_a_split_loses_and_adds_nothing(asked: Rights, allowed: Rights) -> None:
    within, beyond = asked.split(allowed)
    assert within | beyond == asked
    assert not set(within.scopes) & set(beyond.scopes)
    assert set(within.scopes) <= expand(allowed.scopes)
    assert set(within.types) <= set(allowed.types)
    assert not set(beyond.scopes) & expand(allowed.scopes)


@given(RIGHTS)
def test_rights_are_read_as_they_were_written(rights: Rights) -> None:
    assert Rights.from_document(rights.document()) == rights
    assert bool(rights) == bool(rights.scopes or rights.types)
    assert not Rights.from_document(None)


def test_scopes_go_with_the_type_whose_details_they_stand_for() -> None:
    scopes = ["score:tier", "decisions:request", "decisions:read"]
    every = {"score:tier", "score:threshold", "decisions:request", "decisions:preview", "decisions:read"}
    assert usable_scopes(scopes, None) == usable_scopes(scopes, ["score", "decision"]) == every
    assert usable_scopes(scopes, ["score"]) == {"score:tier", "score:threshold", "decisions:read"}
    assert usable_scopes(scopes, []) == {"decisions:read"}


@given(RIGHTS, RIGHTS)
def test_what_is_left_is_the_most_that_both_allow(granted: Rights, allowed: Rights) -> None:
    most = expand(allowed.scopes)
    assert expand(restrict(granted.scopes, most)) == expand(granted.scopes) & most


def test_scopes_that_are_all_allowed_stay_as_they_were_granted() -> None:
    granted = ("score:threshold", "score:tier")
    assert restrict(granted, expand(["score:exact"])) == granted

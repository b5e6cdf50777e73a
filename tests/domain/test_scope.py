"""The registry of scopes: what implies what, which token may hold what, and the one check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.environment import LIVE, SANDBOX
from gateway.domain.scope import SCOPES, TokenKind, expand, parse, satisfies

known = st.sampled_from(sorted(SCOPES))
named = st.one_of(known, st.text(max_size=12))


@given(st.sets(named))
def test_expansion_is_closed(granted: set[str]) -> None:
    expanded = expand(granted)
    assert expand(expanded) == expanded
    assert all(implied in expanded for name in expanded for implied in SCOPES[name].implies)


@given(st.sets(named), st.sets(named))
def test_expansion_is_monotone(some: set[str], more: set[str]) -> None:
    assert expand(some) <= expand(some | more)
    assert expand(some) | expand(more) == expand(some | more)


@given(st.sets(named))
def test_expansion_holds_what_was_granted_and_nothing_unknown(granted: set[str]) -> None:
    assert granted & SCOPES.keys() <= expand(granted) <= SCOPES.keys()


@given(known)
def test_what_a_scope_implies_belongs_to_the_same_kind_of_token(name: str) -> None:
    assert {SCOPES[implied].kind for implied in expand([name])} == {SCOPES[name].kind}


@pytest.mark.parametrize(
    ("granted", "expanded"),
    [
        pytest.param("score:threshold", {"score:threshold"}, id="lowest-level"),
        pytest.param("score:exact", {"score:exact", "score:tier", "score:threshold"}, id="highest-level"),
        pytest.param("decisions:request", {"decisions:request", "decisions:preview"}, id="request"),
        pytest.param("decisions:preview", {"decisions:preview"}, id="preview"),
        pytest.param("decisions:write", {"decisions:write"}, id="writing-does-not-read"),
        pytest.param("SCORE:EXACT", set(), id="wrong-case"),
    ],
)
def test_expand_gives_the_lower_scopes_when_a_higher_is_granted(granted: str, expanded: set[str]) -> None:
    assert expand([granted]) == expanded


@pytest.mark.parametrize("kind", TokenKind)
def test_realm_lacks_the_sandbox_scope_when_live(kind: TokenKind) -> None:
    live, sandbox = LIVE.offered(kind), SANDBOX.offered(kind)
    assert "sandbox" not in live
    assert set(sandbox) - set(live) == ({"sandbox"} if kind is TokenKind.MERCHANT else set())


def test_every_scope_belongs_to_one_kind_and_has_a_sentence() -> None:
    user, merchant = (SANDBOX.offered(kind) for kind in TokenKind)
    assert sorted([*user, *merchant]) == sorted(SCOPES)
    assert all(each.sentence and not each.sentence.endswith(".") for each in SCOPES.values())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(None, (), id="absent"),
        pytest.param("", (), id="empty"),
        pytest.param("b a b", ("b", "a"), id="repeated"),
        pytest.param("  a   b ", ("a", "b"), id="spaces"),
    ],
)
def test_parse_keeps_order_without_repeats(text: str | None, names: tuple[str, ...]) -> None:
    assert parse(text) == names


@pytest.mark.parametrize(
    ("required", "held"),
    [
        pytest.param([["score:tier"]], True, id="one"),
        pytest.param([["score:exact"], ["score:tier"]], True, id="either"),
        pytest.param([["score:exact", "score:tier"]], False, id="both"),
        pytest.param([[]], True, id="nothing-is-needed"),
        pytest.param([], False, id="no-way-at-all"),
    ],
)
def test_satisfies_when_any_group_is_held_whole(required: list[list[str]], held: bool) -> None:
    assert satisfies(expand(["score:tier"]), required) is held

"""The registry of scopes: implied scopes, kinds of tokens, and the scope check."""

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
def test_expansion_has_granted_scopes_and_no_unknown_ones(granted: set[str]) -> None:
    assert granted & SCOPES.keys() <= expand(granted) <= SCOPES.keys()


@given(known)
def test_implied_scopes_are_of_the_same_token_kind(name: str) -> None:
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
def test_expand_adds_implied_scopes(granted: str, expanded: set[str]) -> None:
    assert expand([granted]) == expanded


@pytest.mark.parametrize("kind", TokenKind)
def test_live_environment_has_no_sandbox_scope(kind: TokenKind) -> None:
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
    ("required", "is_satisfied"),
    [
        pytest.param([["score:tier"]], True, id="one"),
        pytest.param([["score:exact"], ["score:tier"]], True, id="either"),
        pytest.param([["score:exact", "score:tier"]], False, id="both"),
        pytest.param([[]], True, id="no-scope-needed"),
        pytest.param([], False, id="no-alternative"),
    ],
)
def test_satisfies_any_complete_group(required: list[list[str]], is_satisfied: bool) -> None:
    assert satisfies(expand(["score:tier"]), required) is is_satisfied


@pytest.mark.parametrize(
    "space",
    [
        pytest.param(space, id=f"D10-{space!r}")
        for space in (
            "\u00a0",
            "\t",
            "\n",
            "\r",
            "\x0b",
            "\x0c",
            "\x1c",
            "\x85",
            "\u2003",
            "\u2028",
            "\u3000",
            ",",
            "+",
        )
    ],
)
def test_only_a_space_separates_scopes(space: str) -> None:
    assert parse(f"score:tier{space}decisions:request") == (f"score:tier{space}decisions:request",)
    assert parse(f" score:tier  decisions:request {space}") == ("score:tier", "decisions:request", space)

"""Random changes of documents. Most results are invalid, by each rule of validation."""

import re
from collections.abc import Callable, Sequence
from random import Random

from graphql import GraphQLSyntaxError, parse

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\.\.\.|-?[\w$@]+(?:\.\d+)?|\S')
_DIRECTIVES = ("@skip(if: true)", "@include(if: $c0)", "@skip", "@include(if: true, if: true)", "@skip(when: true)")
_OTHER_DIRECTIVES = ("@unknown", '@deprecated(reason: "x")', "@include(if: null)", '@skip(if: "true")')
_LITERALS = ("null", "1", "1.5", "true", '"text"', "[]", "[null]", "{}", "RED", "$v0", "$c0", "$undefined", "[$v0]")
_OBJECTS = ("{x: 1}", "{x: 1, x: 1}", '{text: "a"}', "{text: null}", "{text: $v0}", "[{text: $v0}]", "{id: $v0}")
_TYPES = ("Int", "Int!", "[Int!]!", "String", "ID", "ID!", "Boolean", "Boolean!", "Query", "Either", "Point!", "None")
_SELECTIONS = (
    "...F0",
    "...F1",
    "...Unknown",
    "... { __typename }",
    "... on Query { __typename }",
    "__typename",
    "x: y",
)
_DEFINITIONS = (
    "query R { __typename }",
    "{ __typename }",
    "query Q { __typename }",
    "mutation M($v0: Int = 1) { __typename }",
    "subscription S { __typename }",
    "fragment F0 on Query { __typename }",
    "fragment F9 on Query { ...F9 }",
    "fragment F1 on Int { a }",
    "type T { a: Int }",
    "query R($v0: ID!) { ...F0 }",
)


def mutate(random: Random, text: str, names: Sequence[str]) -> str:
    """Returns a document with one or two random changes, which can be parsed. `names` are names that it may get in the
    place of others."""
    while True:
        tokens = _TOKEN.findall(text)
        for _ in range(random.choice([1, 1, 2])):
            change: Callable[[Random, list[str], Sequence[str]], list[str]] = random.choice(_CHANGES)
            tokens = change(random, tokens, names)
        changed = " ".join(tokens)
        try:
            parse(changed)
        except GraphQLSyntaxError:
            continue
        return changed


def _rename(random: Random, tokens: list[str], names: Sequence[str]) -> list[str]:
    """Replaces a name, a variable or a value."""
    place = _place(random, tokens, lambda token: token[0].isalnum() or token[0] in '$"_')
    others = [token for token in tokens if token[0].isalpha()] or ["s"]
    new = random.choice([*random.choices(names, k=3), *random.choices(others, k=3), *random.choices(_LITERALS, k=2)])
    return [*tokens[:place], new, *tokens[place + 1 :]]


def _replace_value(random: Random, tokens: list[str], _: Sequence[str]) -> list[str]:
    """Replaces what follows a colon: a value, a type, or a field with an alias."""
    place = _place(random, tokens, ":".__eq__) + 1
    new = random.choice(_LITERALS + _OBJECTS + _TYPES)
    return [*tokens[:place], new, *tokens[_end(tokens, place) :]]


def _repeat(random: Random, tokens: list[str], _: Sequence[str]) -> list[str]:
    """Repeats a part."""
    start, end = _part(random, tokens)
    return [*tokens[:end], *tokens[start:end], *tokens[end:]]


def _remove(random: Random, tokens: list[str], _: Sequence[str]) -> list[str]:
    start, end = _part(random, tokens)
    return [*tokens[:start], *tokens[end:]]


def _move(random: Random, tokens: list[str], _: Sequence[str]) -> list[str]:
    """Copies a part to another place."""
    start, end = _part(random, tokens)
    place = random.randrange(len(tokens) + 1)
    return [*tokens[:place], *tokens[start:end], *tokens[place:]]


def _insert(random: Random, tokens: list[str], _: Sequence[str]) -> list[str]:
    """Inserts a directive or a selection."""
    place = random.randrange(len(tokens) + 1)
    new = random.choice(_DIRECTIVES + _OTHER_DIRECTIVES + _SELECTIONS + ("!", "= null", "= 1"))
    return [*tokens[:place], new, *tokens[place:]]


def _define(random: Random, tokens: list[str], _: Sequence[str]) -> list[str]:
    return [*tokens, random.choice(_DEFINITIONS)]


_CHANGES = (_rename, _rename, _replace_value, _replace_value, _repeat, _remove, _move, _insert, _insert, _define)


def _place(random: Random, tokens: list[str], is_right: Callable[[str], bool]) -> int:
    """Returns the place of a random token of this kind, 0 if there is none."""
    return random.choice([number for number, token in enumerate(tokens) if is_right(token)] or [0])


def _part(random: Random, tokens: list[str]) -> tuple[int, int]:
    """Returns the begin and the end of a random part whose brackets are complete."""
    start = random.randrange(len(tokens) or 1)
    end = start
    for _ in range(random.randint(1, 4)):
        end = _end(tokens, end)
    return start, end


def _end(tokens: list[str], start: int) -> int:
    """Returns the end of the token or the brackets that begin here."""
    open_brackets = 0
    for place in range(start, len(tokens)):
        open_brackets += (tokens[place] in "([{") - (tokens[place] in ")]}")
        if open_brackets <= 0:
            return place + 1
    return len(tokens)

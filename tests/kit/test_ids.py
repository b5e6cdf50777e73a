"""Ids: they sort as they were made, say their noun, and are UUIDv7 inside."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from gateway.kit.ids import Ids, noun_of

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def number_of(identifier: str) -> uuid.UUID:
    number = 0
    for letter in identifier.rpartition("_")[2]:
        number = number << 5 | ALPHABET.index(letter)
    return uuid.UUID(int=number)


def test_ids_sort_as_made_when_many_fall_into_one_millisecond() -> None:
    ids = Ids("test_")
    made = [ids.new("dec") for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    moments = [number_of(each).int >> 80 for each in made]
    assert any(one == other for one, other in pairwise(moments)), "some were made within one millisecond"


def test_ids_sort_as_made_when_threads_take_turns() -> None:
    ids, turn, made = Ids(), threading.Lock(), list[str]()

    def mint(_: int) -> None:
        for _ in range(500):
            with turn:
                made.append(ids.new("evt"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(mint, range(8)))
    assert len(made) == 4000
    assert made == sorted(made)


def test_ids_are_unique_and_sorted_in_each_thread_when_threads_race() -> None:
    ids, start = Ids(), threading.Barrier(8)

    def mint(_: int) -> list[str]:
        start.wait()
        return [ids.new("evt") for _ in range(1000)]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(mint, range(8)))
    assert all(each == sorted(each) for each in made)
    assert len({identifier for each in made for identifier in each}) == 8000


def test_an_id_is_a_uuid_of_version_7_at_the_present_moment() -> None:
    before = time.time_ns() // 1_000_000
    number = number_of(Ids("test_").new("con"))
    after = time.time_ns() // 1_000_000
    assert (number.version, number.variant) == (7, uuid.RFC_4122)
    assert before <= number.int >> 80 <= after


@pytest.mark.parametrize(("mark", "start"), [("test_", "dec_test_"), ("", "dec_0")], ids=["marked", "unmarked"])
def test_an_id_says_its_noun_and_its_mark(mark: str, start: str) -> None:
    made = Ids(mark).new("dec")
    assert made.startswith(start)
    assert len(made.rpartition("_")[2]) == 26
    assert noun_of(made) == "dec"


@pytest.mark.parametrize(("text", "noun"), [("dec_1", "dec"), ("", ""), ("_x", "")])
def test_noun_of_a_text(text: str, noun: str) -> None:
    assert noun_of(text) == noun

"""Ids: they sort by creation, begin with their noun, and contain a UUIDv7."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.kit.ids import Ids, noun_of

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def number_of(identifier: str) -> uuid.UUID:
    number = 0
    for letter in identifier.rpartition("_")[2]:
        number = number << 5 | ALPHABET.index(letter)
    return uuid.UUID(int=number)


def test_ids_created_within_one_millisecond_are_sorted() -> None:
    ids = Ids("test_")
    created = [ids.new("dec") for _ in range(20_000)]
    assert created == sorted(created)
    assert len(set(created)) == len(created)
    moments = [number_of(each).int >> 80 for each in created]
    assert any(one == other for one, other in pairwise(moments)), "no two ids have the same millisecond"


def test_text_before_ids_sorts_between_older_and_newer_ones() -> None:
    ids = Ids("test_")
    created = ids.new("acc")
    assert ids.before("acc", timedelta(minutes=1)) < created < ids.before("acc", timedelta(minutes=-1))
    assert len(ids.before("acc", timedelta())) == len(created)


def test_ids_of_alternating_threads_are_sorted() -> None:
    ids, turn, created = Ids(), threading.Lock(), list[str]()

    def create(_: int) -> None:
        for _ in range(500):
            with turn:
                created.append(ids.new("evt"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(8)))
    assert len(created) == 4000
    assert created == sorted(created)


def test_ids_are_unique_and_sorted_in_each_thread_when_threads_race() -> None:
    ids, start = Ids(), threading.Barrier(8)

    def create(_: int) -> list[str]:
        start.wait()
        return [ids.new("evt") for _ in range(1000)]

    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(create, range(8)))
    assert all(each == sorted(each) for each in created)
    assert len({identifier for each in created for identifier in each}) == 8000


def test_an_id_is_a_uuid_of_version_7_at_the_present_moment() -> None:
    before = time.time_ns() // 1_000_000
    number = number_of(Ids("test_").new("con"))
    after = time.time_ns() // 1_000_000
    assert (number.version, number.variant) == (7, uuid.RFC_4122)
    assert before <= number.int >> 80 <= after


@pytest.mark.parametrize(("mark", "start"), [("test_", "dec_test_"), ("", "dec_0")], ids=["sandbox", "live"])
def test_id_begins_with_noun_and_environment_mark(mark: str, start: str) -> None:
    created = Ids(mark).new("dec")
    assert created.startswith(start)
    assert len(created.rpartition("_")[2]) == 26
    assert noun_of(created) == "dec"


@pytest.mark.parametrize(("text", "noun"), [("dec_1", "dec"), ("", ""), ("_x", "")])
def test_noun_of_a_text(text: str, noun: str) -> None:
    assert noun_of(text) == noun

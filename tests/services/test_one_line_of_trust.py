"""One line of trust over all merchants: shared, never passed under load, and right to the last row afterwards."""

from functools import partial

from gateway.domain.consent import Consent
from gateway.domain.decision import Decision, Status
from gateway.domain.money import Money
from gateway.domain.outcome import Approval, Decline
from gateway.services.decisions import ActivateInput, CancelInput, FulfillInput, Requested
from gateway.services.seeding import CONTRACT
from tests.services.promises import DAY, THREADS, requested, yuan
from tests.services.world import World, asking, car, order
from tests.support.at_once import at_once

MERCHANTS, EACH = 20, 10
LINE = 3_000_000


def consents(world: World) -> list[Consent]:
    """One person's consents to twenty shops of one partner."""
    now, given = world.clock(), []
    with world.database.write() as session:
        partner = world.merchants.partner(session, "demo", now)
        made = []
        for number in range(MERCHANTS):
            merchant = world.merchants.register(session, partner, f"Shop {number}", now)
            world.merchants.contract(session, merchant.id, CONTRACT)
            world.merchants.enable(session, merchant.id, "online_shop", now)
            row, _ = world.clients.register(session, merchant.id, f"Shop {number}", ["https://shop.example/cb"], now)
            made.append(row.id)
    for client in made:
        given.append(world.grant("excellent", client=client, scopes=("decisions:request",)))
    return given


def test_two_hundred_requests_from_twenty_merchants(world: World) -> None:
    given = consents(world)
    calls = [
        partial(world.decisions.request, world.acting(consent), asking(order("1700.00"), f"key-{n}", f"order-{n}"))
        for n in range(EACH)
        for consent in given
    ]
    answers = at_once(calls)
    assert not [each for each in answers if isinstance(each, Exception)]
    decisions = [each.decision for each in answers if isinstance(each, Requested)]
    approved = [each for each in decisions if each.status is Status.APPROVED]
    # The seventeenth fits only a shop for which what is held elsewhere stays below the last tenth of the line.
    assert LINE // 170_000 - 1 <= len(approved) <= LINE // 170_000
    declined = [each.outcome for each in decisions if each.status is Status.DECLINED]
    assert len(declined) == MERCHANTS * EACH - len(approved)
    assert {outcome.reasons for outcome in declined if isinstance(outcome, Decline)} == {("EXPOSURE_LIMIT_REACHED",)}
    assert world.held() == len(approved) * 170_000 <= LINE
    assert world.faults() == []
    _all_at_once_again(world, given, approved)
    assert world.held() <= LINE
    assert world.faults() == []


def _all_at_once_again(world: World, given: list[Consent], approved: list[Decision]) -> None:
    """What was approved ends in several ways, while everybody asks for more."""
    moves = world.decisions.moves
    calls = [
        partial(world.decisions.request, world.acting(consent), asking(order("900.00"), f"more-{n}", f"more-{n}"))
        for n, consent in enumerate(given * 2)
    ]
    for number, decision in enumerate(approved):
        token = world.merchant_token(decision.client_id)
        if number % 2:
            calls.append(partial(moves.cancel, token, CancelInput(decision.id, f"c{number}", None)))  # type: ignore[arg-type]
            continue
        moves.activate(token, ActivateInput(decision.id, f"a{number}"))
        part = FulfillInput(decision.id, f"f{number}", None, Money.parse("1000.00", "CNY") if number % 4 else None)
        calls.append(partial(moves.fulfill, token, part))  # type: ignore[arg-type]
    assert not [each for each in at_once(calls) if isinstance(each, Exception)]


def test_all_merchants_share_one_line(world: World) -> None:
    for number in range(3):  # 30,000 yuan is the line of the highest tier
        assert requested(world, number=number, deposit="10000.00").status is Status.APPROVED
    token = world.acting(world.grant("excellent", client=world.client("online_shop")))
    reading = world.reading(token)
    preview = world.decisions.preview(reading, "onlineOrder", order("1.00"), None)
    reading.abandon()
    refusal = world.decisions.request(token, asking(order("1.00"), "k", "o")).decision
    for outcome in (preview.outcome, refusal.outcome):
        assert isinstance(outcome, Decline)
        assert (outcome.reasons, outcome.alternatives) == (("EXPOSURE_LIMIT_REACHED",), ())
        assert outcome.retry_after == world.clock() + DAY
    assert (refusal.status, refusal.settlement, world.held()) == (Status.DECLINED, None, 3_000_000)
    assert requested(world, "good", 9).status is Status.APPROVED, "another person has another line"


def test_what_ran_out_makes_room_before_any_clock_has_come_by(world: World) -> None:
    for number in range(3):
        requested(world, number=number, deposit="10000.00")
    world.clock.advance(8 * DAY)
    assert requested(world, number=4, deposit="10000.00").status is Status.APPROVED
    assert world.held() == 1_000_000
    assert world.faults() == []


def test_requests_at_once_from_two_merchants_share_the_room(world: World) -> None:
    for number in range(2):
        requested(world, number=number, deposit="10000.00")
    consents = [world.grant("excellent"), world.grant("excellent", client=world.client("online_shop"))]
    calls = []
    for n in range(THREADS):
        ask = car(world.clock(), "4000.00") if n % 2 else order("4000.00")
        given = asking(ask, f"race-{n}", f"race-{n}")
        calls.append(partial(world.decisions.request, world.acting(consents[(n + 1) % 2]), given))
    answers = at_once(calls)
    assert not [each for each in answers if isinstance(each, Exception)]
    approved = [each for each in answers if isinstance(each, Requested) and each.decision.status is Status.APPROVED]
    taken = [each.decision.outcome.terms.exposed for each in approved if isinstance(each.decision.outcome, Approval)]
    whole = [amount for amount in taken if amount == yuan("4000.00")]
    # Of 10,000 yuan that were left. Who comes late gets a part, if it is the one that takes parts: of 2,000 that are
    # left to itself, or of 1,000 beside the 8,000 elsewhere, which count as 9,000.
    parts = [amount for amount in taken if amount in {yuan("1000.00"), yuan("2000.00")}]
    assert (len(whole), len(parts)) in {(2, 0), (2, 1)}
    assert len(taken) == len(whole) + len(parts)
    assert world.held() == 2_000_000 + sum(amount.minor for amount in taken)
    assert world.faults() == []

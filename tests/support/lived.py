"""A database in which promises of one person have lived a while, and what somebody with a hand in it could do."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from gateway.domain.decision import BreachKind, Decision
from gateway.domain.dispute import Dispute
from gateway.domain.money import Money
from gateway.services.decisions import ActivateInput, BreachInput, FulfillInput
from gateway.services.disputes import RespondInput
from gateway.store import books, log_check
from gateway.store.log_report import Finding
from tests.services.world import World, asking, car


@dataclass(frozen=True)
class Lived:
    """`kept` was settled in two parts; `active` is under way; `contested` is a breach whose dispute the operator has to
    decide; `cleared` a breach that its merchant gave up when it was disputed."""

    world: World
    kept: str
    active: str
    contested: str
    cleared: str
    dispute: str
    ended: str

    def __call__(self, statement: str) -> list[str]:
        """The faults that the check of the books finds after these statements, which are undone then. A word in braces
        stands for the id of that name."""
        ids = {name: f"'{value}'" for name, value in vars(self).items() if name != "world"}
        with self.world.database.engine.connect() as connection:
            for each in statement.format(**ids).split(";"):
                assert connection.execute(text(each)).rowcount, each
            with Session(connection) as session:
                found = list(books.faults(session, self.world.clock()))
            connection.rollback()
        return found

    def missed(self, attempts: Iterable[tuple[str, str]]) -> list[str]:
        """The statements after which no fault has the words beside them."""
        return [statement for statement, words in attempts if not any(words in fault for fault in self(statement))]

    def finding(self, statement: str) -> Finding | None:
        """What the check of the logs finds after a statement, which is undone then."""
        with self.world.database.engine.connect() as connection:
            connection.execute(text(statement.format(kept=f"'{self.kept}'")))
            with Session(connection) as session:
                finding = log_check.check(session).finding
            connection.rollback()
        return finding


def lived(world: World) -> Lived:
    """Lives those lives, and ends the consent under which the first was promised."""
    merchant = world.merchant_token()
    kept = _activated(world, 1)
    for key, amount in (("part", Money.parse("1000.00", "CNY")), ("rest", None)):
        world.clock.advance(minutes=1)
        world.decisions.moves.fulfill(merchant, FulfillInput(kept.id, key, settled_amount=amount))
    consent = world.grant()
    world.revoke(consent)
    active, (contested, dispute), (cleared, ended) = _activated(world, 2), _disputed(world, 3), _disputed(world, 4)
    world.disputes.respond(merchant, RespondInput(dispute.id, "no", False, "It was late."))
    world.disputes.respond(merchant, RespondInput(ended.id, "yes", True, "We found it."))
    return Lived(world, kept.id, active.id, contested.id, cleared.id, dispute.id, ended.id)


def _activated(world: World, number: int) -> Decision:
    given = asking(car(world.clock()), f"key-{number}", f"order-{number}")
    decision = world.decisions.request(world.acting(world.grant()), given).decision
    world.clock.advance(minutes=1)
    return world.decisions.moves.activate(world.merchant_token(), ActivateInput(decision.id, f"activate-{number}"))


def _disputed(world: World, number: int) -> tuple[Decision, Dispute]:
    given = BreachInput(_activated(world, number).id, f"breach-{number}", BreachKind.NOT_RETURNED)
    breached = world.decisions.moves.report_breach(world.merchant_token(), given)
    return breached, world.disputes.open(world.user("excellent"), breached.id, "I brought it back.")

"""A database with a history of one person's decisions, for tests that tamper with it."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, text

from gateway.audit.log_report import Finding
from gateway.audit.log_verification import verify_logs
from gateway.audit.reconciliation import find_mismatches
from gateway.domain.decisions.dispute import Dispute
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind
from gateway.domain.money import Money
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.transitions import ActivateCommand, BreachCommand, FulfillCommand
from gateway.store.logs.keys import NO_KEYRING
from gateway.store.unit import UnitOfWork
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld


@dataclass(frozen=True)
class DecisionHistory:
    """Ids of decisions and disputes. `fulfilled` was settled in two parts, `active` is active, `contested` is breached
    with `dispute`, which the operator must decide, and the breach of `voided` was voided: its merchant accepted
    `resolved_dispute`."""

    world: DemoWorld
    fulfilled: str
    active: str
    contested: str
    voided: str
    dispute: str
    resolved_dispute: str

    def mismatches_after(self, statement: str) -> list[str]:
        """Runs SQL statements, returns the mismatches of the reconciliation, and rolls back. A name in braces stands
        for an id."""
        ids = {name: f"'{value}'" for name, value in vars(self).items() if name != "world"}
        with self.world.database.engine.connect() as connection:
            for each in statement.format(**ids).split(";"):
                assert connection.execute(text(each)).rowcount, each
            mismatches = list(find_mismatches(self._unit(connection)))
            connection.rollback()
        return mismatches

    def undetected(self, attempts: Iterable[tuple[str, str]]) -> list[str]:
        """Takes statements with expected words. Returns each statement after which no mismatch has its words."""
        return [
            statement
            for statement, words in attempts
            if not any(words in mismatch for mismatch in self.mismatches_after(statement))
        ]

    def finding(self, statement: str) -> Finding | None:
        """Runs an SQL statement, returns the first finding of the log verification, and rolls back."""
        with self.world.database.engine.connect() as connection:
            connection.execute(text(statement.format(fulfilled=f"'{self.fulfilled}'")))
            finding = verify_logs(self._unit(connection)).finding
            connection.rollback()
        return finding

    def _unit(self, connection: Connection) -> UnitOfWork:
        return UnitOfWork(connection, self.world.clock(), NO_KEYRING)


def make_history(world: DemoWorld) -> DecisionHistory:
    """Makes the decisions and disputes of a history, and a consent that is revoked."""
    merchant = world.merchant_token()
    fulfilled = _activated(world, 1)
    for key, amount in (("part", Money.parse("1000.00", "CNY")), ("rest", None)):
        world.clock.advance(minutes=1)
        world.transitions.fulfill(merchant, FulfillCommand(fulfilled.id, key, settled_amount=amount))
    consent = world.grant()
    world.revoke(consent)
    active, (contested, dispute), (voided, resolved_dispute) = (
        _activated(world, 2),
        _disputed(world, 3),
        _disputed(world, 4),
    )
    world.disputes.respond(merchant, RespondCommand(dispute.id, "no", False, "It was late."))
    world.disputes.respond(merchant, RespondCommand(resolved_dispute.id, "yes", True, "We found it."))
    return DecisionHistory(world, fulfilled.id, active.id, contested.id, voided.id, dispute.id, resolved_dispute.id)


def _activated(world: DemoWorld, number: int) -> DecisionState:
    command = request_command(car(world.clock()), f"key-{number}", f"order-{number}")
    decision = world.requester.request(world.user_token(world.grant()), command).decision
    world.clock.advance(minutes=1)
    return world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, f"activate-{number}"))


def _disputed(world: DemoWorld, number: int) -> tuple[DecisionState, Dispute]:
    command = BreachCommand(_activated(world, number).id, f"breach-{number}", BreachKind.DAMAGED)
    breached = world.transitions.report_breach(world.merchant_token(), command)
    return breached, world.disputes.open(world.user("excellent"), breached.id, "I brought it back.")

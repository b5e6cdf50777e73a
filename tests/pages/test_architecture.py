"""The unit of work in docs/architecture.md is executed."""

from gateway.store.unit import UnitOfWork
from tests.support.demo_world import DemoWorld
from tests.support.page_blocks import block
from tests.support.units import reading


def test_unit_of_work_ends_a_consent(world: DemoWorld) -> None:
    consent = world.grant()
    names = {"UnitOfWork": UnitOfWork, "database": world.database, "consent_id": consent.id}
    names["merchant_id"] = consent.merchant_id
    exec(block("docs/architecture.md", "def end_consent"), names)  # noqa: S102  # the page's own program
    with reading(world.database) as unit:
        ended = unit.consents.load(consent.id)
    assert ended is not None
    assert ended.revoked_at is not None

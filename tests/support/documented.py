"""Deployments in which everybody's identity document was verified. The personas that can be starters have none."""

from dataclasses import replace
from typing import Any

from gateway.domain.scoring.score import Measurement
from gateway.kit.clock import BusinessTime
from tests.support.demo_world import DemoWorld


class DocumentedSource:
    """The score source of a world, with a verified identity document for everybody and this number of open overdue
    obligations."""

    def __init__(self, world: DemoWorld, open_overdue: int) -> None:
        self._source, self._open_overdue = world.source, open_overdue

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        measured = self._source.measure(user_id, now)
        return replace(measured, has_document=True, open_overdue=self._open_overdue)


def documented(world: DemoWorld, open_overdue: int = 0, **options: Any) -> DemoWorld:
    """The same deployment with other options of `DemoWorld`, in which everybody's identity document was verified."""
    return world.variant(source=DocumentedSource(world, open_overdue), **options)

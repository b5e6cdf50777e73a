"""The tasks that one process at a time runs for the whole deployment, at intervals: due transitions and scores, the
purge, reminders, notices and checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.kit.logging import get_logger
from gateway.services.checkpoints import CheckpointService
from gateway.services.decisions.disputes import DisputeService
from gateway.services.decisions.scheduler import DecisionScheduler
from gateway.services.notices.outward import LetterWriter
from gateway.services.notices.reminders import ReminderService
from gateway.services.notices.sending import NoticeSender
from gateway.services.processes import ProcessRegistry
from gateway.services.purge import PurgeService
from gateway.services.sandbox.reviews import PersonaReviewService
from gateway.services.scoring.record_disputes import RecordDisputeService
from gateway.services.scoring.scheduler import ScoreScheduler
from gateway.services.webhooks.announcements import AnnouncementService

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DueWork:
    """The services that do what falls due at a business time. Each works for all partners, and several processes can
    use it at once: everything is done once. Only a sandbox has `persona_reviews`."""

    scheduler: DecisionScheduler
    disputes: DisputeService
    record_disputes: RecordDisputeService
    scores: ScoreScheduler
    reminders: ReminderService
    announcements: AnnouncementService
    persona_reviews: PersonaReviewService | None = None


class DeploymentTasks:
    """Each task does nothing while another process runs the tasks, and asks again at its next interval. A process that
    was suspended in a task, and replaced, ends the task before its next unit of work. If two processes were in a task
    nevertheless, each transition would still be applied once, because each unit locks what it changes."""

    def __init__(
        self,
        processes: ProcessRegistry,
        due: DueWork,
        purges: PurgeService,
        checkpoints: CheckpointService,
        notices: NoticeSender,
    ) -> None:
        self._processes, self._due = processes, due
        self._purges, self._checkpoints, self._notices = purges, checkpoints, notices

    def apply_due(self) -> int:
        """Applies due transitions of decisions, and upholds unanswered disputes. Then computes due scores, for a
        limited time. Returns how many decisions and disputes changed. Raises Outage."""
        may_run = self._processes.hold_tasks
        if not may_run():
            return 0
        changed = self._due.scheduler.apply_due(may_run) + self._due.disputes.uphold_unanswered(may_run)
        changed += self._due.record_disputes.uphold_due(may_run)
        if self._due.persona_reviews is not None:
            changed += self._due.persona_reviews.decide_due(may_run)
        computed = self._due.scores.compute_due(may_run)
        if computed:
            _log.info("scores_computed", persons=computed)
        return changed

    def purge(self) -> Mapping[str, int]:
        """Deletes expired rows. Returns the number of deleted rows by table, without tables that had none. Raises
        Outage."""
        may_run = self._processes.hold_tasks
        if not may_run():
            return {}
        return {table: rows for table, rows in self._purges.purge(may_continue=may_run).items() if rows}

    def write_reminders(self) -> int:
        """Writes the notices to persons in advance of a date, and what only time tells merchants. Returns how many.
        Raises Outage."""
        may_run = self._processes.hold_tasks
        if not may_run():
            return 0
        return self._due.reminders.write_due(may_run) + self._due.announcements.write_due(may_run)

    def send_notices(self, write: LetterWriter) -> int:
        """Sends the notices that are due, with the texts that `write` returns. Returns how many were accepted. Raises
        Outage."""
        may_run = self._processes.hold_tasks
        return self._notices.send_due(write, may_run) if may_run() else 0

    def sign_checkpoints(self) -> None:
        """Signs checkpoints of the logs. Logs what prevents it. Raises Outage."""
        if self._processes.hold_tasks():
            self._checkpoints.sign_or_log()

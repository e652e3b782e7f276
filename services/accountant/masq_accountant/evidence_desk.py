"""Answer the bus about evidence: statements for debtors, disputes and reconciliation for us."""

from masq_accountant.ledger.evidence import Dispute
from masq_accountant.notary import Notary
from masq_accountant.reconciler import Reconciler
from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, Refusal
from masq_kernel.bus.messages.evidence import (
    DisputesListed,
    DisputesRequested,
    DisputeState,
    ReconciliationRequested,
    ReconciliationState,
    StatementGiven,
    StatementRequested,
)
from masq_kernel.bus.port import Bus
from masq_kernel.errors import MalformedError
from masq_kernel.identity.keys import NodeId

__all__ = ["EvidenceDesk", "serve_evidence"]

FINDINGS_SHOWN_MAX = 2_000
DISPUTES_SHOWN_MAX = 500
"""A message on the bus has a limit; one dispute has up to 1.2 kB."""


class EvidenceDesk:
    """Presents notary and reconciler.

    Args:
        own: this node.
        notary, reconciler: who know.
    """

    def __init__(self, own: NodeId, notary: Notary, reconciler: Reconciler) -> None:
        self._own, self._notary, self._reconciler = own, notary, reconciler

    async def on_statement(self, message: StatementRequested) -> StatementGiven:
        """Answer a debtor."""
        try:
            return StatementGiven(statement=self._notary.answer(message.question))
        except MalformedError as error:
            raise BusRefused(Refusal.INVALID, str(error)) from None

    async def on_disputes(self, message: DisputesRequested) -> DisputesListed:
        """List disputes, the newest first."""
        known = sorted(self._notary.disputes.values(), key=lambda each: each.since, reverse=True)
        shown = [each for each in known if each.closed_at is None or not message.is_open]
        return DisputesListed(disputes=tuple(map(self._show, shown[:DISPUTES_SHOWN_MAX])))

    async def on_reconcile(self, message: ReconciliationRequested) -> ReconciliationState:
        """Say how far it is; begin one if asked and none goes on."""
        if message.start:
            node_id = message.node_id
            if node_id is not None and node_id not in self._notary.creditors():
                raise BusRefused(Refusal.NOT_FOUND, "we have never owed this node anything")
            self._reconciler.start(node_id)
        return ReconciliationState(
            is_running=self._reconciler.is_running,
            finished_at=self._reconciler.finished_at,
            findings=self._reconciler.findings[:FINDINGS_SHOWN_MAX],
        )

    def _show(self, dispute: Dispute) -> DisputeState:
        return DisputeState(
            node_id=dispute.node_id,
            wallet=dispute.wallet,
            side="creditor" if dispute.node_id == self._own else "debtor",
            ours=str(dispute.ours),
            theirs=str(dispute.theirs),
            since=dispute.since,
            seen_at=dispute.seen_at,
            closed_at=dispute.closed_at,
            ours_signed=dispute.ours_signed,
            theirs_signed=dispute.theirs_signed,
        )


async def serve_evidence(bus: Bus, desk: EvidenceDesk) -> None:
    """Answer questions."""
    await bus.serve(subjects.STATEMENT, desk.on_statement)
    await bus.serve(subjects.DISPUTES, desk.on_disputes)
    await bus.serve(subjects.RECONCILE, desk.on_reconcile)

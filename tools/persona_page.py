"""The reference page of the personas: their scores, and what each gets for the ordinary ask of each adapter."""

from collections.abc import Callable

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.decisions.exposure import CreditLimits
from gateway.domain.decisions.outcome import Approval, Decline, Outcome
from gateway.domain.scoring.tier import tier_of
from gateway.services.identity.persona_records import CATALOGUE
from gateway.services.policies.ordinary_asks import decide_ordinary_ask
from gateway.settings import Settings
from merchants.adapter import Person
from merchants.registry import discover
from tools.adapter_pages import BUILT_IN

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]


def persona_page(table: Table) -> tuple[str, str]:
    """Returns title and body of the page."""
    adapters = list(discover(BUILT_IN).values())
    limits = CreditLimits.parse(Settings.model_fields["credit_limits"].default)
    outcomes = {
        (each.handle, adapter.key): decide_ordinary_ask(adapter, Person(tier_of(each.score), each.overdue), limits)
        for each in CATALOGUE
        for adapter in adapters
    }
    personas = [
        (f"`{each.handle}`", str(each.score or "none"), f"`{tier_of(each.score)}`", each.summary) for each in CATALOGUE
    ]
    answers = [
        (
            f"[{adapter.key}](adapters/{adapter.key}.md): {adapter.requested_amount(adapter.ordinary_case.ask).amount}",
            *(outcome_cell(outcomes[each.handle, adapter.key].outcome) for each in CATALOGUE),
        )
        for adapter in adapters
    ]
    parts = [
        "Every partner of a sandbox has these personas. They sign in as `handle@partner`, such as `excellent@demo`.",
        table(("handle", "score", "tier", "what it is for"), personas),
        "## What each one gets",
        "The first column has an adapter and the amount of its ordinary ask, which is its first golden case. The other"
        " columns have the outcome for a new persona: the amount at risk of an approval, or the reasons of a decline. A"
        " reason after an amount says why the approval is less than requested. The outcomes are computed by the"
        " built-in policies and the default credit limits. A test previews and requests each of them over the API.",
        table(("ask", *(each.handle for each in CATALOGUE)), answers),
        "What you do with a persona moves its score, and its open obligations use its credit limit."
        " `gateway sandbox reset` makes new ones. The page `/partners/personas` of a sandbox shows the same for your"
        " own merchants, with their policy overrides, and for personas that you made.",
    ]
    return "Personas", "\n\n".join(parts)


def outcome_cell(outcome: Outcome) -> str:
    """Returns the cell of the table for an outcome."""
    reasons = " ".join(f"`{code}`" for code in outcome.reasons)
    if isinstance(outcome, Decline):
        return f"declined {reasons}"
    if not isinstance(outcome, Approval):
        return f"manual review {reasons}".rstrip()
    terms = outcome.terms
    parts = [f"{terms.exposed.amount}"]
    if isinstance(terms, CreditOfferTerms):
        parts.append(f"at {terms.apr_percent.normalize():f} %")
    if isinstance(terms, CheckInTerms) and terms.skip_front_desk:
        parts.append("without the front desk")
    return " ".join((*parts, reasons)).rstrip()

"""The texts of notices, for the inbox and for mails. They name the merchant and the product, but no amount, no score
and nothing that anybody has written."""

from dataclasses import dataclass

from gateway.domain.notices.notice import Notice, NoticeKind
from gateway.services.notices.inbox import NamedNotice
from gateway.services.notices.outward import LetterText, LetterWriter
from gateway.web.site.consent_parts import PRODUCTS
from gateway.web.site.contest_deadline import describe_contest_deadline
from gateway.web.site.redirects import ACCOUNT
from gateway.web.texts import Texts, all_texts, msgid

INBOX = f"{ACCOUNT}/inbox"
INBOX_SETTINGS = f"{INBOX}/settings"
TITLES = {
    NoticeKind.CONSENT_GRANTED: msgid("You gave a consent"),
    NoticeKind.CONSENT_FIRST_USED: msgid("A consent was used for the first time"),
    NoticeKind.CONSENT_EXPIRING: msgid("A consent ends soon"),
    NoticeKind.DECISION_MADE: msgid("A decision about you"),
    NoticeKind.DUE_SOON: msgid("An agreement is due soon"),
    NoticeKind.OVERDUE: msgid("An agreement is overdue"),
    NoticeKind.BREACH_REPORTED: msgid("A broken agreement was reported"),
    NoticeKind.CLAIM_UNCONFIRMED: msgid("An agreement is overdue, although you said that you have kept it"),
    NoticeKind.CLAIM_ACCEPTED: msgid("A merchant did not contradict you"),
    NoticeKind.CLAIM_CONTRADICTED: msgid("A merchant contradicted you"),
    NoticeKind.DISPUTE_ANSWERED: msgid("Your dispute was answered"),
    NoticeKind.DISPUTE_RESOLVED: msgid("Your dispute was decided"),
    NoticeKind.SIGN_IN: msgid("A sign-in from another browser"),
}
_SENTENCES = {
    NoticeKind.CONSENT_GRANTED: msgid("You gave a consent to %(merchant)s. You can end it at any time."),
    NoticeKind.CONSENT_FIRST_USED: msgid(
        "%(merchant)s used your consent for the first time. You can see on your account page what it asked for, and end"
        " the consent at any time."
    ),
    NoticeKind.CONSENT_EXPIRING: msgid("Your consent to %(merchant)s ends on %(date)s."),
    NoticeKind.DECISION_MADE: msgid("%(merchant)s received a decision about you: %(product)s."),
    NoticeKind.DUE_SOON: msgid("Your agreement with %(merchant)s is due on %(date)s: %(product)s."),
    NoticeKind.OVERDUE: msgid(
        "Your agreement with %(merchant)s is overdue: %(product)s. If that is wrong, you can dispute it."
    ),
    NoticeKind.BREACH_REPORTED: msgid("%(merchant)s reported that you broke an agreement: %(product)s."),
    NoticeKind.CLAIM_UNCONFIRMED: msgid(
        "%(merchant)s was told that you have kept an agreement, and has not confirmed it yet: %(product)s. So it is"
        " overdue now. You can dispute that."
    ),
    NoticeKind.CLAIM_ACCEPTED: msgid(
        "You said that you have kept an agreement, and %(merchant)s did not contradict you: %(product)s. It counts as"
        " kept for your score."
    ),
    NoticeKind.CLAIM_CONTRADICTED: msgid(
        "You said that you have kept an agreement, and %(merchant)s reported something else: %(product)s. The page of"
        " the agreement shows what it reported."
    ),
    NoticeKind.DISPUTE_ANSWERED: msgid(
        "%(merchant)s does not agree with your dispute. The operator of this service decides."
    ),
    NoticeKind.DISPUTE_RESOLVED: msgid("Your dispute with %(merchant)s was decided."),
    NoticeKind.SIGN_IN: msgid(
        "Somebody signed in to your account from a browser in which you have not signed in before. If it was not you,"
        " sign out in all browsers, and tell the operator of this service."
    ),
}
_INBOX_LINK = msgid("Your inbox: %(address)s")
_CHOICE_LINK = msgid("What is sent to you: %(address)s")
_RECORD_DISPUTE = msgid("Your dispute about a record was decided.")
_CONSENTS = frozenset({NoticeKind.CONSENT_GRANTED, NoticeKind.CONSENT_FIRST_USED, NoticeKind.CONSENT_EXPIRING})


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice in the inbox. `address` is the page of what it is about."""

    id: str
    title: str
    sentence: str
    moment: str
    address: str
    is_unread: bool


def describe_notice(texts: Texts, named: NamedNotice) -> NoticeView:
    """The view of the notice in the person's language."""
    notice = named.notice
    return NoticeView(
        id=notice.id,
        title=texts.gettext(TITLES[notice.kind]),
        sentence=describe_event(texts, named),
        moment=texts.moment(notice.created_at),
        address=_address(notice),
        is_unread=notice.read_at is None,
    )


def describe_event(texts: Texts, named: NamedNotice) -> str:
    """The sentences about what the notice reports."""
    notice = named.notice
    if notice.kind is NoticeKind.DISPUTE_RESOLVED and notice.merchant_id is None:
        return texts.gettext(_RECORD_DISPUTE)
    sentence = texts.gettext(
        _SENTENCES[notice.kind],
        merchant=named.merchant_name,
        product=texts.gettext(PRODUCTS[notice.product]) if notice.product is not None else "",
        date=texts.date(notice.business_at) if notice.business_at is not None else "",
    )
    if named.contest_window is None:
        return sentence
    return sentence + texts.gap + describe_contest_deadline(texts, named.contest_window)


def make_letter_writer(issuer: str) -> LetterWriter:
    """Returns the function that writes the texts of mails, with links to the pages of this issuer."""

    def write(named: NamedNotice, language: str) -> LetterText:
        texts, link = all_texts()[language], f"{issuer}{INBOX}"
        sentence = describe_event(texts, named)
        lines = [
            sentence,
            texts.gettext(_INBOX_LINK, address=link),
            texts.gettext(_CHOICE_LINK, address=f"{issuer}{INBOX_SETTINGS}"),
        ]
        return LetterText(texts.gettext(TITLES[named.notice.kind]), sentence, "\n\n".join(lines) + "\n", link)

    return write


def _address(notice: Notice) -> str:
    if notice.subject_id is None:
        return ACCOUNT
    if notice.kind in _CONSENTS:
        return f"{ACCOUNT}#name-{notice.subject_id}"
    folder = "decisions" if notice.merchant_id is not None else "records"
    return f"{ACCOUNT}/{folder}/{notice.subject_id}"

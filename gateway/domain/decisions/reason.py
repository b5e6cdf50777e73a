"""The catalogue of reason codes, with texts for the merchant and for the person.

The merchant's text says why the request was declined or reduced. It contains no amounts, dates or other merchants. The
advice says what the person can do about it; only the person sees it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.domain.text import Texts


@dataclass(frozen=True, slots=True)
class ReasonText:
    """One reason code. `merchant` and `user` say why, `advice` says what the person can do."""

    code: str
    merchant: Texts
    user: Texts
    advice: Texts
    merchant_may_see: bool = True


_CATALOGUE = (
    ReasonText(
        code="TIER_BELOW_REQUIRED",
        merchant=Texts("The score tier is below the one this product requires.", "信用等级未达到该产品的要求。"),
        user=Texts(
            "Your score tier is below the one that this request requires.", "您的信用等级未达到本次申请的要求。"
        ),
        advice=Texts(
            "Each agreement that you complete on time can raise your score. To start, verify an identity document and"
            " make small agreements, one at a time. Agreements for which you paid a deposit count too.",
            "每按时完成一项约定，信用分都可能提高。刚开始时，请先验证身份证件，再逐项达成小额约定；已付押金的约定也计入。",
        ),
    ),
    ReasonText(
        code="OPEN_OVERDUE_OBLIGATION",
        merchant=Texts(
            "The person has an overdue agreement. Requests can be approved once it is settled.",
            "有一项较早的约定已过期且尚未了结；了结后可再次申请。",
        ),
        user=Texts("One of your agreements is overdue.", "您有一项约定已过期且尚未了结。"),
        advice=Texts(
            "Settle or return what is overdue: your account page lists it. If an entry is wrong, dispute it there; it"
            " does not count while it is reviewed.",
            "请结清或归还逾期的项目，账户页面上有明细。如果记录有误，可以在那里提出异议；核查期间不计入。",
        ),
    ),
    ReasonText(
        code="OPEN_BREACH",
        merchant=Texts(
            "A merchant has reported that the person broke an agreement. Requests can be approved once it is settled.",
            "有商家报告该用户未履行一项约定，且尚未了结；了结后可再次申请。",
        ),
        user=Texts("A merchant has reported that you broke an agreement.", "有商家报告您未履行一项约定，且尚未了结。"),
        advice=Texts(
            "Settle the agreement: your account page lists it. If the report is wrong and you can still dispute it,"
            " dispute it there; it does not count while it is reviewed.",
            "请了结该约定，账户页面上有明细。如果报告有误且仍可提出异议，可以在那里提出；核查期间不计入。",
        ),
    ),
    ReasonText(
        code="NOT_SCORED",
        merchant=Texts("The person has no score yet.", "该用户尚无信用分。"),
        user=Texts("You do not have a score yet.", "您还没有信用分。"),
        advice=Texts(
            "You get a score once there are enough records of completed agreements. To start, verify an identity"
            " document and make small agreements, one at a time. Agreements for which you paid a deposit count too.",
            "履约记录足够后即会生成信用分。刚开始时，请先验证身份证件，再逐项达成小额约定；已付押金的约定也计入。",
        ),
    ),
    ReasonText(
        code="AMOUNT_ABOVE_TIER_LIMIT",
        merchant=Texts("The amount is above the limit for the score tier.", "申请金额超过该信用等级对应的上限。"),
        user=Texts("The amount is above the limit for your score tier.", "申请金额超过您的信用等级对应的上限。"),
        advice=Texts(
            "A smaller amount may be granted in full. The limit grows with your tier.",
            "较小的金额可能获得全额批准。上限会随信用等级提高。",
        ),
    ),
    ReasonText(
        code="AMOUNT_TOO_SMALL",
        merchant=Texts(
            "The part of this amount that the score tier allows is less than the smallest unit of the currency.",
            "该信用等级可批准的部分不足该货币的最小单位。",
        ),
        user=Texts(
            "The part of this amount that your score tier allows is less than the smallest unit of the currency.",
            "您的信用等级可获批的部分不足该货币的最小单位。",
        ),
        advice=Texts(
            "The amount is very small: just pay it this time. A higher tier covers all of it.",
            "金额很小，本次直接支付即可。信用等级更高时可获全额批准。",
        ),
    ),
    ReasonText(
        code="EXPOSURE_LIMIT_REACHED",
        merchant=Texts(
            "The person's open decisions leave too little of the credit limit for the full amount. A smaller request"
            " may be approved, or a later one, when an open decision has ended.",
            "该用户尚未了结的决定占用了信用额度，余额不足以支持本次全部金额；可申请较小金额，或待其中一项了结后再试。",
        ),
        user=Texts(
            "Your open agreements leave too little of your limit for the full amount.",
            "您尚未了结的约定合计后，额度不足以支持本次全部金额。",
        ),
        advice=Texts(
            "Complete or cancel an open agreement, or ask for a smaller amount. Your limit grows with your tier.",
            "可先完成或取消一项进行中的约定，或申请较小的金额。额度会随信用等级提高。",
        ),
    ),
    ReasonText(
        code="REDUCED_FOR_TIER",
        merchant=Texts("A part was granted, as set for the score tier.", "已按信用等级批准其中一部分。"),
        user=Texts("A part was granted, as set for your score tier.", "已按您的信用等级批准其中一部分。"),
        advice=Texts(
            "A higher tier covers a larger part. Completing this agreement on time counts towards it.",
            "信用等级越高，覆盖的部分越大。如约完成本次约定会有助于提升等级。",
        ),
    ),
    ReasonText(
        code="STARTER_LIMIT",
        merchant=Texts("A first small amount was granted.", "已批准一笔起步小额。"),
        user=Texts(
            "A small amount was granted, so that you can start. One such agreement can be open at a time.",
            "已为您批准一笔起步小额。同一时间只能有一项此类约定。",
        ),
        advice=Texts(
            "Completing this agreement on time counts towards a higher tier. Then you can make the next one.",
            "按时完成本次约定有助于提升等级；完成后即可达成下一项约定。",
        ),
    ),
    ReasonText(
        code="REDUCTION_NOT_ACCEPTED",
        merchant=Texts(
            "Only a part could be granted, and the request does not accept a partial approval.",
            "只能批准其中一部分，而本次申请不接受部分批准。",
        ),
        user=Texts(
            "Only a part could be granted, and the merchant accepts only the full amount.",
            "只能批准其中一部分，而商家只接受全额。",
        ),
        advice=Texts(
            "Ask the merchant whether a reduced amount is possible; a part would be granted today.",
            "可以询问商家是否接受部分减免；今天即可批准其中一部分。",
        ),
    ),
    ReasonText(
        code="TERM_TOO_LONG",
        merchant=Texts(
            "The time asked for is longer than the score tier allows; a shorter one may be granted at once.",
            "申请的期限超过该信用等级允许的长度；较短的期限可能立即获批。",
        ),
        user=Texts(
            "The time asked for is longer than your score tier allows.", "申请的期限超过您的信用等级允许的长度。"
        ),
        advice=Texts(
            "A shorter time may be granted at once. The time allowed grows with your tier.",
            "较短的期限可能立即获批。允许的期限会随信用等级延长。",
        ),
    ),
    ReasonText(
        code="TERM_SHORTENED",
        merchant=Texts(
            "A shorter time than asked for was granted, as set for the score tier.",
            "已按信用等级批准，期限短于申请的期限。",
        ),
        user=Texts(
            "A shorter time than asked for was granted, as set for your score tier.",
            "已按您的信用等级批准，期限短于申请的期限。",
        ),
        advice=Texts(
            "Note the earlier date in the terms. Being on time counts towards a higher tier; it allows a longer time.",
            "请留意条款中提前的日期。按时完成有助于提升等级，等级越高，允许的期限越长。",
        ),
    ),
)

REASONS: Mapping[str, ReasonText] = MappingProxyType({reason.code: reason for reason in _CATALOGUE})
"""Every reason by its code."""


def seen_by_merchant(codes: Iterable[str]) -> tuple[str, ...]:
    """Returns the codes that a merchant may see, in their order. Raises KeyError for an unknown code."""
    return tuple(code for code in codes if REASONS[code].merchant_may_see)

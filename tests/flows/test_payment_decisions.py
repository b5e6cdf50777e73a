"""Payments after delivery, one scenario per industry: from consent to the last payment, with the available limit at
each step."""

from datetime import timedelta

from tests.support.asks import credit, purchase, stay
from tests.support.merchant_client import order, yuan
from tests.support.merchant_decision import active, approved, breached, fulfilled, parse_time
from tests.support.point_of_sale import token_at_point_of_sale
from tests.support.scenario import CREDIT_LIMIT, AvailableIs, OpenScenario, product_consent

DAY = timedelta(days=1)


def test_extended_hotel_stay_paid_at_check_out(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    hotel = open_scenario("hotel", product_consent("EXPRESS_CHECK_IN", "1800.00"))
    ask = stay("800.00", "500.00")
    expected_terms = {"depositDue": "0.00", "incidentalsLimit": "800.00", "skipFrontDesk": True, "payAtCheckOut": True}
    assert expected_terms.items() <= (hotel.preview(ask) or {}).items()
    room = hotel.approve(ask)
    assert expected_terms.items() <= room.terms.items()
    check_out = parse_time(ask["hotelStay"]["stay"]["end"])
    assert parse_time(room.terms["stay"]["end"]) == room.due_at == check_out
    assert room.summary == approved("1800.00"), "the deposit, and two nights that are paid at check-out"
    assert room.transition("activate") == active("1800.00", "0.00", "1800.00")
    room.transition("extend", dueAt=(check_out + DAY).isoformat(), reason="One more night")
    assert room.due_at == check_out + DAY
    assert available_is("28200.00")
    assert room.transition("part", amount=yuan("1000.00")) == active("1800.00", "1000.00", "800.00")
    assert available_is("29200.00"), "the nights are paid, the minibar is still open"
    assert room.transition("part", amount=yuan("635.50")) == active("1800.00", "1635.50", "164.50")
    assert room.transition("fulfill") == fulfilled("1800.00")
    assert room.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "EXTENDED by MERCHANT: One more night",
        "PART_SETTLED by MERCHANT",
        "PART_SETTLED by MERCHANT",
        "FULFILLED by MERCHANT",
    ]


def test_unpaid_hotel_stay_is_cured(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    lotus = open_scenario("lotus_hotels", product_consent("EXPRESS_CHECK_IN", "8500.00"))
    suite = stay("6500.00", "1000.00")
    assert (lotus.preview(suite) or {})["depositDue"] == "1500.00", "Lotus waives up to 5,000 of a deposit"
    booked = lotus.approve(suite, "AMOUNT_ABOVE_TIER_LIMIT")
    assert booked.terms["skipFrontDesk"] is False, "a part of the deposit is taken at the desk"
    assert booked.terms["payAtCheckOut"] is True
    assert booked.summary == approved("7000.00")
    assert booked.transition("cancel").status == "CANCELLED"
    assert available_is(CREDIT_LIMIT), "the guest takes a smaller room instead"

    room = lotus.approve(stay("1000.00", "600.00"))
    assert (room.terms["incidentalsLimit"], room.terms["skipFrontDesk"]) == ("1000.00", True)
    assert room.transition("activate") == active("2200.00", "0.00", "2200.00")
    assert room.user_error("cancel") == ("INVALID_TRANSITION", None)
    unpaid = {"amountOutstanding": yuan("1200.00"), "note": "Two nights, gone before breakfast"}
    assert room.transition("breach", **unpaid) == breached("2200.00", "1000.00", "1200.00")
    assert available_is("28800.00")
    assert room.transition("fulfill", settledAmount=yuan("1200.00")) == fulfilled("2200.00")
    assert room.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "BREACHED by MERCHANT: Two nights, gone before breakfast",
        "FULFILLED by MERCHANT",
    ]


def test_online_order_paid_in_three_instalments(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    shop = open_scenario("online_shop", product_consent("PAY_LATER", "4500.00"))
    assert (shop.preview(order("4500.00", "P30D")) or {})["amount"] == "4500.00"
    parcel = shop.approve(order("4500.00", "P30D", category="shoes"))
    assert {"amount": "4500.00", "gracePeriod": "P3D"}.items() <= parcel.terms.items()
    assert parse_time(parcel.terms["dueAt"]) == parcel.due_at
    assert parcel.due_after(30 * DAY)
    assert parcel.transition("activate") == active("4500.00", "0.00", "4500.00")
    assert parcel.transition("part", amount=yuan("1500.00")) == active("4500.00", "1500.00", "3000.00")
    assert available_is("27000.00")
    later = parcel.due_at + 7 * DAY
    parcel.transition("extend", dueAt=later.isoformat(), reason="The second parcel came late")
    assert (parcel.due_at, parcel.due_after(37 * DAY)) == (later, True)
    assert parcel.transition("part", amount=yuan("1500.00")) == active("4500.00", "3000.00", "1500.00")
    too_much = ("INVALID_AMOUNT", ["input", "settledAmount", "amount"])
    assert parcel.user_error("part", amount=yuan("1500.01")) == too_much
    assert parcel.transition("part", amount=yuan("1500.00")) == fulfilled("4500.00"), (
        "the last part settles the decision"
    )
    assert parcel.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "PART_SETTLED by MERCHANT",
        "EXTENDED by MERCHANT: The second parcel came late",
        "PART_SETTLED by MERCHANT",
        "FULFILLED by MERCHANT",
    ]


def test_store_purchase_returned_in_part(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    store = open_scenario("retail_store", token_at_point_of_sale)
    bag = store.approve(purchase("268.00", "P30D"))
    assert {"amount": "268.00", "gracePeriod": "P3D"}.items() <= bag.terms.items()
    assert bag.summary == approved("268.00")
    assert bag.due_after(30 * DAY)
    assert store.user_error(purchase("268.00", "P30D")) == "CONSENT_EXPIRED", "the consent was for one purchase"
    # The consent is used up, and the obligation under it continues.
    assert bag.transition("activate") == active("268.00", "0.00", "268.00")
    assert available_is("29732.00")
    returned = {"amount": yuan("148.10"), "reason": "A shirt was brought back"}
    assert bag.transition("reduce", **returned) == active("148.10", "0.00", "148.10")
    assert available_is("29851.90")
    assert bag.transition("fulfill") == fulfilled("148.10")
    assert bag.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "REDUCED by MERCHANT: A shirt was brought back",
        "FULFILLED by MERCHANT",
    ]


def test_online_order_returned_in_part(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    shop = open_scenario("online_shop", product_consent("PAY_LATER", "500.00"))
    parcel = shop.approve(order("500.00"))
    too_early = {"amount": yuan("300.00"), "reason": "One item came back"}
    assert parcel.user_error("reduce", **too_early) == ("INVALID_TRANSITION", None)
    assert parcel.transition("activate") == active("500.00", "0.00", "500.00")
    terms, due_at = parcel.terms, parcel.due_at
    assert parcel.transition("reduce", **too_early) == active("300.00", "0.00", "300.00")
    assert (parcel.terms, parcel.due_at) == (terms, due_at), "what was approved does not change"
    assert available_is("29700.00")
    not_less = ("INVALID_AMOUNT", ["input", "newAmount", "amount"])
    assert parcel.user_error("reduce", amount=yuan("300.00")) == not_less
    in_euro = {"amount": {"amount": "1.00", "currency": "EUR"}}
    assert parcel.user_error("reduce", **in_euro) == ("UNSUPPORTED_CURRENCY", ["input", "newAmount", "currency"])
    assert shop.receipt(parcel) == ("DECISION_REDUCED", "ACTIVE", "300.00")
    assert parcel.transition("fulfill") == fulfilled("300.00")
    assert parcel.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "REDUCED by MERCHANT: One item came back",
        "FULFILLED by MERCHANT",
    ]
    assert available_is(CREDIT_LIMIT)


def test_order_that_is_returned_is_fulfilled_at_once(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    shop = open_scenario("online_shop", product_consent("PAY_LATER", "500.00"))
    parcel = shop.approve(order("500.00"))
    parcel.transition("activate")
    assert parcel.transition("reduce", amount=yuan("0.00"), reason="All of it came back") == fulfilled("0.00")
    assert parcel.timeline[2:] == ["REDUCED by MERCHANT: All of it came back", "FULFILLED by MERCHANT"]
    assert shop.receipt(parcel) == ("DECISION_FULFILLED", "FULFILLED", "0.00")
    assert available_is(CREDIT_LIMIT)


def test_loan_uses_the_whole_credit_limit_until_repaid(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    lender = open_scenario("lender", product_consent("CREDIT_OFFER", "50000.00"))
    shop = open_scenario("online_shop", product_consent("PAY_LATER", "5000.00"))
    rate = {"baseAprPercent": "12.00", "aprPercent": "10.00", "discountPercent": "2.00"}
    offer = {"__typename": "CreditOfferTerms", "limit": CREDIT_LIMIT, "term": "P180D", **rate}
    assert lender.preview(credit("50000.00", "P180D")) == offer
    loan = lender.approve(credit("50000.00", "P180D"), "AMOUNT_ABOVE_TIER_LIMIT")
    assert loan.terms == offer
    assert loan.summary == approved(CREDIT_LIMIT), "the offered limit, not the requested one"
    assert loan.due_after(180 * DAY)
    assert loan.transition("activate") == active(CREDIT_LIMIT, "0.00", CREDIT_LIMIT)
    assert shop.preview(order("0.01")) is None
    assert shop.decline(order("5000.00")) == ["EXPOSURE_LIMIT_REACHED"], "one credit limit over all merchants"
    assert loan.transition("part", amount=yuan("15000.00")) == active(CREDIT_LIMIT, "15000.00", "15000.00")
    parcel = shop.approve(order("5000.00"))
    assert parcel.transition("activate") == active("5000.00", "0.00", "5000.00")
    later = loan.due_at + 30 * DAY
    loan.transition("extend", dueAt=later.isoformat(), reason="A month without an instalment")
    assert loan.due_at == later
    assert parcel.transition("fulfill") == fulfilled("5000.00")
    assert available_is("15000.00")
    assert loan.transition("part", amount=yuan("14999.99")) == active(CREDIT_LIMIT, "29999.99", "0.01")
    assert loan.transition("part", amount=yuan("0.01")) == fulfilled(CREDIT_LIMIT)
    assert loan.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "PART_SETTLED by MERCHANT",
        "EXTENDED by MERCHANT: A month without an instalment",
        "PART_SETTLED by MERCHANT",
        "FULFILLED by MERCHANT",
    ]

"""Deposit waivers, one scenario per industry: from consent to full settlement, with the person's available limit at
each step."""

from datetime import UTC, datetime, timedelta

from tests.support.asks import home, ride
from tests.support.merchant_client import car, yuan
from tests.support.merchant_decision import active, approved, breached, fulfilled, parse_time
from tests.support.scenario import CREDIT_LIMIT, AvailableIs, OpenScenario, product_consent

DAY = timedelta(days=1)


def test_bike_ride_from_consent_to_settlement(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    city = open_scenario("bike_share", product_consent("DEPOSIT_WAIVER", "299.00"))
    bike = city.approve(ride())
    assert {"waivedAmount": "299.00", "depositDue": "0.00", "returnGrace": "PT6H"}.items() <= bike.terms.items()
    assert bike.summary == approved("299.00")
    assert bike.due_after(DAY)
    assert available_is("29701.00")
    unlocked = datetime.now(UTC).isoformat()
    assert bike.transition("activate", handedOverAt=unlocked) == active("299.00", "0.00", "299.00")
    assert city.user_error(ride()) == "CONSENT_AMOUNT_EXCEEDED", "the person agreed to one bike at a time"
    in_an_hour = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert bike.user_error("fulfill", settledAt=in_an_hour) == ("INVALID_PERIOD", ["input", "settledAt"])
    assert bike.transition("fulfill", settledAt=datetime.now(UTC).isoformat()) == fulfilled("299.00")
    assert bike.timeline == ["APPROVED by GATEWAY", "ACTIVATED by MERCHANT", "FULFILLED by MERCHANT"]
    assert available_is(CREDIT_LIMIT)

    next_one = city.approve(ride())
    assert next_one.transition("cancel", reason="Its lock is jammed").status == "CANCELLED"
    assert next_one.timeline == ["APPROVED by GATEWAY", "CANCELLED by MERCHANT: Its lock is jammed"]


def test_breach_about_a_lost_cargo_bike_is_cured(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    quay = open_scenario("harbour_bikes", product_consent("DEPOSIT_WAIVER", "3500.00"))
    expected_terms = {"originalDeposit": "3500.00", "waivedAmount": "3000.00", "depositDue": "500.00"}
    assert expected_terms.items() <= (quay.preview(ride("3500.00")) or {}).items()
    bike = quay.approve(ride("3500.00"), "AMOUNT_ABOVE_TIER_LIMIT")
    assert expected_terms.items() <= bike.terms.items()
    bike.transition("activate")
    storm = bike.due_at + DAY
    bike.transition("extend", dueAt=storm.isoformat(), reason="A storm, the quay is closed")
    assert bike.due_at == storm
    assert bike.user_error("breach", kind="NOT_RETURNED") == ("TOO_EARLY", ["input", "kind"])
    lost = breached("3000.00", "0.00", "3000.00")
    assert bike.transition("breach", kind="OTHER", note="It sank in the harbour") == lost
    assert available_is("27000.00"), "the lost bike is still owed"
    assert bike.user_error("extend", dueAt=(storm + DAY).isoformat()) == ("INVALID_TRANSITION", None)
    assert bike.user_error("part", amount=yuan("1.00")) == ("INVALID_AMOUNT", ["input", "settledAmount", "amount"])
    assert bike.transition("fulfill") == fulfilled("3000.00")
    assert bike.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "EXTENDED by MERCHANT: A storm, the quay is closed",
        "BREACHED by MERCHANT: It sank in the harbour",
        "FULFILLED by MERCHANT",
    ]
    again = quay.approve(ride("1500.00"))
    assert again.summary == approved("1500.00"), "a cured breach does not count"
    again.end()


def test_extended_car_rental_with_damage(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    rental = open_scenario("car_rental", product_consent("DEPOSIT_WAIVER", "3000.00"))
    asked = car()
    back = parse_time(asked["carRental"]["rental"]["end"])
    assert rental.preview({"carRental": {**asked["carRental"], "acceptReduction": False}}) is not None
    decision = rental.approve(asked)
    assert {"waivedAmount": "3000.00", "depositDue": "0.00", "returnGrace": "P1D"}.items() <= decision.terms.items()
    assert parse_time(decision.terms["returnBy"]) == decision.due_at == back
    assert decision.transition("activate") == active("3000.00", "0.00", "3000.00")
    assert decision.transition(
        "extend", dueAt=(back + 2 * DAY).isoformat(), reason="Two more days by the sea"
    ) == active("3000.00", "0.00", "3000.00")
    assert (decision.due_at, parse_time(decision.terms["returnBy"])) == (back + 2 * DAY, back), (
        "the terms stay the same"
    )
    assert available_is("27000.00")
    dent = {"kind": "DAMAGED", "amountOutstanding": yuan("800.00"), "note": "A dent in the left side"}
    assert decision.transition("breach", **dent) == breached("3000.00", "2200.00", "800.00")
    assert available_is("29200.00")
    assert decision.transition("fulfill") == fulfilled("3000.00")
    assert decision.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "EXTENDED by MERCHANT: Two more days by the sea",
        "BREACHED by MERCHANT: A dent in the left side",
        "FULFILLED by MERCHANT",
    ]


def test_extended_lease_settled_in_two_parts(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    landlord = open_scenario("housing", product_consent("DEPOSIT_WAIVER", "40000.00"))
    asked = home("40000.00", rent="8000.00", days=180)
    flat = landlord.approve(asked, "AMOUNT_ABOVE_TIER_LIMIT")
    three_rents = {"originalDeposit": "40000.00", "waivedAmount": "24000.00", "depositDue": "16000.00"}
    assert {**three_rents, "returnGrace": "P7D"}.items() <= flat.terms.items()
    moving_out = parse_time(asked["houseRental"]["lease"]["end"])
    assert flat.due_at == moving_out
    assert flat.transition("activate") == active("24000.00", "0.00", "24000.00")
    too_far = (moving_out + 367 * DAY).isoformat()
    assert flat.user_error("extend", dueAt=too_far) == ("INVALID_PERIOD", ["input", "dueAt"])
    flat.transition("extend", dueAt=(moving_out + 90 * DAY).isoformat(), reason="The lease goes on until autumn")
    assert flat.due_at == moving_out + 90 * DAY
    assert available_is("6000.00")
    assert flat.transition("part", amount=yuan("20000.00")) == active("24000.00", "20000.00", "4000.00")
    assert available_is("26000.00"), "the rooms are in order, the meters are still to be read"
    assert flat.transition("fulfill") == fulfilled("24000.00")
    assert flat.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "EXTENDED by MERCHANT: The lease goes on until autumn",
        "PART_SETTLED by MERCHANT",
        "FULFILLED by MERCHANT",
    ]

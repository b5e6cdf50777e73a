"""What is lent without a deposit, one story for each trade: from the consent until the thing is back and nothing is
outstanding, and the person's available limit meanwhile."""

from datetime import UTC, datetime, timedelta

from tests.support.asks import home, ride
from tests.support.merchant_decision import active, approved, breached, fulfilled, parse_time
from tests.support.partner import car, yuan
from tests.support.scenario import CREDIT_LIMIT, AvailableIs, OpenScenario, product_consent

DAY = timedelta(days=1)


def test_a_shared_bike_is_back_within_the_hour(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    city = open_scenario("bike_share", product_consent("DEPOSIT_WAIVER", "299.00"))
    bike = city.approve(ride())
    assert {"waivedAmount": "299.00", "depositDue": "0.00", "returnGrace": "PT6H"}.items() <= bike.terms.items()
    assert bike.summary == approved("299.00")
    assert bike.due_after(DAY)
    assert available_is("29701.00")
    unlocked = datetime.now(UTC).isoformat()
    assert bike.transition("activate", handedOverAt=unlocked) == active("299.00", "0.00", "299.00")
    assert city.refusal(ride()) == "CONSENT_AMOUNT_EXCEEDED", "the person agreed to one bike at a time"
    in_an_hour = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert bike.refusal("fulfill", settledAt=in_an_hour) == ("INVALID_PERIOD", ["input", "settledAt"])
    assert bike.transition("fulfill", settledAt=datetime.now(UTC).isoformat()) == fulfilled("299.00")
    assert bike.timeline == ["APPROVED by GATEWAY", "ACTIVATED by MERCHANT", "FULFILLED by MERCHANT"]
    assert available_is(CREDIT_LIMIT)

    next_one = city.approve(ride())
    assert next_one.transition("cancel", reason="Its lock is jammed").status == "CANCELLED"
    assert next_one.timeline == ["APPROVED by GATEWAY", "CANCELLED by MERCHANT: Its lock is jammed"]


def test_a_cargo_bike_goes_missing_and_is_found(open_scenario: OpenScenario, available_is: AvailableIs) -> None:
    quay = open_scenario("harbour_bikes", product_consent("DEPOSIT_WAIVER", "3500.00"))
    promised = {"originalDeposit": "3500.00", "waivedAmount": "3000.00", "depositDue": "500.00"}
    assert promised.items() <= (quay.preview(ride("3500.00")) or {}).items()
    bike = quay.approve(ride("3500.00"), "AMOUNT_ABOVE_TIER_LIMIT")
    assert promised.items() <= bike.terms.items()
    bike.transition("activate")
    storm = bike.due_at + DAY
    bike.transition("extend", dueAt=storm.isoformat(), reason="A storm, the quay is closed")
    assert bike.due_at == storm
    missing = breached("3000.00", "0.00", "3000.00")
    assert bike.transition("breach", kind="NOT_RETURNED") == missing
    assert available_is("27000.00"), "what is missing is still owed"
    assert bike.refusal("extend", dueAt=(storm + DAY).isoformat()) == ("INVALID_TRANSITION", None)
    assert bike.refusal("part", amount=yuan("1.00")) == ("INVALID_AMOUNT", ["input", "settledAmount", "amount"])
    assert bike.transition("fulfill") == fulfilled("3000.00")
    assert bike.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "EXTENDED by MERCHANT: A storm, the quay is closed",
        "BREACHED by MERCHANT",
        "FULFILLED by MERCHANT",
    ]
    again = quay.approve(ride("1500.00"))
    assert again.summary == approved("1500.00"), "what was made good is held against nobody"
    again.end()


def test_a_car_is_kept_two_days_longer_and_comes_back_dented(
    open_scenario: OpenScenario, available_is: AvailableIs
) -> None:
    rental = open_scenario("car_rental", product_consent("DEPOSIT_WAIVER", "3000.00"))
    asked = car()
    back = parse_time(asked["carRental"]["rental"]["end"])
    assert rental.preview({"carRental": {**asked["carRental"], "acceptReduction": False}}) is not None
    promise = rental.approve(asked)
    assert {"waivedAmount": "3000.00", "depositDue": "0.00", "returnGrace": "P1D"}.items() <= promise.terms.items()
    assert parse_time(promise.terms["returnBy"]) == promise.due_at == back
    assert promise.transition("activate") == active("3000.00", "0.00", "3000.00")
    assert promise.transition(
        "extend", dueAt=(back + 2 * DAY).isoformat(), reason="Two more days by the sea"
    ) == active("3000.00", "0.00", "3000.00")
    assert (promise.due_at, parse_time(promise.terms["returnBy"])) == (back + 2 * DAY, back), "terms stay as they were"
    assert available_is("27000.00")
    dent = {"kind": "DAMAGED", "amountOutstanding": yuan("800.00"), "note": "A dent in the left door"}
    assert promise.transition("breach", **dent) == breached("3000.00", "2200.00", "800.00")
    assert available_is("29200.00")
    assert promise.transition("fulfill") == fulfilled("3000.00")
    assert promise.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "EXTENDED by MERCHANT: Two more days by the sea",
        "BREACHED by MERCHANT: A dent in the left door",
        "FULFILLED by MERCHANT",
    ]


def test_a_tenant_stays_three_months_longer_and_gets_the_rooms_checked(
    open_scenario: OpenScenario, available_is: AvailableIs
) -> None:
    landlord = open_scenario("housing", product_consent("DEPOSIT_WAIVER", "40000.00"))
    asked = home("40000.00", rent="8000.00", days=180)
    flat = landlord.approve(asked, "AMOUNT_ABOVE_TIER_LIMIT")
    three_rents = {"originalDeposit": "40000.00", "waivedAmount": "24000.00", "depositDue": "16000.00"}
    assert {**three_rents, "returnGrace": "P7D"}.items() <= flat.terms.items()
    moving_out = parse_time(asked["houseRental"]["lease"]["end"])
    assert flat.due_at == moving_out
    assert flat.transition("activate") == active("24000.00", "0.00", "24000.00")
    too_far = (moving_out + 367 * DAY).isoformat()
    assert flat.refusal("extend", dueAt=too_far) == ("INVALID_PERIOD", ["input", "dueAt"])
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

"""What is lent without a deposit, one story for each trade: from the consent until the thing is back and nothing is
outstanding, and the person's available limit meanwhile."""

from datetime import UTC, datetime, timedelta

from tests.support.asks import home, ride
from tests.support.partner import car, yuan
from tests.support.promise import active, approved, breached, fulfilled, moment
from tests.support.trade import WHOLE, Left, Opened, allowed

DAY = timedelta(days=1)


def test_a_shared_bike_is_back_within_the_hour(opened: Opened, left: Left) -> None:
    city = opened("bike_share", allowed("DEPOSIT_WAIVER", "299.00"))
    bike = city.ask(ride())
    assert {"waivedAmount": "299.00", "depositDue": "0.00", "returnGrace": "PT6H"}.items() <= bike.terms.items()
    assert bike.stands == approved("299.00")
    assert bike.due_after(DAY)
    assert left("29701.00")
    unlocked = datetime.now(UTC).isoformat()
    assert bike.move("activate", handedOverAt=unlocked) == active("299.00", "0.00", "299.00")
    assert city.refusal(ride()) == "CONSENT_AMOUNT_EXCEEDED", "the person agreed to one bike at a time"
    in_an_hour = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert bike.refusal("fulfill", settledAt=in_an_hour) == ("INVALID_PERIOD", ["input", "settledAt"])
    assert bike.move("fulfill", settledAt=datetime.now(UTC).isoformat()) == fulfilled("299.00")
    assert bike.timeline == ["APPROVED by GATEWAY", "ACTIVATED by MERCHANT", "FULFILLED by MERCHANT"]
    assert left(WHOLE)

    next_one = city.ask(ride())
    assert next_one.move("cancel", reason="Its lock is jammed").status == "CANCELLED"
    assert next_one.timeline == ["APPROVED by GATEWAY", "CANCELLED by MERCHANT: Its lock is jammed"]


def test_a_cargo_bike_goes_missing_and_is_found(opened: Opened, left: Left) -> None:
    quay = opened("harbour_bikes", allowed("DEPOSIT_WAIVER", "3500.00"))
    promised = {"originalDeposit": "3500.00", "waivedAmount": "3000.00", "depositDue": "500.00"}
    assert promised.items() <= (quay.preview(ride("3500.00")) or {}).items()
    bike = quay.ask(ride("3500.00"), "AMOUNT_ABOVE_TIER_LIMIT")
    assert promised.items() <= bike.terms.items()
    bike.move("activate")
    storm = bike.due_at + DAY
    bike.move("extend", dueAt=storm.isoformat(), reason="A storm, the quay is closed")
    assert bike.due_at == storm
    missing = breached("3000.00", "0.00", "3000.00")
    assert bike.move("breach", kind="NOT_RETURNED") == missing
    assert left("27000.00"), "what is missing is still owed"
    assert bike.refusal("extend", dueAt=(storm + DAY).isoformat()) == ("INVALID_TRANSITION", None)
    assert bike.refusal("part", amount=yuan("1.00")) == ("INVALID_AMOUNT", ["input", "settledAmount", "amount"])
    assert bike.move("fulfill") == fulfilled("3000.00")
    assert bike.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "EXTENDED by MERCHANT: A storm, the quay is closed",
        "BREACHED by MERCHANT",
        "FULFILLED by MERCHANT",
    ]
    again = quay.ask(ride("1500.00"))
    assert again.stands == approved("1500.00"), "what was made good is held against nobody"
    again.end()


def test_a_car_is_kept_two_days_longer_and_comes_back_dented(opened: Opened, left: Left) -> None:
    rental = opened("car_rental", allowed("DEPOSIT_WAIVER", "3000.00"))
    asked = car()
    back = moment(asked["carRental"]["rental"]["end"])
    assert rental.preview({"carRental": {**asked["carRental"], "acceptReduction": False}}) is not None
    promise = rental.ask(asked)
    assert {"waivedAmount": "3000.00", "depositDue": "0.00", "returnGrace": "P1D"}.items() <= promise.terms.items()
    assert moment(promise.terms["returnBy"]) == promise.due_at == back
    assert promise.move("activate") == active("3000.00", "0.00", "3000.00")
    assert promise.move("extend", dueAt=(back + 2 * DAY).isoformat(), reason="Two more days by the sea") == active(
        "3000.00", "0.00", "3000.00"
    )
    assert (promise.due_at, moment(promise.terms["returnBy"])) == (back + 2 * DAY, back), "terms stay as they were"
    assert left("27000.00")
    dent = {"kind": "DAMAGED", "amountOutstanding": yuan("800.00"), "note": "A dent in the left door"}
    assert promise.move("breach", **dent) == breached("3000.00", "2200.00", "800.00")
    assert left("29200.00")
    assert promise.move("fulfill") == fulfilled("3000.00")
    assert promise.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "EXTENDED by MERCHANT: Two more days by the sea",
        "BREACHED by MERCHANT: A dent in the left door",
        "FULFILLED by MERCHANT",
    ]


def test_a_tenant_stays_three_months_longer_and_gets_the_rooms_checked(opened: Opened, left: Left) -> None:
    landlord = opened("housing", allowed("DEPOSIT_WAIVER", "40000.00"))
    asked = home("40000.00", rent="8000.00", days=180)
    flat = landlord.ask(asked, "AMOUNT_ABOVE_TIER_LIMIT")
    three_rents = {"originalDeposit": "40000.00", "waivedAmount": "24000.00", "depositDue": "16000.00"}
    assert {**three_rents, "returnGrace": "P7D"}.items() <= flat.terms.items()
    moving_out = moment(asked["houseRental"]["lease"]["end"])
    assert flat.due_at == moving_out
    assert flat.move("activate") == active("24000.00", "0.00", "24000.00")
    too_far = (moving_out + 367 * DAY).isoformat()
    assert flat.refusal("extend", dueAt=too_far) == ("INVALID_PERIOD", ["input", "dueAt"])
    flat.move("extend", dueAt=(moving_out + 90 * DAY).isoformat(), reason="The lease goes on until autumn")
    assert flat.due_at == moving_out + 90 * DAY
    assert left("6000.00")
    assert flat.move("part", amount=yuan("20000.00")) == active("24000.00", "20000.00", "4000.00")
    assert left("26000.00"), "the rooms are in order, the meters are still to be read"
    assert flat.move("fulfill") == fulfilled("24000.00")
    assert flat.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "EXTENDED by MERCHANT: The lease goes on until autumn",
        "PART_SETTLED by MERCHANT",
        "FULFILLED by MERCHANT",
    ]

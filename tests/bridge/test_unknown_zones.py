from structlog.testing import capture_logs

from rainbow_exchange.bridge.unknown_zones import UnknownZones


def test_each_appointment_is_counted_and_each_name_is_logged_once() -> None:
    zones = UnknownZones()
    with capture_logs() as logged:
        zones.note(["Nowhere Standard Time", "tzone://Microsoft/Custom"])
        zones.note(["Nowhere Standard Time"])
        zones.note([])
    assert zones.appointments == 3
    assert [(line["event"], line["zone"]) for line in logged] == [
        ("time_zone_unknown", "Nowhere Standard Time"),
        ("time_zone_unknown", "tzone://Microsoft/Custom"),
    ]


def test_what_does_not_look_like_a_zone_is_not_repeated() -> None:
    zones = UnknownZones()
    with capture_logs() as logged:
        zones.note(["a subject; or worse", "x" * 200, "two\nlines"])
    assert [line["zone"] for line in logged] == ["(no name of a zone)"]


def test_the_memory_of_names_is_bounded() -> None:
    zones = UnknownZones()
    with capture_logs() as logged:
        for number in range(250):
            zones.note([f"Nowhere {number}"])
    assert (zones.appointments, len(zones.names), len(logged)) == (250, 100, 100)

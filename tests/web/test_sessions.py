"""A code lets in once and for ten minutes, a session lasts twelve hours, and neither grows without bound."""

from rainbow_exchange.web.sessions import Sessions


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_code_becomes_one_session() -> None:
    sessions = Sessions(Clock())
    code = sessions.mint()

    session = sessions.redeem(code)

    assert session is not None
    assert sessions.knows(session)
    assert sessions.redeem(code) is None
    assert not sessions.knows(code)
    assert not sessions.knows("")
    assert not sessions.knows("é\udcff")


def test_a_code_lasts_ten_minutes_and_a_session_twelve_hours() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    early, late = sessions.mint(), sessions.mint()

    clock.now = 599.9
    session = sessions.redeem(early)
    assert session is not None
    clock.now = 600.0
    assert sessions.redeem(late) is None
    clock.now = 599.9 + 12 * 3600 - 0.1
    assert sessions.knows(session)
    clock.now += 0.2
    assert not sessions.knows(session)


def test_the_oldest_go_when_there_are_too_many() -> None:
    sessions = Sessions(Clock())
    codes = [sessions.mint() for _ in range(17)]
    assert sessions.redeem(codes[0]) is None
    made = [sessions.redeem(code) for code in codes[1:]]
    assert None not in made
    more = [sessions.redeem(sessions.mint()) for _ in range(100)]
    assert not any(sessions.knows(str(session)) for session in made)
    assert all(sessions.knows(str(session)) for session in more)


def test_whoever_tries_codes_out_is_noticed_and_shuts_nobody_out() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    code = sessions.mint()
    for number in range(9):
        assert sessions.redeem(str(number)) is None
    assert not sessions.too_many_refused()
    assert sessions.redeem("x") is None
    assert sessions.too_many_refused()
    assert sessions.redeem(code) is not None
    clock.now = 60.0
    assert not sessions.too_many_refused()

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


def test_a_code_lasts_ten_minutes_and_a_session_an_hour_without_use_and_twelve_at_most() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    early, late = sessions.mint(), sessions.mint()

    clock.now = 599.9
    session = sessions.redeem(early)
    assert session is not None
    clock.now = 600.0
    assert sessions.redeem(late) is None
    for _ in range(13):
        assert sessions.knows(session)
        clock.now += 3300.0
    clock.now = 599.9 + 12 * 3600 - 0.1
    assert sessions.knows(session)
    clock.now += 0.2
    assert not sessions.knows(session)
    unused = sessions.redeem(sessions.mint())
    clock.now += 3599.9
    assert sessions.knows(str(unused))
    clock.now += 3600.0
    assert not sessions.knows(str(unused))


def test_a_session_can_be_ended() -> None:
    sessions = Sessions(Clock())
    one, other = (str(sessions.redeem(sessions.mint())) for _ in range(2))

    sessions.end(one)
    sessions.end("none")
    assert not sessions.knows(one)
    assert sessions.knows(other)


def test_a_session_may_ask_and_change_so_often_and_no_more() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    session = sessions.find(str(sessions.redeem(sessions.mint())))
    assert session is not None

    assert [session.looks.take() for _ in range(201)] == [True] * 200 + [False]
    assert [session.changes.take() for _ in range(31)] == [True] * 30 + [False]
    assert [sessions.strangers.take() for _ in range(61)] == [True] * 60 + [False]
    clock.now += 2.0
    assert [session.looks.take() for _ in range(41)] == [True] * 40 + [False]
    assert [session.changes.take() for _ in range(3)] == [True] * 2 + [False]
    clock.now += 1e6
    assert [session.changes.take() for _ in range(31)] == [True] * 30 + [False]


def test_the_oldest_codes_and_the_sessions_unused_for_longest_go_when_there_are_too_many() -> None:
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

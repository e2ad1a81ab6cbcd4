from rainbow_exchange.cli import check_screen
from rainbow_exchange.diagnosis.check import Result, Verdict

NAME = Result(
    step="exchange-name",
    verdict=Verdict.FAIL,
    text="The name mail.acme.test of the Exchange server is not known here.",
    fix="Check the host in exchange.url.",
    cause="exchange-name-unknown",
    seconds=2.04,
)
TCP = Result(
    step="exchange-tcp", verdict=Verdict.SKIP, text="Not run, since exchange-name failed.", because="exchange-name"
)


def test_a_step_is_a_line_and_what_to_do_another() -> None:
    assert list(check_screen.lines(NAME, width=14)) == [
        "FAIL  exchange-name   The name mail.acme.test of the Exchange server is not known here. (2.0 s)",
        "                      Next step: Check the host in exchange.url.",
    ]
    assert list(check_screen.lines(TCP, width=14)) == [
        "skip  exchange-tcp    Not run, since exchange-name failed.",
    ]


def test_the_last_line_counts_and_says_where_to_begin() -> None:
    assert check_screen.last([NAME, TCP]) == "1 fail, 1 skip. Begin with exchange-name."
    assert check_screen.last([TCP]) == "1 skip."


def test_whoever_lacks_people_to_try_is_not_what_to_begin_with() -> None:
    wants = Result(step="mailbox", verdict=Verdict.FAIL, text="Nobody.", facts={"unlisted": "401500"})
    why = Result(step="rainbow-sign-in", verdict=Verdict.FAIL, text="Refused.")
    assert check_screen.last([wants, why]).endswith("Begin with rainbow-sign-in.")
    assert check_screen.last([wants]).endswith("Begin with mailbox.")

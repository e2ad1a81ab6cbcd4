import pytest

from rainbow_exchange.errors import UserError
from rainbow_exchange.lab import dialing
from rainbow_exchange.lab.exchange.dials import Dials as ExchangeDials
from rainbow_exchange.lab.exchange.throttling import PRESETS
from rainbow_exchange.lab.rainbow.dials import Dials as RainbowDials


def faults(*written: str) -> tuple[str, ...]:
    with pytest.raises(UserError) as raised:
        dialing.read(written)
    return raised.value.problems


def test_dials_go_to_the_side_that_has_them() -> None:
    positions = dialing.read(
        ["stream_limit=3", "heartbeat_seconds=1", "silence=true", 'faults={"FindItem": "ErrorTimeoutExpired"}',
         "token_seconds=60", "ask=false"]
    )  # fmt: skip
    assert positions.exchange == {
        "stream_limit": 3,
        "heartbeat_seconds": 1,
        "silence": True,
        "faults": {"FindItem": "ErrorTimeoutExpired"},
    }
    assert positions.rainbow == {"token_seconds": 60, "ask": False}


def test_a_text_may_stand_without_quotes_and_may_hold_an_equals_sign() -> None:
    assert dialing.read(["server_busy=http"]).exchange == {"server_busy": "http"}
    assert dialing.read(['server_busy="http"']).exchange == {"server_busy": "http"}
    assert dialing.read(["refuse_path=?a=b"]).rainbow == {"refuse_path": "?a=b"}


def test_all_faults_are_told_each_with_the_dial_and_what_it_takes() -> None:
    said = faults("stream_limit=x", "stream_limit", "faults=[1]", "paging=odd", "ask=1", "nothing=1")
    assert said[:3] == (
        "--dial stream_limit=x: stream_limit takes a whole number; at start it is 10.",
        "--dial stream_limit: write stream_limit=VALUE.",
        '--dial faults=[1]: faults takes an object such as {"a": "b"}; at start it is {}.',
    )
    assert said[3] == "--dial paging=odd: paging takes honest, short, repeated, moving, adds, removes, swaps."
    assert said[4].startswith("--dial ask=1: ask takes ")
    assert said[5].startswith("--dial nothing: no dial is called so. There are impersonation, ")
    assert "token_seconds" in said[5]


@pytest.mark.parametrize(
    ("written", "takes"),
    [
        ("server_busy=nope", 'server_busy takes "", fault, message, inner, http'),
        ('auth_schemes=["Digest"]', "auth_schemes takes Basic, NTLM, Negotiate, Bearer"),
        ("stream_limit=-1", "stream_limit takes a whole number, 0 or more"),
        ("server_busy_requests=-2", "server_busy_requests takes a whole number, -1 or more"),
        ("delay_seconds=-0.5", "delay_seconds takes a finite number, 0 or more"),
        ("delay_seconds=NaN", "delay_seconds takes a finite number, 0 or more"),
        ("delay_seconds=1e400", "delay_seconds takes a finite number, 0 or more"),
        ("question_seconds=Infinity", "question_seconds takes a finite number, 0 or more"),
        ("refuse_next=-1", "refuse_next takes a whole number, 0 or more"),
    ],
)
def test_what_means_nothing_is_refused(written: str, takes: str) -> None:
    assert faults(written) == (f"--dial {written}: {takes}.",)


def test_a_number_that_no_float_holds_is_refused() -> None:
    assert faults(f"delay_seconds=1{'0' * 400}")[0].endswith("delay_seconds takes a whole number, 0 or more.")


def test_no_hint_and_no_end_are_below_0() -> None:
    positions = dialing.read(["server_busy_milliseconds=-5", "server_busy_requests=-1"])
    assert positions.exchange == {"server_busy_milliseconds": -5, "server_busy_requests": -1}


def test_what_is_written_goes_before_a_set_of_positions() -> None:
    positions = dialing.read(["stream_limit=4"], exchange=PRESETS["stock-2013"])
    assert positions.exchange["stream_limit"] == 4
    assert positions.exchange["request_limit"] == 27


@pytest.mark.parametrize(
    ("name", "streams", "requests"), [("stock-2013", 3, 27), ("stock-2016", 10, 27), ("off", 0, 0)]
)
def test_the_sets_have_exchanges_numbers(name: str, streams: int, requests: int) -> None:
    dials = ExchangeDials()
    dials.turn(dict(PRESETS[name]))
    assert (dials.stream_limit, dials.request_limit) == (streams, requests)
    if streams:
        budget = (dials.burst_milliseconds, dials.recharge_milliseconds, dials.cutoff_milliseconds)
        assert budget == (300_000, 900_000, 3_000_000)
        assert dials.subscription_limit == 5000


def test_no_name_is_a_dial_of_both_sides() -> None:
    assert not set(ExchangeDials().shown()) & set(RainbowDials().as_json())

from rainbow_exchange.histogram import Histogram, Latency


def test_a_bound_belongs_to_its_bucket() -> None:
    seen = Histogram(bounds=(0.5, 10.0))
    for seconds in (0.5, 0.50001, 10.0, 10.1, 0.0):
        seen.observe(seconds)
    assert list(seen.buckets()) == [("0.5", 2), ("10", 4), ("+Inf", 5)]


def test_what_is_aimed_at_can_be_read_off() -> None:
    """Half of all changes within 0.3 s, nearly all within 1 s."""
    assert {"0.3", "1"} <= {bound for bound, _ in Latency().buckets()}


def test_quantiles_are_of_the_recent_values() -> None:
    latency = Latency()
    assert latency.quantile(0.5) is None

    latency.observe(1000.0)
    for number in range(1000):
        latency.observe(float(number))

    assert latency.quantile(0.5) == 500.0
    assert latency.quantile(0.99) == 990.0
    assert latency.quantile(1.0) == 999.0
    assert list(latency.buckets())[-1] == ("+Inf", 1001)

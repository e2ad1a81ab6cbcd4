from rainbow_exchange import config
from rainbow_exchange.config.meanings import MEANINGS


def test_each_setting_has_a_meaning_in_their_order() -> None:
    assert list(MEANINGS) == config.known()

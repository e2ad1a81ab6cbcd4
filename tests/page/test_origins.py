"""Where a value comes from, in words."""

import pytest

from rainbow_exchange.diagnosis.set_up_fields import Field
from rainbow_exchange.page.origins import origin_of


@pytest.mark.parametrize(
    ("origin", "fixed", "said"),
    [
        ("default", False, ""),
        ("page of 2026-11-26", False, "Entered on this page on 2026-11-26."),
        ("setup of 2026-11-26", False, "Entered by rainbow-exchange setup on 2026-11-26."),
        ("variable RAINBOW_EXCHANGE_X", True, "Given by the environment, as RAINBOW_EXCHANGE_X: change it there."),
        ("C:\\x\\config.toml", True, "Given by the file C:\\x\\config.toml: change it there."),
        ("C:\\x\\pw.txt", False, "Kept in the file C:\\x\\pw.txt."),
        ("systemd credential", True, "Handed over by systemd: change it there."),
        ("Rainbow's administration (a.b)", False, "Given by Rainbow's administration (a.b)."),
    ],
)
def test_each_origin_is_a_sentence(origin: str, fixed: bool, said: str) -> None:
    field = Field(key="exchange.url", value="x", is_set=True, secret=False, origin=origin, fixed=fixed)
    assert origin_of(field) == said

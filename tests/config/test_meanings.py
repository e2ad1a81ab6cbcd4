import re
from pathlib import Path

from rainbow_exchange import config
from rainbow_exchange.config.meanings import MEANINGS
from rainbow_exchange.config.template import default_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_each_setting_has_a_meaning_in_their_order() -> None:
    assert list(MEANINGS) == config.known()


def test_the_reference_page_says_of_each_what_a_new_settings_file_says() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+\.[a-z_]+)` \| ?(.*?) ?\| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    on_page = {key: (default, re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)) for key, default, text in rows}

    assert on_page == {key: (default_of(key), meaning.text) for key, meaning in MEANINGS.items()}

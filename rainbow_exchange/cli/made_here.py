"""What was made on this machine, laid beneath the settings without opening the state, which a daemon may have open."""

from rainbow_exchange import config
from rainbow_exchange.config import Settings
from rainbow_exchange.config.layers import Given, beneath
from rainbow_exchange.state import made


def with_made(settings: Settings) -> tuple[Settings, list[str]]:
    """Give the settings with it, and what of it cannot be used, each in a sentence."""
    folder = config.data_folder(settings)
    try:
        layer = {key: Given(each.value, each.origin) for key, each in made.beside(folder).items()}
    except OSError as error:
        return settings, [f"What login has made on this machine is not known: {error.filename} ({error.strerror})."]
    except ValueError:
        return settings, [f"What login has made on this machine is not known: its file in {folder} is damaged."]
    return beneath(settings, layer)

"""What ends an installation, in words for the administrator."""


class RefusedError(Exception):
    """Nothing was changed. The text names what is wrong and the next step."""


class FailedError(Exception):
    """Something has been changed, or was under way. The text says what holds now."""

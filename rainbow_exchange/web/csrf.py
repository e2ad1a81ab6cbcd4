"""What a form of the page carries, and a form of another site cannot know. Pure.

Pages are compressed, and what stands in one and never changes could be guessed from how long they become (BREACH,
CVE-2013-3587): so it is written differently each time.
"""

import base64
import hmac
import secrets

_BYTES = 32


def token(session: str) -> bytes:
    """Give that of a session."""
    return hmac.digest(session.encode("utf-8", "surrogateescape"), b"rainbow-exchange form", "sha256")


def masked(known: bytes) -> str:
    """Write it as nobody has written it before."""
    pad = secrets.token_bytes(_BYTES)
    return base64.urlsafe_b64encode(pad + _both(pad, known)).decode()


def matches(given: str, known: bytes) -> bool:
    """Whether this was written so; how long that takes says nothing of it."""
    try:
        raw = base64.b64decode(given.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:  # of which are the errors of both
        return False
    return hmac.compare_digest(_both(raw[:_BYTES], raw[_BYTES:]), known)


def _both(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))

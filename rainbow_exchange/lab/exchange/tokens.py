"""The token endpoint beside the lab's Exchange, as AD FS has it: client credentials, RFC 6749 §4.4 and §5."""

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import unquote_plus

from aiohttp import web

from rainbow_exchange.lab.exchange.attempts import Attempts
from rainbow_exchange.lab.exchange.dials import Dials

PATH = "/adfs/oauth2/token"


class Tokens:
    """Gives Bearer tokens for one client id and secret, and knows which are still good."""

    def __init__(
        self, *, client: tuple[str, str], dials: Dials, attempts: Attempts, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._dials = dials
        self._attempts = attempts
        self._now = now
        self._good_until: dict[str, datetime] = {}

    def good(self, token: str) -> bool:
        """Tell whether the token was given here and has not expired."""
        until = self._good_until.get(token)
        return until is not None and self._now() < until

    def forget(self) -> int:
        """Let every token be worth nothing; give how many there were."""
        count = len(self._good_until)
        self._good_until.clear()
        return count

    async def give(self, http: web.Request) -> web.Response:
        """Answer POST /adfs/oauth2/token."""
        attempt = self._attempts.made(self._now(), scheme="token", content_length=http.content_length)
        if self._dials.token_status:
            attempt.outcome = "refused by a dial"
            return web.Response(status=self._dials.token_status)
        form = {name: value for name, value in (await http.post()).items() if isinstance(value, str)}
        client, by_header = _client(http.headers.get("Authorization", ""), form)
        attempt.account = client[0]
        if form.get("grant_type") != "client_credentials":
            attempt.outcome = "malformed"
            wrong = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
            return _refused(wrong, 400)
        if client != self._client:
            attempt.outcome = "wrong password" if client[0] == self._client[0] else "unknown account"
            return _refused("invalid_client", 401 if by_header else 400)
        attempt.outcome = "accepted"
        token = secrets.token_urlsafe(48)
        seconds = self._dials.oauth_token_seconds
        self._good_until[token] = self._now() + timedelta(seconds=seconds)
        return _json({"access_token": token, "token_type": "bearer", "expires_in": seconds}, 200)


def _client(authorization: str, form: Mapping[str, str]) -> tuple[tuple[str, str], bool]:
    """Read the client's id and secret, and whether they stood in the header (RFC 6749 §2.3.1)."""
    scheme, _, written = authorization.partition(" ")
    if scheme.lower() != "basic":
        return (form.get("client_id", ""), form.get("client_secret", "")), False
    try:
        name, _, secret = base64.b64decode(written.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", ""), True
    return (unquote_plus(name), unquote_plus(secret)), True


def _refused(error: str, status: int) -> web.Response:
    response = _json({"error": error, "error_description": f"The lab's token endpoint says {error}."}, status)
    if status == 401:  # noqa: PLR2004 — its name in HTTP is no clearer
        response.headers["WWW-Authenticate"] = "Basic"
    return response


def _json(content: Mapping[str, object], status: int) -> web.Response:
    return web.json_response(content, status=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

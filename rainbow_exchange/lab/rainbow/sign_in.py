"""Signing in at the lab's Rainbow: passwords, lock-out and tokens as its documents describe them. Pure."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from rainbow_exchange.lab.rainbow.dials import Dials
from rainbow_exchange.lab.user import LabUser

_FAILURES_TO_LOCK = 5
_LOCKED_FOR = timedelta(minutes=60)


class Refusal(Exception):
    """An answer that says no, in Rainbow's shape."""

    def __init__(
        self,
        *,
        status: int,
        code: int,
        message: str,
        details: Any = "",
        retry_after: int | None = None,
        form: str = "json",
    ) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.retry_after = retry_after
        self.form = form

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return {
            "errorCode": self.status,
            "errorMsg": self.message,
            "errorDetails": self.details or self.message,
            "errorDetailsCode": self.code,
        }


def unauthorized(details: str, code: int = 401000) -> Refusal:
    """Make a 401; 401000 stands for those whose code nobody publishes."""
    return Refusal(status=401, code=code, message="Unauthorized", details=details)


@dataclass(slots=True)
class _Failures:
    count: int = 0
    locked_until: datetime | None = None


class SignIn:
    """Checks logins and makes, renews, checks and revokes tokens.

    Everybody's password is `password`, but for those who were given one of their own.
    """

    def __init__(self, *, password: str, app_id: str, app_secret: str, random: Random, dials: Dials) -> None:
        self._password = password
        self._app_id = app_id
        self._app_secret = app_secret
        self._key = random.randbytes(32)
        self._random = random
        self._dials = dials
        self._passwords: dict[str, str] = {}
        self._failures: dict[str, _Failures] = {}
        self._revoked: dict[str, int] = {}
        self._opaque: dict[str, dict[str, Any]] = {}
        self._generation = 0

    def expire_tokens(self) -> None:
        """Let every token made so far count as expired."""
        self._generation += 1

    def new_key(self) -> None:
        """Sign with another key from now on: no token given before is valid."""
        self._key = self._random.randbytes(32)
        self._opaque.clear()

    def set_password(self, login: str, password: str) -> None:
        """Give somebody a password of their own."""
        self._passwords[login.lower()] = password

    def lock(self, login: str, now: datetime) -> None:
        """Lock an account as five wrong passwords do."""
        self._failures[login.lower()] = _Failures(_FAILURES_TO_LOCK, now + _LOCKED_FOR)

    def unlock(self, login: str) -> None:
        """Forget an account's failures."""
        self._failures.pop(login.lower(), None)

    def check_login(self, user: LabUser | None, basic: str, app_auth: str, now: datetime) -> LabUser:
        """Check a login's two headers. Raise Refusal 401500, 401501, 401520 (not active) or 401000 (application)."""
        login, password = basic_pair(basic) or ("", "")
        own = self._passwords.get(login.lower(), self._password)
        right = user is not None and hmac.compare_digest(password.encode(), own.encode())
        failures = self._failures.get(login.lower())
        if failures and failures.locked_until:
            if now < failures.locked_until:
                if not right:
                    failures.locked_until = now + _LOCKED_FOR
                raise unauthorized(_locked(failures.locked_until), 401501)
            del self._failures[login.lower()]
        if user is None:
            raise unauthorized("Unknown login or wrong password for login", 401500)
        if not right or self._dials.refuse_logins:
            failures = self._failures.setdefault(login.lower(), _Failures())
            failures.count += 1
            if failures.count >= _FAILURES_TO_LOCK:
                failures.locked_until = now + _LOCKED_FOR
                raise unauthorized(_locked(failures.locked_until), 401501)
            raise unauthorized("Unknown login or wrong password for login", 401500)
        digest = hashlib.sha256((self._app_secret + password).encode()).hexdigest()
        shown = ":".join(basic_pair(app_auth) or ("", ""))
        if not hmac.compare_digest(shown.encode(), f"{self._app_id}:{digest}".encode()):
            raise unauthorized("Unknown application or wrong application secret")
        if user.is_terminated or not user.is_active:
            raise unauthorized("User is not active", 401520)
        self._failures.pop(login.lower(), None)
        return user

    def token(self, user: LabUser, now: datetime, *, renewed: int = 0) -> str:
        """Make a JWT signed with HS256, or what the dial `token_kind` says."""
        issued = int(self._skewed(now))
        payload = {
            "countRenewed": renewed,
            "maxTokenRenew": self._dials.max_token_renew,
            "user": {"id": user.id, "loginEmail": user.login_email},
            "app": {"id": self._app_id, "name": "Rainbow lab"},
            "jti": f"{self._random.getrandbits(64):016x}",
            "generation": self._generation,
            "iat": issued,
            "exp": issued + self._dials.token_seconds,
        }
        match self._dials.token_kind:
            case "opaque":
                token = f"{self._random.getrandbits(256):064x}"
                self._opaque = {known: each for known, each in self._opaque.items() if each["exp"] > issued}
                self._opaque[token] = payload
                return token
            case "oauth":
                payload["oauth"] = {"type": "authorization_code", "scope": "all"}
        return self._signed(payload)

    def check_token(self, authorization: str, now: datetime) -> dict[str, Any]:
        """Return the payload of `Bearer <JWT>`. Raise Refusal; an expired token says "jwt expired"."""
        scheme, _, token = authorization.partition(" ")
        payload = self._read(token) if scheme.lower() == "bearer" else None
        if payload is None:
            raise unauthorized("No valid token was provided")
        if self._skewed(now) >= payload["exp"] or payload["generation"] != self._generation:
            raise unauthorized("jwt expired")
        if payload["jti"] in self._revoked:
            raise unauthorized("Token was revoked by a logout")
        return payload

    def renew(self, payload: dict[str, Any], user: LabUser, now: datetime) -> str:
        """Make a new token for a valid one. Raise Refusal when it was renewed `maxTokenRenew` times."""
        if "oauth" in payload:
            raise unauthorized("A token of OAuth is not renewed here")
        if payload["countRenewed"] >= payload["maxTokenRenew"]:
            raise unauthorized("Maximum number of token renewals reached")
        return self.token(user, now, renewed=payload["countRenewed"] + 1)

    def revoke(self, payload: dict[str, Any], now: datetime) -> None:
        """End a token."""
        self._revoked = {jti: exp for jti, exp in self._revoked.items() if exp > self._skewed(now)}
        self._revoked[payload["jti"]] = payload["exp"]

    def _skewed(self, now: datetime) -> float:
        return now.timestamp() + self._dials.clock_skew_seconds

    def _signed(self, payload: dict[str, Any]) -> str:
        head = _segment(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        body = _segment(json.dumps(payload).encode())
        return f"{head}.{body}.{self._signature(f'{head}.{body}')}"

    def _signature(self, signed: str) -> str:
        return _segment(hmac.digest(self._key, signed.encode(), "sha256"))

    def _read(self, token: str) -> dict[str, Any] | None:
        if token in self._opaque:
            return self._opaque[token]
        signed, _, signature = token.rpartition(".")
        if not token.isascii() or not hmac.compare_digest(signature, self._signature(signed)):
            return None
        body = signed.partition(".")[2]
        payload: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return payload


def basic_pair(header: str) -> tuple[str, str] | None:
    """Return the two halves of a Basic header's value; None if it is none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, secret) if colon else None


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _locked(until: datetime) -> str:
    return f"Account locked until {until:%Y-%m-%dT%H:%M:%SZ}"

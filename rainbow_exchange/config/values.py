"""The kinds of values that settings can have: web addresses, hosts, lists.

Each check raises ValueError with the rest of a sentence that begins with the setting's name and ends with the next
step. It never repeats an address, which may hold a password.
"""

import json
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from rainbow_exchange.json_text import read_json
from rainbow_exchange.network.address import is_address, is_loopback, is_name, names_host
from rainbow_exchange.words import _

PRIVACY_LEVELS = ("full", "private-masked", "busy-only")
_EXCEPTION = '"*@board.company.com" = "busy-only"'


def _split(url: str, example: str) -> SplitResult:
    url = url.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in url):
        raise ValueError(_("is not a web address; write it like {example}", example=example))
    if not names_host(url):
        raise ValueError(
            _(
                "names a server that cannot be looked up; see whether its name has two dots in a row, a part"
                " of more than 63 characters or an unusual or invisible character, and type it anew, like"
                " {example}",
                example=example,
            )
        )
    return parts


def _service_url(url: str, example: str) -> str:
    parts = _split(url, example)
    if parts.username is not None or parts.password is not None:
        raise ValueError(_("holds a user name or password; take it out, they have settings of their own"))
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(_("would send credentials unencrypted; write https:// (http:// is for this machine only)"))
    if parts.query or parts.fragment:
        raise ValueError(_("holds a '?' or '#'; write it like {example}", example=example))
    return url.strip()


def _exchange_url(url: str) -> str:
    return _service_url(url, "https://mail.company.com/EWS/Exchange.asmx")


def _autodiscover_url(url: str) -> str:
    return _service_url(url, "https://autodiscover.company.com/autodiscover/autodiscover.svc")


def _rainbow_url(url: str) -> str:
    url = _service_url(url, "https://openrainbow.com")
    if urlsplit(url).path.strip("/"):
        raise ValueError(_("holds a path; write the name of the server alone, like https://openrainbow.com"))
    return url.rstrip("/")


def _token_url(url: str) -> str:
    return _service_url(url, "https://adfs.company.com/adfs/oauth2/token")


def _proxy_url(url: str) -> str:
    parts = _split(url, "http://proxy.company.com:8080")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(_("holds a path; write it like http://proxy.company.com:8080"))
    return url.strip().rstrip("/")


def _separated(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return read_json(value)
        except ValueError:
            raise ValueError(_('is not a list; write it like ["one", "two"] or one, two')) from None
    return [part.strip() for part in value.split(",") if part.strip()]


def _domain(value: str) -> str:
    domain = value.strip().lstrip("@").rstrip(".").lower()
    if not is_name(domain):
        raise ValueError(_("holds something that is no mail domain; write them like acme.com"))
    return domain


def _account(value: str) -> str:
    _name, at, domain = value.rpartition("@")
    if at and not is_name(domain):
        raise ValueError(_("holds no domain behind the @; write it like name@company.com or COMPANY\\name"))
    return value


def _host(value: str) -> str:
    host = value.strip().lower()
    if not host or "/" in host or any(character.isspace() for character in host):
        raise ValueError(_("holds something that is no host name; write them like mail.company.com"))
    if "*" in host or (":" in host and not is_address(host)):
        raise ValueError(_("holds a port or a '*'; write each host by its whole name alone, like mail.company.com"))
    return host


def _path(value: str) -> str:
    path = value.strip()
    if not all(part and not any(character.isspace() for character in part) for part in path.split(".")):
        raise ValueError(_("holds something that is no path; write them like settings.company.url"))
    return path


def _privacy_exceptions(value: object) -> object:
    """Read address pattern → level; as text (a variable) it is JSON, or `pattern = level` separated by commas."""
    if not isinstance(value, str | dict):
        raise ValueError(_("is no table of address patterns; write it like {exception}", exception=_EXCEPTION))  # noqa: TRY004  (pydantic's)
    exceptions: dict[str, str] = {}
    faults: list[str] = []
    for name, level in _pairs(value) if isinstance(value, str) else value.items():
        pattern = str(name).strip().lower()
        if not _is_address_pattern(pattern):
            faults.append(
                _(
                    "holds {name!r}, which is no address or address pattern; write it like {exception}",
                    name=name,
                    exception=_EXCEPTION,
                )
            )
        elif level not in PRIVACY_LEVELS:
            faults.append(
                _(
                    "gives {pattern} the level {level!r}; write one of {privacy_levels}",
                    pattern=pattern,
                    level=level,
                    privacy_levels=", ".join(PRIVACY_LEVELS),
                )
            )
        elif exceptions.setdefault(pattern, level) != level:
            faults.append(_("gives {pattern} two levels; keep one of them", pattern=pattern))
    if faults:
        raise ValueError(_two_and_more(faults))
    return exceptions


def _two_and_more(faults: list[str]) -> str:
    said = faults[0]
    for fault in faults[1:]:
        said = _("{said}; and it {fault}", said=said, fault=fault)
    return said


def _pairs(text: str) -> list[tuple[str, object]]:
    """Read patterns and levels as they stand there: one that comes twice must not hide the other."""
    if text.lstrip().startswith("{"):
        try:
            return list(json.loads(text, object_pairs_hook=tuple))
        except (ValueError, RecursionError):
            raise ValueError(_("is not valid JSON; write it like {exception}", exception=_EXCEPTION)) from None
    pairs = [part.rpartition("=") for part in text.split(",") if part.strip()]
    return [(pattern.strip(), level.strip()) if equals else (level.strip(), "") for pattern, equals, level in pairs]


def _is_address_pattern(pattern: str) -> bool:
    local, at, domain = pattern.rpartition("@")
    if not at or not local or "@" in local or not pattern.isprintable() or " " in pattern:
        return False
    return is_name(domain.replace("*", "x"))


def _callback_url(url: str) -> str:
    example = "https://connector.company.com/rainbow"
    parts = _split(url, example)
    if parts.username is not None or parts.password is not None:
        raise ValueError(_("holds a user name or password; take it out, Rainbow sends none"))
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(_("would have Rainbow call unencrypted across the internet; write https://"))
    if parts.query or parts.fragment:
        raise ValueError(_("holds a '?' or '#'; write it like {example}", example=example))
    return url.strip().rstrip("/")


def _listening_host(value: str) -> str:
    host = value.strip().lower().removeprefix("[").removesuffix("]")
    if not is_address(host) and not is_name(host):
        raise ValueError(_("is no address of this machine; write one like 127.0.0.1, or 0.0.0.0 for all it has"))
    return host


def _known_path(value: Path) -> Path:
    try:
        value.expanduser()
    except RuntimeError:
        raise ValueError(_("begins with the home folder of nobody on this machine; write the whole path")) from None
    return value


def _readable_file(value: Path) -> Path:
    if not value.is_file():
        raise ValueError(_("names {value}, where there is no file; correct the path", value=value))
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_separated)]
Domains = Annotated[tuple[Annotated[str, AfterValidator(_domain)], ...], BeforeValidator(_separated)]
PrivacyExceptions = Annotated[dict[str, str], BeforeValidator(_privacy_exceptions)]
Account = Annotated[str, AfterValidator(_account)]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], BeforeValidator(_separated)]
FieldPaths = Annotated[tuple[Annotated[str, AfterValidator(_path)], ...], BeforeValidator(_separated)]
ProxyUrl = Annotated[str, AfterValidator(_proxy_url)]
ExchangeUrl = Annotated[str, AfterValidator(_exchange_url)]
AutodiscoverUrl = Annotated[str, AfterValidator(_autodiscover_url)]
RainbowUrl = Annotated[str, AfterValidator(_rainbow_url)]
TokenUrl = Annotated[str, AfterValidator(_token_url)]
KnownPath = Annotated[Path, AfterValidator(_known_path)]
ReadableFile = Annotated[Path, AfterValidator(_readable_file)]
Auth = Annotated[Literal["auto", "basic", "ntlm", "negotiate", "bearer"], BeforeValidator(_lower)]
CallbackUrl = Annotated[str, AfterValidator(_callback_url)]
ListeningHost = Annotated[str, AfterValidator(_listening_host)]
Link = Annotated[Literal["xmpp", "s2s"], BeforeValidator(_lower)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
Port = Annotated[int, Field(ge=1, le=65535)]

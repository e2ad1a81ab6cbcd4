"""What of the settings does not go together. Pure."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rainbow_exchange.config.accounts import contradiction
from rainbow_exchange.network.address import is_loopback
from rainbow_exchange.words import _

if TYPE_CHECKING:
    from rainbow_exchange.config import RainbowSettings, Settings, WebSettings

#: where callbacks are listened for unless the settings say otherwise
CALLBACK_HOST, CALLBACK_PORT = "127.0.0.1", 3002


def contradictions(settings: "Settings") -> Iterator[tuple[set[str], str]]:
    """Say what does not go together: the keys, and a sentence with the next step."""
    exchange, rainbow = settings.exchange, settings.rainbow
    if (text := contradiction(exchange)) is not None:
        yield {"exchange.auth", "exchange.token_url"}, text
    if exchange.verify_certificates_insecurely_off and exchange.ca_file:
        yield (
            {"exchange.ca_file", "exchange.verify_certificates_insecurely_off"},
            (
                _(
                    "exchange.ca_file has no effect while exchange.verify_certificates_insecurely_off is"
                    " true; take the latter out."
                )
            ),
        )
    for group, name, needed in (
        ("exchange", "fallback_password", "fallback_username"),
        ("rainbow", "proxy_password", "proxy_username"),
    ):
        values = getattr(settings, group)
        if (getattr(values, name) or getattr(values, f"{name}_file")) and not getattr(values, needed):
            yield (
                {f"{group}.{name}", f"{group}.{needed}"},
                _(
                    "{group}.{name} is given without {group}.{needed}; give both or neither.",
                    group=group,
                    name=name,
                    needed=needed,
                ),
            )
    if rainbow.proxy_username and not (rainbow.proxy_url or rainbow.proxy_url_file):
        yield (
            {"rainbow.proxy_username", "rainbow.proxy_url"},
            _("rainbow.proxy_username is given without rainbow.proxy_url; give the proxy's address, too."),
        )
    if rainbow.proxy_username and "@" in (rainbow.proxy_url or ""):
        yield (
            {"rainbow.proxy_username", "rainbow.proxy_url"},
            _("rainbow.proxy_url holds a user name while rainbow.proxy_username is given; keep one of them."),
        )
    yield from _link_contradictions(rainbow, settings.web)
    yield from _web_contradictions(settings.web)


def _link_contradictions(rainbow: "RainbowSettings", web: "WebSettings") -> Iterator[tuple[set[str], str]]:
    other, only = ("s2s", ["callback_url", "callback_host", "callback_port"])
    if rainbow.link == "s2s":
        other, only = ("xmpp", ["trusted_askers", "escape_texts_twice"])
    for name in only:
        if getattr(rainbow, name) is not None:
            yield (
                {f"rainbow.{name}", "rainbow.link"},
                _(
                    "rainbow.{name} counts only with rainbow.link {other}; write that, or take it out.",
                    name=name,
                    other=other,
                ),
            )
    if rainbow.link != "s2s":
        return
    if rainbow.callback_url is None:
        yield (
            {"rainbow.callback_url", "rainbow.link"},
            (
                _(
                    "rainbow.link is s2s without rainbow.callback_url; give the address at which Rainbow"
                    " reaches this machine, like https://connector.company.com/rainbow."
                )
            ),
        )
    if (rainbow.callback_port or CALLBACK_PORT) == web.port:
        yield (
            {"rainbow.callback_port", "web.port"},
            (
                _(
                    "rainbow.callback_port and web.port are both {port}; give them different ones: the page"
                    " is never shown where Rainbow calls back.",
                    port=web.port,
                )
            ),
        )


def _web_contradictions(web: "WebSettings") -> Iterator[tuple[set[str], str]]:
    keys = {"web.host", "web.tls_certificate_file", "web.tls_key_file"}
    given = [name for name in ("tls_certificate_file", "tls_key_file") if getattr(web, name) is not None]
    if len(given) == 1:
        (other,) = {"tls_certificate_file", "tls_key_file"} - set(given)
        yield keys, _("web.{given} is given without web.{other}; give both or neither.", given=given[0], other=other)
    elif not given and not is_loopback(web.host):
        yield (
            keys,
            (
                _(
                    "web.host {host} would show the page to other machines unencrypted: whoever is in between"
                    " could read the sign-in, the passwords that are entered and whose calendars these are."
                    " Give web.tls_certificate_file and web.tls_key_file, or write 127.0.0.1 for this machine"
                    " alone.",
                    host=web.host,
                )
            ),
        )

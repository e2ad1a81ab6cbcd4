"""What each setting means, for `config init` and the reference page (`make reference`). Pure."""

import json
from dataclasses import dataclass

_ALONE = "a file that holds it alone, in place of the variable and the keyring"
_PROXY_ALONE = "a file that holds the proxy's address alone, for one with user name and password in it"
_THERE = "once that file is there"
_S2S = 'with rainbow.link = "s2s"'


@dataclass(frozen=True, slots=True)
class Meaning:
    """`text`: what it means. `default`: what stands there unless it is set, where its value does not say that.

    `example`: a value where there is no default, as TOML has it; `needs`: what has to be there besides.
    """

    text: str
    default: str = ""
    example: str = ""
    needs: str = ""


def _file(name: str, text: str = _ALONE) -> Meaning:
    return Meaning(text, example=json.dumps(name), needs=_THERE)


#: in the order of the settings
MEANINGS = {
    "exchange.url": Meaning(
        "the EWS address: `https://mail.company.com/EWS/Exchange.asmx`. http:// for this machine only. Without it"
        " Exchange is looked for",
        example='"https://mail.company.com/EWS/Exchange.asmx"',
    ),
    "exchange.autodiscover_url": Meaning(
        "the one autodiscover to ask instead of the standard places:"
        " `https://autodiscover.company.com/autodiscover/autodiscover.svc`",
        example='"https://autodiscover.company.com/autodiscover/autodiscover.svc"',
    ),
    "exchange.allowed_hosts": Meaning(
        "hosts besides the company's own to which autodiscover may lead, or that Rainbow's administration may name, and"
        " which may be told the Exchange password of this machine; the local page adds the one that Rainbow names by a"
        " button"
    ),
    "exchange.username": Meaning(
        "the service account: `COMPANY\\svc-rainbow` or `svc-rainbow@company.com`", example="'COMPANY\\svc-rainbow'"
    ),
    "exchange.password": Meaning("the password of `exchange.username`"),
    "exchange.password_file": _file("exchange-password.txt"),
    "exchange.client_id": Meaning(
        "with `exchange.token_url`: OAuth's client id. Without it, and without `exchange.username`: the user name",
        example='"0f8fad5b-d9cb-469f-a165-70867728950e"',
    ),
    "exchange.client_secret": Meaning("the secret of that client, or the password to that user name"),
    "exchange.client_secret_file": _file("exchange-client-secret.txt"),
    "exchange.token_url": Meaning(
        "OAuth's token endpoint: `https://adfs.company.com/adfs/oauth2/token`. https:// only, but for this machine",
        example='"https://adfs.company.com/adfs/oauth2/token"',
    ),
    "exchange.token_scope": Meaning(
        "what a token is asked for by version 2 of a token endpoint, where Exchange is registered under another name",
        default="the host of `exchange.url`",
        example='"https://mail.company.com/.default"',
    ),
    "exchange.token_resource": Meaning(
        "the same for AD FS and version 1", default="the host of `exchange.url`", example='"https://mail.company.com/"'
    ),
    "exchange.auth": Meaning(
        "`auto`: the strongest that the server offers; or one of `basic`, `ntlm`, `negotiate`, `bearer`"
    ),
    "exchange.impersonation": Meaning(
        "whether the account has ApplicationImpersonation; `false`: it reads what it has been granted"
    ),
    "exchange.ca_file": _file(
        "company-ca.pem", "certificates (PEM) of your own authority, trusted besides the system's"
    ),
    "exchange.proxy_url": Meaning(
        "HTTP proxy to Exchange: `http://proxy.company.com:8080`. No other variable leads to one; `NO_PROXY` leads past"
        " it",
        default="none",
        example='"http://proxy.company.com:8080"',
    ),
    "exchange.proxy_url_file": _file("exchange-proxy.txt", _PROXY_ALONE),
    "exchange.fallback_username": Meaning(
        "a second account, used while the first is refused", example="'COMPANY\\svc-rainbow-2'"
    ),
    "exchange.fallback_password": Meaning("the password of `exchange.fallback_username`"),
    "exchange.fallback_password_file": Meaning(
        _ALONE,
        example='"exchange-fallback-password.txt"',
        needs=f"with exchange.fallback_username, {_THERE}",
    ),
    "exchange.verify_certificates_insecurely_off": Meaning(
        "trusts any certificate: anybody in between can read the password. Said at each start, and a problem as long as"
        " it lasts"
    ),
    "rainbow.url": Meaning("the server alone, without path"),
    "rainbow.login": Meaning("e-mail of the account that the connector signs in as", example='"connector@company.com"'),
    "rainbow.password": Meaning("the password of `rainbow.login`"),
    "rainbow.password_file": _file("rainbow-password.txt"),
    "rainbow.app_id": Meaning("id of a Rainbow application", example='"0123456789abcdef0123456789abcdef"'),
    "rainbow.app_secret": Meaning("the secret of that application"),
    "rainbow.app_secret_file": _file("rainbow-app-secret.txt"),
    "rainbow.company_id": Meaning(
        "company whose users count", default="the account's", example='"0123456789abcdef01234567"'
    ),
    "rainbow.link": Meaning("how questions arrive: `xmpp`, or `s2s` where Rainbow calls this machine"),
    "rainbow.trusted_askers": Meaning(
        "with `xmpp`: who may ask for calendars besides Rainbow's own servers: a domain admits everybody on it, a JID"
        " that one",
        example='["rainbow.company.com"]',
    ),
    "rainbow.escape_texts_twice": Meaning(
        "with `xmpp`: escape subjects and texts once more than XML needs, as Rainbow's own SDK does; for the case that"
        " Rainbow's clients do not show `R&D` as it is written",
        default="`false`",
        example="false",
    ),
    "rainbow.notify_header": Meaning(
        "value of the header `X-Rainbow-EWS-connector`, by which Rainbow is told whose calendar changed: Rainbow"
        " publishes none but that of its SDK; set it if Rainbow's support names another",
        default="`dummy`",
        example='"dummy"',
    ),
    "rainbow.notify_with_token": Meaning(
        "whether these calls carry the token as well; Rainbow's SDK sends none", default="`true`", example="true"
    ),
    "rainbow.proxy_url": Meaning(
        "HTTP proxy to Rainbow; `NO_PROXY` leads past it",
        default="variable `HTTPS_PROXY`",
        example='"http://proxy.company.com:8080"',
    ),
    "rainbow.proxy_url_file": _file("rainbow-proxy.txt", _PROXY_ALONE),
    "rainbow.proxy_username": Meaning(
        "who signs in at that proxy, by Basic", example='"svc-rainbow"', needs="with rainbow.proxy_url"
    ),
    "rainbow.proxy_password": Meaning("the password of `rainbow.proxy_username`"),
    "rainbow.proxy_password_file": Meaning(
        _ALONE,
        example='"rainbow-proxy-password.txt"',
        needs=f"with rainbow.proxy_username, {_THERE}",
    ),
    "rainbow.callback_url": Meaning(
        "with `s2s`: the address at which Rainbow reaches the listener, `https://` and perhaps a path; refused with"
        " `xmpp`",
        example='"https://connector.company.com/rainbow"',
        needs=_S2S,
    ),
    "rainbow.callback_host": Meaning(
        "with `s2s`: address of this machine at which callbacks are listened for; refused with `xmpp`",
        default="`127.0.0.1`",
        example='"127.0.0.1"',
        needs=_S2S,
    ),
    "rainbow.callback_port": Meaning(
        "with `s2s`: its port, never the page's; refused with `xmpp`", default="`3002`", example="3002", needs=_S2S
    ),
    "rainbow_fields.switch": Meaning(
        "where it stands whether calendars are passed on: `enabled`, `on`, `true`, `yes`, `1` or their contrary."
        " Absent: they are"
    ),
    "rainbow_fields.url": Meaning("where `exchange.url` stands"),
    "rainbow_fields.username": Meaning("where `exchange.username` stands"),
    "rainbow_fields.password": Meaning("where `exchange.password` stands, which is kept in memory only"),
    "rainbow_fields.client_id": Meaning("where `exchange.client_id` stands"),
    "rainbow_fields.client_secret": Meaning("where `exchange.client_secret` stands, which is kept in memory only"),
    "bridge.privacy": Meaning(
        "`full`: subjects of all; `private-masked`: private ones without; `busy-only`: no subject at all"
    ),
    "bridge.privacy_exceptions": Meaning(
        "other levels for some people: a table of address patterns (`*` stands for anything) and levels. The mailbox's"
        " primary address decides, and any other address of the person can only make it stricter; where several"
        " patterns match, the strictest level counts",
        default="none",
        example='{ "*@board.company.com" = "busy-only" }',
    ),
    "bridge.mask_personal": Meaning(
        "whether `private-masked` hides the subjects of appointments marked Personal, too, besides Private and"
        " Confidential"
    ),
    "bridge.domains": Meaning(
        "mail domains in which personal addresses count",
        default="those of logins and work addresses",
        example='["company.com", "company.fr"]',
    ),
    "bridge.users_refresh_minutes": Meaning("every how many minutes the users are listed anew (1 to 10080)"),
    "bridge.notify_at_boundaries": Meaning("whether Rainbow is told at the start and end of appointments, too"),
    "web.host": Meaning(
        "address of this machine at which the local page is served; any but loopback needs a certificate, below"
    ),
    "web.port": Meaning("its port; when it is taken, or 0, a free one"),
    "web.allowed_hosts": Meaning(
        "names by which browsers may call the page, besides this machine's loopback, `web.host` and the names in its"
        " certificate; the name at a reverse proxy, for example"
    ),
    "web.tls_certificate_file": Meaning(
        "the page's certificate (PEM), with those between it and its root: the page is served by TLS. A renewed one is"
        " used at once",
        example='"page.pem"',
        needs="with web.tls_key_file, once both files are there",
    ),
    "web.tls_key_file": Meaning(
        "its private key (PEM), without a pass phrase",
        example='"page.key"',
        needs="with web.tls_certificate_file, once both files are there",
    ),
    "state.path": Meaning(
        "folder of state, token and `runtime.json`", default="the settings file's folder", example='"state"'
    ),
    "log.level": Meaning("what is logged: `debug`, `info`, `warning` or `error` and what is worse"),
    "log.format": Meaning("`auto`: JSON lines, plain lines in a terminal; `json`; `console`"),
    "log.file": Meaning(
        "a file besides standard error, always JSON; when it is full, it is kept as `….1` and a new one is begun",
        example='"rainbow-exchange.log"',
    ),
    "log.file_megabytes": Meaning("size in MiB at which that file is full"),
    "log.file_count": Meaning("how many full ones are kept; the oldest is deleted"),
}

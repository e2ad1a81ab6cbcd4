"""What no public source says about Rainbow: our own assumptions, each with its switch.

Nothing here is claimed to work with the real cloud. Each value is the default of a parameter of the part that uses it,
so that an installation that learns better can change it without a change of code. What Rainbow does document stands
where it is used; `docs/reference/rainbow-wire.md` tells the two apart.
"""

#: Value of the header `X-Rainbow-EWS-connector` of notify. The header is public, its accepted values are not: this is
#: what Rainbow's own SDK sends.
NOTIFY_HEADER_VALUE = "dummy"

#: Whether notify carries `Authorization: Bearer` besides the public header (the SDK sends none by default).
NOTIFY_WITH_BEARER = True

#: No more ids than this in one notify, and no more calls in a second: our own limits, Rainbow documents none.
NOTIFY_MAX_IDS = 100
NOTIFY_CALLS_A_SECOND = 5

#: Kind of client we say we are: of the documented kinds the one whose calls we make.
CLIENT_KIND = "sdk_node"

#: Escape texts twice, as the SDK does on the wire. A receiver that unescapes once would show `&amp;`.
ESCAPE_TWICE = False

#: Local parts, on our account's own domain, of Rainbow's own parts that ask: the only sender anybody has published is
#: `pcloud_enduser_1@<domain>/<digits>`.
ASKER_LOCAL_PART_PREFIX = "pcloud_"

#: Header names that Rainbow's `settings/apis` may add to our requests: those that begin so. Never Authorization, Host
#: or a header that frames the body.
EXTRA_HEADER_PREFIXES = ("x-",)
EXTRA_HEADERS_NEVER = frozenset(
    {
        "x-rainbow-app-auth",
        "x-rainbow-correlation-id",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-http-method-override",
    }
)

#: Whether whoever sent a command is told its end by a `command_ended` message of ours. Rainbow's SDK documents that
#: message as sent to the initiator, after the connector has reported over REST; by whom, it does not say.
COMMAND_ENDED_TO_SENDER = True

#: Type of the connector's configuration that holds the settings of Exchange. Rainbow documents `ldap_config` and
#: `ldap_config_directories`, and no key, type or template for Exchange.
EXCHANGE_CONFIGURATION = "exchange_config"

#: Where the company's switch and the settings of Exchange stand, as entered in Rainbow's administration: for each name
#: the paths that are tried in order, first in the connector's configuration, then in the company's record. A field of
#: the switch that is absent means on.
FIELDS = {
    "switch": ("exchangeCalendarCustomisation",),
    "url": ("settings.company.url", "exchangeUrl", "customData.exchangeUrl"),
    "username": ("settings.company.login", "exchangeLogin", "customData.exchangeLogin"),
    "password": ("settings.company.password", "exchangePassword", "customData.exchangePassword"),
    "client_id": ("settings.company.clientId", "exchangeClientId", "customData.exchangeClientId"),
    "client_secret": ("settings.company.clientSecret", "exchangeClientSecret", "customData.exchangeClientSecret"),
}

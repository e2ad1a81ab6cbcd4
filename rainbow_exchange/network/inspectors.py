"""Products that open TLS on the way and issue certificates of their own, by what their authorities are called."""

from collections.abc import Iterable

from rainbow_exchange.words import _

#: Part of a name, in lower case → the product. The names are those of the vendors' built-in authorities.
_PRODUCTS = {
    "zscaler": "Zscaler",
    "fortinet": "Fortinet FortiGate",
    "fortigate": "Fortinet FortiGate",
    "palo alto networks": "Palo Alto Networks",
    "netskope": "Netskope",
    "goskope": "Netskope",
    "blue coat": "Blue Coat ProxySG",
    "bluecoat": "Blue Coat ProxySG",
    "proxysg": "Blue Coat ProxySG",
    "sophos": "Sophos",
    "cisco umbrella": "Cisco Umbrella",
    "opendns": "Cisco Umbrella",
    "mcafee web gateway": "McAfee Web Gateway",
    "skyhigh": "Skyhigh Secure Web Gateway",
    "forcepoint": "Forcepoint",
    "websense": "Forcepoint",
    "check point": "Check Point",
    "barracuda": "Barracuda",
    "watchguard": "WatchGuard",
    "fireware": "WatchGuard",
    "sonicwall": "SonicWall",
    "smoothwall": "Smoothwall",
    "untangle": "Untangle",
    "iboss": "iboss",
    "gateway ca - cloudflare": "Cloudflare Gateway",
    "cloudflare managed": "Cloudflare Gateway",
    "kaspersky": "Kaspersky",
    "eset ssl filter": "ESET",
    "bitdefender": "Bitdefender",
    "avast": "Avast",
    "mitmproxy": "mitmproxy",
    "squid": "Squid",
    "fiddler": "Fiddler",
    "charles proxy": "Charles",
    "portswigger": "Burp",
    "ssl inspection": _("an appliance for SSL inspection"),
    "tls inspection": _("an appliance for TLS inspection"),
    "https inspection": _("an appliance for HTTPS inspection"),
    "web gateway": _("a web gateway"),
}


def inspector(names: Iterable[str]) -> str:
    """Return the product that these names of issuers give away; "" for none."""
    for name in names:
        for part, product in _PRODUCTS.items():
            if part in name.lower():
                return product
    return ""

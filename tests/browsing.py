"""What browsers say of themselves, for tests without one."""

from types import MappingProxyType

#: with the request for an address that a person has opened (https://www.w3.org/TR/fetch-metadata/)
OPENED = MappingProxyType({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
#: what they would rather have
ACCEPT = MappingProxyType({"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})

"""DNS SRV records: the servers that a domain names for autodiscover (RFC 2782)."""

import dns.asyncresolver
import dns.exception
from dns.rdtypes.IN.SRV import SRV

_LIMIT = 5.0  # seconds for all name servers together


async def autodiscover_records(domain: str) -> list[tuple[str, int]]:
    """Give host and port of each `_autodiscover._tcp.<domain>`, best first; [] where there is none or no answer."""
    try:
        answer = await dns.asyncresolver.resolve(f"_autodiscover._tcp.{domain}.", "SRV", lifetime=_LIMIT)
    except (dns.exception.DNSException, OSError):
        return []
    records = sorted(
        (record for record in answer if isinstance(record, SRV)), key=lambda record: (record.priority, -record.weight)
    )
    return [(str(record.target).rstrip("."), record.port) for record in records]

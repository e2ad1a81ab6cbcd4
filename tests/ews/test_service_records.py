"""SRV records, from a name server of the test's own."""

import asyncio
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from rainbow_exchange.ews.service_records import autodiscover_records


class NameServer(asyncio.DatagramProtocol):
    """Answers each question with the records that a test gives it; None: with nothing."""

    def __init__(self, records: list[str] | None) -> None:
        self.records = records
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self.asked.append(query.question[0].to_text())
        answer = dns.message.make_response(query)
        if self.records:
            answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "SRV", *self.records))
        elif self.records is not None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), addr)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (
            ["20 0 443 last.acme.test.", "10 1 8443 second.acme.test.", "10 5 443 First.acme.test."],
            [("First.acme.test", 443), ("second.acme.test", 8443), ("last.acme.test", 443)],
        ),
        ([], []),
        (None, []),
    ],
)
async def test_records_come_best_first(
    monkeypatch: pytest.MonkeyPatch, records: list[str] | None, expected: list[tuple[str, int]]
) -> None:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: NameServer(records), local_addr=("127.0.0.1", 0)
    )
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    monkeypatch.setattr(dns.asyncresolver, "default_resolver", resolver)
    assert await autodiscover_records("acme.test") == expected
    assert server.asked[0] == "_autodiscover._tcp.acme.test. IN SRV"
    transport.close()

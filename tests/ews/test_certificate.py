import asyncio
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme

from rainbow_exchange.ews.certificate import describe_presented


async def serve(wire: Any, *names: str, authority: trustme.CA | None = None, **dates: Any) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (authority or trustme.CA(organization_name="Acme CA")).issue_cert(*names, **dates).configure_cert(context)
    await wire.stop()
    await wire.start(context)
    return int(wire.url.split(":")[2].split("/")[0])


async def test_the_issuer_the_names_and_the_end_are_told(wire: Any) -> None:
    authority = trustme.CA(organization_name="Acme CA", organization_unit_name="Acme Root")
    ends = datetime(2036, 5, 1, tzinfo=UTC)
    port = await serve(wire, "mail.acme.test", "127.0.0.1", authority=authority, not_after=ends)
    assert await describe_presented("127.0.0.1", port) == (
        "issued by Acme Root, for mail.acme.test, 127.0.0.1, until May  1 00:00:00 2036 GMT"
    )
    await asyncio.sleep(0.1)
    assert wire.requests == []


async def test_a_long_list_of_names_is_cut(wire: Any) -> None:
    port = await serve(wire, *(f"m{number}.acme.test" for number in range(9)))
    said = await describe_presented("127.0.0.1", port)
    assert said is not None
    assert "m4.acme.test and others, until" in said
    assert "m5" not in said


async def test_without_alternative_names_the_common_name_stands(wire: Any) -> None:
    port = await serve(wire, common_name="mail.acme.test")
    said = await describe_presented("127.0.0.1", port)
    assert said is not None
    assert "for mail.acme.test, until" in said


@pytest.mark.parametrize("tls", [True, False])
async def test_what_cannot_be_read_is_left_out(wire: Any, tls: bool) -> None:
    if tls:  # expired: it is not shown decoded
        port = await serve(
            wire, "127.0.0.1", not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=datetime(2020, 1, 1, tzinfo=UTC)
        )
    else:
        port = int(wire.url.split(":")[2].split("/")[0])
        await wire.stop()
    assert await describe_presented("127.0.0.1", port) is None

"""Without exchange.url the daemon looks for Exchange, says what it has tried, remembers it and follows its move."""

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp
import pytest
from structlog.testing import capture_logs

from tests.house import now, until

if TYPE_CHECKING:
    from tests.e2e.discovery.conftest import Company

pytestmark = [pytest.mark.e2e]


async def test_exchange_is_found_by_a_users_address_and_remembered(company: "Company") -> None:
    company.names.hold = asyncio.Event()
    company.start(allowed_hosts=["127.0.0.1"])
    await until(lambda: company.status()["exchange"]["reason"] == "Exchange is being looked for.", within=120)
    assert company.status()["exchange"]["state"] == "starting"
    company.names.hold.set()
    await company.streamed()
    assert company.problems() == {}
    await company.stop()
    company.names.known = set()
    company.start(allowed_hosts=["127.0.0.1"])
    await company.streamed()
    assert company.problems() == {}


async def test_while_it_is_not_found_status_says_what_was_tried_and_when_again(company: "Company") -> None:
    company.names.known = set()
    company.start()
    await until(company.problems, within=120)
    status = company.status()
    assert status["state"] == "degraded"
    assert status["exchange"]["state"] == "disconnected"
    await until(lambda: company.status()["rainbow"] == {"state": "connected", "reason": ""}, within=60)
    problem = company.problems()["exchange-not-found"]
    assert problem["severity"] == "error"
    assert re.fullmatch(r"Exchange was not found\. Next try \d\d:\d\d:\d\d UTC\.", status["exchange"]["reason"])
    text = problem["text"].replace(f":{company.port}", "")
    assert "@acme.test: https://acme.test/autodiscover/autodiscover.svc: the name acme.test is not known; " in text
    assert "SRV record _autodiscover._tcp.acme.test: there is none." in text
    assert text.startswith("Exchange was not found. For ")
    assert re.fullmatch(r"Next try \d\d:\d\d:\d\d UTC\.", text.rpartition("none. ")[2])
    assert problem["action"] == (
        "Set exchange.url (usually https://<server>/EWS/Exchange.asmx), or exchange.autodiscover_url; or have the name"
        " autodiscover.<your domain> lead to Exchange."
    )
    # a domain in which nobody answers is asked for one address alone
    assert text.count("For ") == 1
    # it goes on by itself
    company.names.known = {"acme.test"}
    company.exchange.dials.turn({"ews_urls": {"": company.exchange.url}})
    await until(lambda: "exchange-host-not-allowed" in company.problems(), within=300)


async def test_a_host_that_is_not_allowed_is_named_with_the_one_setting(company: "Company") -> None:
    company.start(allowed_hosts=["mail.acme.test"])
    await until(company.problems, within=120)
    problem = company.problems()["exchange-host-not-allowed"]
    assert problem["text"].startswith(
        "Looking for Exchange leads to 127.0.0.1, and nothing says that this may be told the Exchange password. For "
    )
    assert problem["action"] == (
        'If that is your Exchange, allow it: exchange.allowed_hosts = ["mail.acme.test", "127.0.0.1"]. Then restart.'
    )
    await company.stop()
    company.start(allowed_hosts=["mail.acme.test", "127.0.0.1"])
    await until(lambda: company.status()["state"] == "healthy", within=120)
    assert company.problems() == {}


async def test_a_domain_that_nothing_here_confirms_is_not_asked(company: "Company") -> None:
    company.start(domains=[])
    await until(company.problems, within=120)
    problem = company.problems()["exchange-domain-not-confirmed"]
    assert problem["text"].startswith(
        "Exchange could be looked for at acme.test, rainbow-login.test, where Rainbow's users have their addresses. But"
        " the Exchange password would be sent there, and nothing on this machine says that it is the company's own."
    )
    assert problem["action"] == (
        'Confirm the one that is: bridge.domains = ["acme.test", "rainbow-login.test"]; or set exchange.url.'
        " Then restart."
    )
    assert company.looked() == 0


async def test_a_user_name_that_is_an_address_needs_no_user_of_rainbow(company: "Company") -> None:
    somebody = company.people[0].mailbox
    assert somebody is not None
    company.rainbow.dials.set({"refuse_logins": True})
    company.start(domains=[], username=somebody.address, allowed_hosts=["127.0.0.1"])
    await until(lambda: "rainbow-authentication" in company.problems(), within=120)
    assert company.status()["exchange"]["reason"] == ""
    assert company.looked() > 0


async def test_rainbow_is_needed_for_the_addresses_of_its_users(company: "Company") -> None:
    company.rainbow.dials.set({"refuse_logins": True})
    company.start()
    await until(company.problems, within=120)
    assert company.problems()["exchange-not-found"]["text"].startswith(
        "Rainbow's users are needed to look for Exchange. Rainbow at 127.0.0.1 refuses the sign-in:"
    )


async def test_a_wrong_password_is_told_and_costs_two_attempts_at_most(company: "Company") -> None:
    company.names.known = {"acme.test", "autodiscover.acme.test"}
    company.start(password="wrong")
    await until(company.problems, within=120)
    problem = company.problems()["exchange-authentication"]
    assert problem["text"].startswith("Exchange at acme.test refuses the user name or password by Basic (HTTP 401")
    await asyncio.sleep(4 * 3600)
    assert [attempt["outcome"] for attempt in company.exchange.attempts.read()] == ["wrong password"] * 2


async def test_the_settings_may_name_the_one_autodiscover(company: "Company") -> None:
    company.names.known = set()
    company.start(autodiscover_url=f"https://127.0.0.1:{company.port}/autodiscover/autodiscover.svc", domains=[])
    await company.streamed()
    assert company.problems() == {}


async def test_exchange_is_followed_to_its_new_address(company: "Company") -> None:
    company.start(allowed_hosts=["127.0.0.1"])
    await company.streamed()
    old, new = company.exchange, company.new_exchange()
    await new.start(ssl=company.tls)
    old.dials.turn({"faults": {"Subscribe": "ErrorProxyRequestNotAllowed"}, "ews_urls": {"": new.url}})
    started = now()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=company.authority.client_context())) as http:
        async with http.delete(f"{old.base}/lab/subscriptions") as answer:
            assert answer.status == 200
        async with http.post(f"{old.base}/lab/streams", json={"order": "drop"}) as answer:
            assert answer.status == 200
    with capture_logs() as logs:
        await until(lambda: new.record.counts["Subscribe"] == 4, within=900)
    assert [line["reason"] for line in logs if line["event"] == "exchange_looked_for_anew"] == ["a mailbox was moved"]
    # not before five minutes have passed since Exchange was found
    assert now() - started >= timedelta(minutes=4)
    await company.streamed()
    assert company.problems() == {}
    await new.stop()


async def test_mailboxes_of_different_sites_have_streams_of_their_own(company: "Company") -> None:
    addresses = sorted(company.exchange.directory.by_address)
    company.exchange.dials.turn({"groupings": dict.fromkeys(addresses[:3], "Paris") | {addresses[3]: "Lyon"}})
    company.start(allowed_hosts=["127.0.0.1"])
    await company.streamed()
    assert company.daemon is not None
    assert company.daemon._sides is not None
    assert company.daemon._sides.exchange is not None
    streams = company.daemon._sides.exchange.pipeline.parts.watcher.streams()
    assert sorted(stream.members for stream in streams) == [1, 3]
    # one request for all of them, besides the one that found Exchange
    answered = [request["status"] for request in company.exchange.record.read(operation="GetUserSettings")]
    assert answered.count(200) == 2


async def test_with_the_url_given_autodiscover_may_be_named_for_the_sites_alone(company: "Company") -> None:
    addresses = sorted(company.exchange.directory.by_address)
    elsewhere = {addresses[0]: "https://lyon.acme.test/EWS/Exchange.asmx", "": company.exchange.url}
    company.exchange.dials.turn({"ews_urls": elsewhere})
    company.start(
        url=company.exchange.url, autodiscover_url=f"https://127.0.0.1:{company.port}/autodiscover/autodiscover.xml"
    )
    await company.streamed()
    problem = company.problems()["mailboxes-at-another-address"]
    assert problem["severity"] == "notice"
    assert problem["text"] == ("Autodiscover says that 1 mailbox should be asked at lyon.acme.test, unlike most.")
    assert problem["action"].startswith("They have streams of their own and are asked at 127.0.0.1, which passes")


async def test_with_the_url_given_a_wrong_password_is_one_attempt_for_both(company: "Company") -> None:
    company.start(
        password="wrong",
        url=company.exchange.url,
        autodiscover_url=f"https://127.0.0.1:{company.port}/autodiscover/autodiscover.xml",
    )
    await until(lambda: "exchange-authentication" in company.problems(), within=120)
    await asyncio.sleep(4 * 3600)
    assert [attempt["outcome"] for attempt in company.exchange.attempts.read()] == ["wrong password"]


async def test_exchange_that_has_gone_is_looked_for_anew(company: "Company") -> None:
    """Autodiscover is one server here and EWS another, which gives way to a third."""
    before, after = company.new_exchange(), company.new_exchange()
    await before.start(ssl=company.tls)
    company.exchange.dials.turn({"ews_urls": {"": before.url}})
    company.start(allowed_hosts=["127.0.0.1"])
    await company.streamed()
    await after.start(ssl=company.tls)
    company.exchange.dials.turn({"ews_urls": {"": after.url}})
    await before.stop()
    gone = now()
    await until(lambda: after.record.counts["Subscribe"] == 4, within=1200)
    assert timedelta(minutes=5) <= now() - gone <= timedelta(minutes=12)
    await company.streamed()
    assert company.problems() == {}
    await company.stop()
    await after.stop()


async def test_a_retry_looks_at_once_and_tries_refused_credentials_once_more(company: "Company") -> None:
    company.names.known = {"acme.test"}
    company.exchange.dials.turn({"passwords": {"svc-rainbow": "another"}})
    company.start(allowed_hosts=["127.0.0.1"])
    await until(lambda: "exchange-authentication" in company.problems(), within=120)
    assert company.daemon is not None
    company.exchange.dials.turn({"passwords": {}})
    tried = company.daemon.retry(None)
    assert (tried["retried"], tried["read"], tried["streamed"], tried["unknown"]) == ([], [], [], [])
    before = now()
    await company.streamed()
    assert company.problems() == {}
    assert now() - before < timedelta(minutes=5)

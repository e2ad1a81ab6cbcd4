"""Each step and each redirect of autodiscover: our client over TLS against the lab, and names of the test's own."""

import socket
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from rainbow_exchange.ews.auth import BasicAuth
from rainbow_exchange.ews.autodiscover import Autodiscover, Found, NotFound
from rainbow_exchange.ews.discovery.ask_first import AskFirst
from rainbow_exchange.ews.discovery.outcome import Located, NotHere
from rainbow_exchange.ews.discovery.places import Ports, trust
from rainbow_exchange.ews.errors import EwsConnectionError
from rainbow_exchange.ews.logins import Login, Logins
from rainbow_exchange.lab.exchange import LabExchange, LabMailbox
from rainbow_exchange.lab.tls import LabAuthority
from tests.ews.conftest import Wire, wall_clock

ANN, BOB = "ann@acme.test", "bob@acme.test"
PASSWORD = "lab-password"
SVC, XML = "/autodiscover/autodiscover.svc", "/autodiscover/autodiscover.xml"
NAMES = (
    "acme.test",
    "autodiscover.acme.test",
    "mail.acme.test",
    "srv.acme.test",
    "other.test",
    "autodiscover.other.test",
)


class Names(AbstractResolver):
    """Every name that the test knows is this machine."""

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if host not in self.known:
            raise OSError(socket.EAI_NONAME, "Name or service not known")
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Hold nothing."""


class Company:
    """acme.test: an Exchange with TLS, a plain port for the unencrypted redirect, and names."""

    def __init__(self, folder: Path) -> None:
        self.authority = LabAuthority(folder)
        self.names = Names("acme.test", "autodiscover.acme.test", "mail.acme.test")
        self.records: list[tuple[str, int]] = []
        self.lab = self._lab()
        self.plain = self._lab()
        self.made: list[Autodiscover] = []
        self.password = PASSWORD
        self.accounts = ["svc-rainbow"]

    @staticmethod
    def _lab() -> LabExchange:
        mailboxes = [LabMailbox(address=ANN, aliases=("ann@corp.test",)), LabMailbox(address=BOB)]
        return LabExchange(mailboxes=mailboxes, password=PASSWORD, now=wall_clock, random=Random(1).random)

    async def start(self) -> "Company":
        await self.lab.start(ssl=self.authority.server_context(*NAMES))
        await self.plain.start()
        self.dial(ews_urls={"": self.at("mail.acme.test", "/EWS/Exchange.asmx")})
        return self

    async def stop(self) -> None:
        for each in self.made:
            await each.__aexit__()
        await self.lab.stop()
        await self.plain.stop()

    @property
    def port(self) -> int:
        return int(self.lab.base.rpartition(":")[2])

    @property
    def plain_port(self) -> int:
        return int(self.plain.base.rpartition(":")[2])

    def at(self, host: str, path: str = SVC) -> str:
        return f"https://{host}:{self.port}{path}"

    def dial(self, **positions: Any) -> None:
        self.lab.dials.turn(positions)

    def client(self, *, domains: tuple[str, ...] = ("acme.test",), allowed: tuple[str, ...] = ()) -> Autodiscover:
        context = self.authority.client_context()

        async def records(domain: str) -> list[tuple[str, int]]:
            assert domain == "acme.test"
            return self.records

        def logins(_: str) -> Logins:
            return Logins([Login(auth=AskFirst(BasicAuth(name, self.password))) for name in self.accounts])

        self.made.append(
            Autodiscover(
                logins=logins,
                trust=trust(domains, allowed),
                url=None,
                records=records,
                ssl=context,
                resolver=self.names,
                ports=Ports(https=self.port, http=self.plain_port),
            )
        )
        return self.made[-1]

    def asked(self, operation: str) -> list[int]:
        return [request["status"] for request in self.lab.record.read(operation=operation)]

    async def fails(self, address: str = ANN, **options: Any) -> NotFound:
        with pytest.raises(NotFound) as raised:
            await self.client(**options).find(address)
        return raised.value

    def told(self, error: NotFound) -> list[str]:
        """What was tried, the ports left out."""
        return [str(each).replace(f":{self.port}", "").replace(f":{self.plain_port}", "") for each in error.attempts]


@pytest.fixture
async def company(tmp_path: Path) -> AsyncIterator[Company]:
    made = await Company(tmp_path).start()
    yield made
    await made.stop()


UNKNOWN_PLACES = [
    "https://acme.test/autodiscover/autodiscover.svc: the name acme.test is not known",
    "https://acme.test/autodiscover/autodiscover.xml: the name acme.test is not known",
    "https://autodiscover.acme.test/autodiscover/autodiscover.svc: the name autodiscover.acme.test is not known",
    "https://autodiscover.acme.test/autodiscover/autodiscover.xml: the name autodiscover.acme.test is not known",
    "http://autodiscover.acme.test/autodiscover/autodiscover.xml: the name autodiscover.acme.test is not known",
    "SRV record _autodiscover._tcp.acme.test: there is none",
]


async def test_the_first_place_is_the_domain_itself_in_soap(company: Company) -> None:
    company.dial(groupings={ANN: "Paris"})
    ews = company.at("mail.acme.test", "/EWS/Exchange.asmx")
    assert await company.client().find(ANN) == Found(
        url=ews,
        autodiscover_url=company.at("acme.test"),
        located=Located(internal_url=ews, external_url=ews, grouping="Paris"),
    )
    # asked without credentials first, then with them
    assert company.asked("GetUserSettings") == [401, 200]
    assert company.asked("Autodiscover") == []


async def test_plain_xml_where_there_is_no_soap(company: Company) -> None:
    company.dial(autodiscover_forms=["pox"], groupings={ANN: "Paris"})
    found = await company.client().find(ANN)
    assert found.url == company.at("mail.acme.test", "/EWS/Exchange.asmx")
    assert found.located.grouping == "Paris"
    assert company.asked("GetUserSettings") == [404, 404]


async def test_a_web_site_at_the_domain_never_sees_the_password(company: Company) -> None:
    company.dial(autodiscover_absent_hosts=["acme.test"])
    found = await company.client().find(ANN)
    assert found.autodiscover_url == company.at("autodiscover.acme.test")
    assert [attempt["scheme"] for attempt in company.lab.attempts.read()] == ["Basic"]
    assert company.asked("GetUserSettings") == [404, 404, 401, 200]


async def test_nowhere_says_what_was_tried(company: Company) -> None:
    company.names.known = set()
    error = await company.fails()
    assert company.told(error) == UNKNOWN_PLACES
    assert (error.address, error.blocked_hosts, error.refusal) == (ANN, (), None)


async def test_an_unencrypted_redirect_is_followed_to_https_on_a_host_that_is_allowed(company: Company) -> None:
    company.names.known = {"mail.acme.test", "autodiscover.acme.test"}
    company.dial(autodiscover_absent_hosts=["autodiscover.acme.test"])
    target = company.at("mail.acme.test", "/autodiscover/autodiscover.xml")
    company.plain.dials.turn({"autodiscover_http_redirects": {"autodiscover.acme.test": target}})
    error = await company.fails()
    assert error.blocked_hosts == ("mail.acme.test",)
    assert company.told(error)[-2:] == [
        f"http://autodiscover.acme.test{XML}: redirects to the host mail.acme.test, which is not allowed",
        "SRV record _autodiscover._tcp.acme.test: there is none",
    ]
    assert company.lab.attempts.read() == []
    found = await company.client(allowed=("mail.acme.test",)).find(ANN)
    assert found.autodiscover_url == company.at("mail.acme.test")
    # the unencrypted request carried nothing
    assert company.plain.attempts.read() == []


async def test_an_unencrypted_redirect_to_http_is_refused(company: Company) -> None:
    company.names.known = {"autodiscover.acme.test"}
    company.dial(autodiscover_absent_hosts=["autodiscover.acme.test"])
    target = f"http://autodiscover.acme.test:{company.plain_port}/elsewhere/autodiscover.xml"
    company.plain.dials.turn({"autodiscover_http_redirects": {"autodiscover.acme.test": target}})
    error = await company.fails(allowed=("autodiscover.acme.test",))
    assert company.told(error)[-2] == (
        "http://autodiscover.acme.test/autodiscover/autodiscover.xml: redirects to"
        " http://autodiscover.acme.test/elsewhere/autodiscover.xml, which is not https and so is not followed"
    )
    assert company.plain.attempts.read() == []


async def test_a_service_record_leads_to_an_allowed_host_only(company: Company) -> None:
    company.names.known = {"srv.acme.test", "mail.acme.test"}
    company.records = [("srv.acme.test", company.port)]
    error = await company.fails()
    assert company.told(error)[-1] == (
        "SRV record _autodiscover._tcp.acme.test: redirects to the host srv.acme.test, which is not allowed"
    )
    assert error.blocked_hosts == ("srv.acme.test",)
    found = await company.client(allowed=("srv.acme.test",)).find(ANN)
    assert found.autodiscover_url == company.at("srv.acme.test")


async def test_a_redirect_of_http_in_answer_to_the_request(company: Company) -> None:
    company.dial(
        autodiscover_http_redirects={
            "acme.test": company.at("autodiscover.acme.test", "/autodiscover/autodiscover.svc")
        }
    )
    found = await company.client().find(ANN)
    assert found.autodiscover_url == company.at("autodiscover.acme.test")
    # nobody who only redirects is told the password
    assert company.asked("GetUserSettings") == [302, 302, 401, 200]


async def test_where_the_one_form_is_redirected_away_the_other_is_asked(company: Company) -> None:
    company.names.known = {"acme.test", "mail.acme.test"}
    company.dial(autodiscover_http_redirects={f"acme.test{SVC}": "https://other.test/"})
    found = await company.client().find(ANN)
    assert found.autodiscover_url == company.at("acme.test")
    assert company.asked("GetUserSettings")[0] == 302
    assert company.asked("Autodiscover")[-1] == 200


async def test_the_companys_web_site_is_never_proposed_to_be_told_the_password(company: Company) -> None:
    company.names.known = {"acme.test"}
    company.dial(
        autodiscover_http_redirects={f"acme.test{path}": f"https://www.acme.test{path}" for path in (SVC, XML)}
    )
    error = await company.fails()
    assert company.told(error)[:2] == [
        f"https://acme.test{SVC}: redirects to www.acme.test, the company's web site",
        f"https://acme.test{XML}: redirects to www.acme.test, the company's web site",
    ]
    assert (error.blocked_hosts, error.answered) == ((), False)
    assert company.lab.attempts.read() == []


@pytest.mark.parametrize("form", ["soap", "pox"])
@pytest.mark.parametrize("target", ["http://acme.test/autodiscover/autodiscover.svc", "https://other.test/x"])
async def test_a_redirect_in_the_answer_is_not_followed_to_http_or_to_a_new_host(
    company: Company, form: str, target: str
) -> None:
    company.names.known.update({"other.test"})
    company.dial(autodiscover_forms=[form], autodiscover_redirect_urls={"acme.test": target})
    # the second place knows the mailbox: what one place says does not end the search
    found = await company.client().find(ANN)
    assert found.autodiscover_url == company.at("autodiscover.acme.test")
    assert "other.test" not in company.names.asked


@pytest.mark.parametrize(
    "target", ["https://[bad/x", "https://acme.test:99999/x", "https://ann:secret@acme.test/x", "mailto:x"]
)
async def test_a_redirect_to_what_is_no_web_address_is_passed_over(company: Company, target: str) -> None:
    company.names.known = {"acme.test"}
    company.dial(autodiscover_redirect_urls={"acme.test": target})
    told = company.told(await company.fails())
    assert told[0] == (
        f"https://acme.test{SVC}: redirects to {target.replace('ann:secret@', '')}, which is no web address to go to"
    )


@pytest.mark.parametrize("form", ["soap", "pox"])
async def test_a_redirect_in_the_answer_is_followed_to_an_allowed_host(company: Company, form: str) -> None:
    company.names.known = {"acme.test", "mail.acme.test", "other.test"}
    company.dial(autodiscover_forms=[form], autodiscover_redirect_urls={"acme.test": company.at("other.test")})
    error = await company.fails()
    assert error.blocked_hosts == ("other.test",)
    where = {"soap": "svc", "pox": "xml"}[form]
    told = (
        f"https://acme.test/autodiscover/autodiscover.{where}: redirects to the host other.test, which is not allowed"
    )
    assert told in company.told(error)
    found = await company.client(allowed=("other.test",)).find(ANN)
    assert found.autodiscover_url == company.at("other.test")


async def test_redirects_in_a_circle_end(company: Company) -> None:
    company.names.known = {"acme.test", "mail.acme.test"}
    one, two = company.at("acme.test", "/one/autodiscover.svc"), company.at("acme.test", "/two/autodiscover.svc")
    company.dial(
        autodiscover_redirect_urls={
            "/autodiscover/autodiscover.svc": one,
            "/one/autodiscover.svc": two,
            "/two/autodiscover.svc": one,
        }
    )
    one_shown, two_shown = "https://acme.test/one/autodiscover.svc", "https://acme.test/two/autodiscover.svc"
    assert company.told(await company.fails())[:3] == [
        "https://acme.test/autodiscover/autodiscover.svc: redirects to https://acme.test/one/autodiscover.svc",
        "https://acme.test/one/autodiscover.svc: redirects to https://acme.test/two/autodiscover.svc",
        f"{two_shown}: redirects to {one_shown}, which was asked already",
    ]


async def test_an_endless_chain_of_redirects_ends_after_ten(company: Company) -> None:
    company.names.known = {"acme.test", "mail.acme.test"}
    paths = [SVC, *(f"/{number}/autodiscover.svc" for number in range(50))]
    company.dial(
        autodiscover_redirect_urls={path: company.at("acme.test", following) for path, following in pairwise(paths)}
    )
    error = await company.fails()
    assert company.told(error)[10] == (
        "https://acme.test/9/autodiscover.svc: redirects to https://acme.test/10/autodiscover.svc,"
        " which is one redirect too many: 10 were followed already"
    )
    assert company.asked("GetUserSettings").count(200) == 11


@pytest.mark.parametrize("other", ["x@[bad", "x@acme.test:99999", "x@acme..test", "nobody"])
async def test_an_address_that_is_none_is_passed_over(company: Company, other: str) -> None:
    company.names.known = {"acme.test"}
    company.dial(autodiscover_redirect_addresses={ANN: other})
    told = company.told(await company.fails())
    assert told[:2] == [f"https://acme.test{SVC}: asks to look for {other} instead", f"{other}: is no mail address"]


@pytest.mark.parametrize(
    "url",
    [
        "https://a..acme.test/E",
        "https://" + "a" * 64 + ".acme.test/E",
        "https://a\u200b.acme.test/E",
        "https://a<>.acme.test/E",
    ],
)
async def test_an_ews_at_a_name_that_cannot_be_looked_up_is_passed_over(company: Company, url: str) -> None:
    company.names.known = {"acme.test"}
    company.dial(ews_urls={"": url})
    error = await company.fails()
    assert error.blocked_hosts == ()
    shown = url.replace("\u200b", "?")
    assert company.told(error)[0] == (
        f"https://acme.test{SVC}: says that EWS is at {shown}, where there can be no server"
    )


@pytest.mark.parametrize("form", ["soap", "pox"])
async def test_another_address_of_the_same_company_is_looked_for(company: Company, form: str) -> None:
    company.dial(autodiscover_forms=[form], autodiscover_redirect_addresses={"carl@acme.test": BOB})
    found = await company.client().find("carl@acme.test")
    assert found.url == company.at("mail.acme.test", "/EWS/Exchange.asmx")


async def test_another_address_of_another_domain_must_be_allowed(company: Company) -> None:
    company.names.known.update({"autodiscover.other.test"})
    company.dial(autodiscover_redirect_addresses={ANN: "ann@other.test"})
    company.lab.directory.add(LabMailbox(address="ann@other.test"))
    error = await company.fails()
    assert error.blocked_hosts == ("autodiscover.other.test",)
    assert company.told(error)[:2] == [
        "https://acme.test/autodiscover/autodiscover.svc: asks to look for ann@other.test instead",
        "ann@other.test: leads to the host autodiscover.other.test, which is not allowed",
    ]
    assert "autodiscover.other.test" not in company.names.asked
    found = await company.client(allowed=("autodiscover.other.test",)).find(ANN)
    assert found.autodiscover_url == company.at("autodiscover.other.test")


async def test_two_addresses_that_lead_to_each_other_end(company: Company) -> None:
    company.dial(autodiscover_redirect_addresses={ANN: BOB, BOB: ANN})
    error = await company.fails()
    assert company.told(error)[:2] == [
        "https://acme.test/autodiscover/autodiscover.svc: asks to look for bob@acme.test instead",
        f"https://acme.test{SVC}: asks to look for ann@acme.test instead, which was asked already",
    ]


async def test_an_ews_of_a_foreign_host_is_not_used_until_allowed(company: Company) -> None:
    company.names.known.update({"other.test"})
    company.dial(ews_urls={"": company.at("other.test", "/EWS/Exchange.asmx")})
    error = await company.fails()
    assert error.blocked_hosts == ("other.test",)
    assert company.told(error)[0] == (
        "https://acme.test/autodiscover/autodiscover.svc: says that EWS is at the host other.test, which is not allowed"
    )
    found = await company.client(allowed=("other.test",)).find(ANN)
    assert found.url == company.at("other.test", "/EWS/Exchange.asmx")


async def test_an_ews_without_encryption_is_not_used(company: Company) -> None:
    company.dial(ews_urls={"": "http://mail.acme.test/EWS/Exchange.asmx"})
    assert company.told(await company.fails())[0] == (
        "https://acme.test/autodiscover/autodiscover.svc: says that EWS is at http://mail.acme.test/EWS/Exchange.asmx:"
        " the URL of EWS on mail.acme.test is http://, which shows the password to the network; use https"
    )


async def test_an_ews_that_nobody_answers_at_is_not_used(company: Company) -> None:
    company.dial(ews_urls={"": company.at("gone.acme.test", "/EWS/Exchange.asmx")})
    assert company.told(await company.fails())[0] == (
        "https://gone.acme.test/EWS/Exchange.asmx: the name gone.acme.test is not known"
    )


async def test_a_mailbox_that_nobody_knows(company: Company) -> None:
    assert company.told(await company.fails("nobody@acme.test"))[:2] == [
        "https://acme.test/autodiscover/autodiscover.svc: knows no such mailbox (InvalidUser)",
        "https://acme.test/autodiscover/autodiscover.xml: knows no such mailbox (500)",
    ]


async def test_a_wrong_password_costs_two_attempts_at_most(company: Company) -> None:
    company.password = "wrong"
    company.names.known.update({"srv.acme.test"})
    company.records = [("srv.acme.test", company.port)]
    error = await company.fails(allowed=("srv.acme.test",))
    assert error.refusal is not None
    assert error.refusal.status == 401
    assert len(company.lab.attempts.read()) == 2
    assert company.told(error)[:2] == [
        "https://acme.test/autodiscover/autodiscover.svc: refuses the user name or password (HTTP 401)",
        "https://autodiscover.acme.test/autodiscover/autodiscover.svc: refuses the user name or password (HTTP 401)",
    ]


async def test_a_second_account_is_tried_where_the_first_is_refused(company: Company) -> None:
    company.accounts = ["nobody", "svc-rainbow"]
    assert (await company.client().find(ANN)).autodiscover_url == company.at("acme.test")
    assert [attempt["account"] for attempt in company.lab.attempts.read()] == ["nobody", "svc-rainbow"]


async def test_a_certificate_that_is_not_trusted_ends_that_place(company: Company, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    company.authority = LabAuthority(stranger)
    error = await company.fails()
    assert company.told(error)[0].startswith(
        "https://acme.test/autodiscover/autodiscover.svc: The certificate of acme.test is not"
    )
    assert company.lab.attempts.read() == []


async def test_what_is_no_autodiscover_is_passed_over(company: Company, wire: Wire) -> None:
    async def script(_: Any) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 7\r\n\r\n<other>"

    wire.script = script
    company.names.known = {"autodiscover.acme.test"}
    company.dial(autodiscover_absent_hosts=["autodiscover.acme.test"])
    client = company.client()
    client._url = wire.url.replace("/EWS/Exchange.asmx", "/autodiscover/autodiscover.xml")
    with pytest.raises(NotFound) as raised:
        await client.find(ANN)
    assert [each.result for each in raised.value.attempts] == ["does not answer as autodiscover does"] * 2
    # the whole search sent no credentials to whoever asked for none
    assert all("Authorization" not in request.headers for request in wire.requests)


async def test_a_service_that_now_redirects_tells_nothing_of_many_mailboxes(company: Company) -> None:
    company.dial(autodiscover_http_redirects={"acme.test": company.at("other.test")})
    with pytest.raises(EwsConnectionError, match=r"redirects to https://other\.test"):
        await company.client().settings(company.at("acme.test"), [ANN, BOB])


async def test_many_mailboxes_are_asked_for_a_hundred_at_a_time(company: Company) -> None:
    people = [f"p{number}@acme.test" for number in range(230)]
    company.lab.directory.add_all(LabMailbox(address=each) for each in people)
    company.dial(groupings={people[7]: "Paris", people[207]: "Lyon"})
    client = company.client()
    company.lab.record.clear()
    said = await client.settings(company.at("acme.test"), [*people, "nobody@acme.test"])
    assert len(said) == 231
    assert said["nobody@acme.test"] == NotHere(code="InvalidUser")
    groupings = {address: of.grouping for address, of in said.items() if isinstance(of, Located) and of.grouping}
    assert groupings == {"p7@acme.test": "Paris", "p207@acme.test": "Lyon"}
    assert company.asked("GetUserSettings").count(200) == 3

"""What status says of each redirect of autodiscover that is not followed; and that one to an allowed host is."""

from typing import TYPE_CHECKING

import pytest

from tests.house import until

if TYPE_CHECKING:
    from tests.e2e.discovery.conftest import Company

pytestmark = [pytest.mark.e2e]

SVC = "/autodiscover/autodiscover.svc"
BY_HTTP, IN_THE_ANSWER = "autodiscover_http_redirects", "autodiscover_redirect_urls"
ALLOW = 'If that is your Exchange, allow it: exchange.allowed_hosts = ["{}"]. Then restart.'
SET = (
    "Set exchange.url (usually https://<server>/EWS/Exchange.asmx), or exchange.autodiscover_url; or have the name"
    " autodiscover.<your domain> lead to Exchange."
)


@pytest.mark.parametrize(
    ("dial", "target", "told", "action"),
    [
        (BY_HTTP, f"https://other.test{SVC}", "the host other.test, which is not allowed", ALLOW.format("other.test")),
        (
            IN_THE_ANSWER,
            f"https://other.test{SVC}",
            "the host other.test, which is not allowed",
            ALLOW.format("other.test"),
        ),
        (
            BY_HTTP,
            f"https://mail.acme.test{SVC}",
            "the host mail.acme.test, which is not allowed",
            ALLOW.format("mail.acme.test"),
        ),
        (
            IN_THE_ANSWER,
            f"http://acme.test{SVC}",
            f"http://acme.test{SVC}, which is not https and so is not followed",
            SET,
        ),
        (
            IN_THE_ANSWER,
            "https://acme.test/autodiscover/autodiscover.xml",
            "https://acme.test/autodiscover/autodiscover.xml, which was asked already",
            SET,
        ),
    ],
    ids=["302-untrusted", "redirectUrl-untrusted", "302-same-company", "to-http", "loop"],
)
async def test_what_status_says_of_a_redirect_that_is_not_followed(
    company: "Company", dial: str, target: str, told: str, action: str
) -> None:
    company.names.known = {"acme.test", "other.test", "mail.acme.test"}
    at_port = target.replace("acme.test/", f"acme.test:{company.port}/").replace(
        "other.test/", f"other.test:{company.port}/"
    )
    company.exchange.dials.turn({dial: {"acme.test": at_port}})
    company.start()
    await until(company.problems, within=120)
    [problem] = company.problems().values()
    text = problem["text"].replace(f":{company.port}", "")
    assert f"https://acme.test{SVC}: redirects to {told}" in text
    assert problem["action"] == action
    assert (problem["severity"], company.status()["exchange"]["state"]) == ("error", "disconnected")


async def test_what_status_says_of_another_address_elsewhere(company: "Company") -> None:
    company.names.known = {"acme.test", "autodiscover.other.test"}
    others = dict.fromkeys(company.exchange.directory.by_proxy, "somebody@other.test")
    company.exchange.dials.turn({"autodiscover_redirect_addresses": others})
    company.start()
    await until(company.problems, within=120)
    problem = company.problems()["exchange-host-not-allowed"]
    text = problem["text"].replace(f":{company.port}", "")
    assert f"https://acme.test{SVC}: asks to look for somebody@other.test instead; " in text
    assert "somebody@other.test: leads to the host autodiscover.other.test, which is not allowed" in text
    assert problem["action"] == (
        'If that is your Exchange, allow it: exchange.allowed_hosts = ["autodiscover.other.test"]. Then restart.'
    )


@pytest.mark.parametrize("dial", ["autodiscover_http_redirects", "autodiscover_redirect_urls"])
@pytest.mark.parametrize("forms", [["soap", "pox"], ["pox"]], ids=["soap", "pox"])
async def test_a_redirect_to_a_host_that_is_allowed_leads_to_exchange(
    company: "Company", dial: str, forms: list[str]
) -> None:
    company.names.known = {"acme.test", "other.test"}
    target = f"https://other.test:{company.port}{SVC}"
    company.exchange.dials.turn({dial: {"acme.test": target}, "autodiscover_forms": forms})
    company.start(allowed_hosts=["other.test", "127.0.0.1"])
    await company.streamed()
    assert company.problems() == {}

"""The panel of Rainbow's administration, on the served page."""

from tests.lab_page.opened import Opened, opened, people, text

_PANEL = "//section[@id='lab_administration']"


async def note(page: Opened) -> str:
    return text(await page.look(), "//p[@id='administration-note']")


async def test_the_switch_is_turned_and_shown() -> None:
    async with opened() as page:
        await page.shows("3 users", f"{_PANEL}//h3")
        for on, checked, said in (
            ("no", "false", "It is switched off."),
            ("no", "false", "It is switched off."),
            ("yes", "true", "It is switched on."),
        ):
            assert await page.send("/administration/switch", on=on) == ""
            assert await note(page) == said
            switches = (await page.look()).xpath(f"{_PANEL}//button[@role='switch']/@aria-checked")
            assert switches == [checked]


async def test_an_exchange_server_is_entered_and_its_password_never_comes_back() -> None:
    async with opened() as page:
        refused = await page.send("/administration/exchange", url="mail.acme.test", login="svc", password="Hidden#7")
        assert "such as https://mail.company.com/EWS/Exchange.asmx" in refused
        url = "https://mail.acme.test/EWS/Exchange.asmx"
        assert "user name" in await page.send("/administration/exchange", url=url, login=" ", password="Hidden#7")
        assert await page.send("/administration/exchange", url=url, login="svc", password="Hidden#7") == ""
        document = await page.look()
        assert document.xpath("//input[@id='server-url']/@value") == [url]
        assert document.xpath("//input[@id='server-login']/@value") == ["svc"]
        assert document.xpath("//input[@id='server-password']/@value") == [""]
        assert document.xpath("//input[@id='server-password']/@placeholder") == ["unchanged"]
        async with page.client.get("/") as answer:
            assert "Hidden#7" not in await answer.text()
        assert await page.send("/administration/exchange/lab") == ""
        assert page.lab.exchange is not None
        assert (await page.look()).xpath("//input[@id='server-url']/@value") == [page.lab.exchange.url]
        assert await page.send("/administration/exchange/forget") == ""
        assert (await page.look()).xpath("//input[@id='server-url']/@value") == [""]


async def test_somebody_is_added_with_a_mailbox_removed_and_added_again() -> None:
    async with opened() as page:
        await page.look()
        zoe = {"first": " Zoé ", "last": "Neuve", "address": "Zoe.Neuve@acme.test"}
        assert await page.send("/administration/users", **zoe) == ""
        assert await note(page) == "Zoé Neuve is added. No connector is connected; it finds out when it is."
        document = await page.look()
        assert "Zoé Neuve" in text(document, "//section[@id='lab_exchange']")
        assert "Zoé Neuve" in text(document, "//section[@id='lab_rainbow']")
        assert "4 users" in text(document, f"{_PANEL}//h3")
        taken = await page.send("/administration/users", **zoe)
        assert taken == "Somebody has this login already: zoe.neuve@acme.test."
        key = people(document, "user-gone")["Zoé Neuve"]
        assert await page.send("/administration/users/remove", person=key) == ""
        assert "Zoé Neuve is removed; the mailbox stays." in await note(page)
        document = await page.look()
        assert "Zoé Neuve" in text(document, "//section[@id='lab_exchange']")
        assert "Not a user of Rainbow" in text(document, "//section[@id='lab_rainbow']")
        times = {"start": "2026-03-02T10:00", "end": "2026-03-02T11:00", "show_as": "Busy"}
        assert await page.send("/appointment", person=key, subject="x", **times) == "", "from a form opened before"
        assert "no such user any more" in await page.send("/administration/users/remove", person=key)
        assert await page.send("/administration/users", **zoe) == "", "to the mailbox that is there"
        assert "4 users" in text(await page.look(), f"{_PANEL}//h3")


async def test_what_is_not_a_person_is_not_added() -> None:
    async with opened() as page:
        assert await page.send("/administration/users", first=" ", last="", address="a@b.test") == "Enter a name."
        for address in ("", "zoe", "zoe neuve@acme.test", "@acme.test", "a" * 200 + "@acme.test"):
            assert "such as zoe@acme.test" in await page.send("/administration/users", last="N", address=address)


async def test_what_the_other_side_adds_is_found_out() -> None:
    async with opened() as page:
        await page.look()
        assert page.lab.rainbow is not None
        user = {"loginEmail": "new@acme.test", "displayName": "Somebody Else"}
        async with page.client.post(f"{page.lab.rainbow.url}/lab/users", json=user) as answer:
            assert answer.status == 201
        await page.shows("Somebody Else", "//section[@id='lab_rainbow']")


async def test_a_certificate_that_is_wrong_is_the_connector_s_trouble_and_not_the_page_s() -> None:
    for kind in ("expired", "old-tls", "weak-key"):
        async with opened(certificate=kind) as page:
            [key, *_] = people(await page.look(), "user-gone").values()
            times = {"start": "2026-03-02T10:00", "end": "2026-03-02T11:00", "show_as": "Busy"}
            assert await page.send("/appointment", person=key, subject="x", **times) == "", kind

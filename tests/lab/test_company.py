"""The made-up company."""

from rainbow_exchange.lab.company import make_company


def test_the_same_seed_makes_the_same_company() -> None:
    assert make_company(30, 7) == make_company(30, 7)
    assert make_company(30, 7) != make_company(30, 8)


def test_addresses_are_ascii_and_nobody_shares_one() -> None:
    users = make_company(2000)
    everything = [address for user in users for address in user.addresses()]
    assert all(address.isascii() and address.count("@") == 1 and " " not in address for address in everything)
    assert len(everything) == len(set(everything))
    assert len({user.id for user in users}) == 2000
    assert all(len(user.id) == 24 and int(user.id, 16) for user in users)


def test_names_are_french_and_some_bear_an_emoji() -> None:
    names = [user.display_name for user in make_company(200)]
    assert any("é" in name for name in names)
    assert any(not name.isascii() and any(ord(char) > 0x2600 for char in name) for name in names)


def test_everybody_is_reachable_by_one_of_the_four_identifiers() -> None:
    for user in make_company(100):
        assert user.mailbox is not None
        names = {user.mailbox.address, *user.mailbox.aliases, user.mailbox.upn}
        tried = [user.login_email, *user.work_emails, user.external_uid]
        assert names & set(tried), user.login_email


def test_some_are_reachable_by_the_work_address_only() -> None:
    users = make_company(100)
    outside = [
        user for user in users if user.mailbox and user.login_email not in {user.mailbox.address, *user.mailbox.aliases}
    ]
    assert len(outside) == 10
    assert all(user.mailbox and user.mailbox.address in user.work_emails for user in outside)
    assert any(user.mailbox and user.login_email in user.mailbox.aliases for user in users)
    assert any(user.mailbox and user.mailbox.upn for user in users)


def test_of_plain_people_the_login_is_the_only_address() -> None:
    for user in make_company(40, plain=True):
        assert user.mailbox is not None
        assert user.addresses() == {user.mailbox.address}
        assert (user.mailbox.aliases, user.mailbox.upn, user.external_uid) == ((), None, None)

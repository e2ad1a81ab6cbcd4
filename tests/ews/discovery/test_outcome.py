from rainbow_exchange.ews.discovery.outcome import Located

INSIDE, OUTSIDE = "https://exch01.acme.test/EWS/Exchange.asmx", "https://mail.acme.test/EWS/Exchange.asmx"


def test_the_address_for_the_companys_own_network_comes_first() -> None:
    assert Located(internal_url=INSIDE, external_url=OUTSIDE).urls == (INSIDE, OUTSIDE)
    assert Located(internal_url=INSIDE, external_url=INSIDE).urls == (INSIDE,)
    assert Located(external_url=OUTSIDE).urls == (OUTSIDE,)
    assert Located().urls == ()


def test_mailboxes_share_a_stream_by_external_address_and_grouping() -> None:
    paris = Located(internal_url=INSIDE, external_url=OUTSIDE, grouping="Paris")
    assert paris.group_key == Located(external_url=OUTSIDE.upper(), grouping="Paris").group_key
    assert paris.group_key != Located(external_url=OUTSIDE, grouping="Lyon").group_key
    assert paris.group_key != Located(external_url=INSIDE, grouping="Paris").group_key

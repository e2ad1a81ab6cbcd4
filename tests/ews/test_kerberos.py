"""Which word stands for which of Kerberos' errors; numbers as MIT's krb5.h has them."""

import pytest

from rainbow_exchange.ews.kerberos import REFUSALS, reason


class Krb5Error(Exception):
    """As the library krb5 raises it."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.err_code = code


class GssError(Exception):
    """As the library gssapi raises it: the code without its sign."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.min_code = code % 2**32


class Wrapped(Exception):
    """As pyspnego wraps it."""

    def __init__(self, base_error: Exception) -> None:
        super().__init__()
        self.base_error = base_error


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (-1765328378, "unknown-account"),  # KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN
        (-1765328377, "unknown-service"),  # KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN
        (-1765328366, "locked"),  # KRB5KDC_ERR_CLIENT_REVOKED
        (-1765328361, "password-expired"),  # KRB5KDC_ERR_KEY_EXP
        (-1765328360, "wrong-password"),  # KRB5KDC_ERR_PREAUTH_FAILED
        (-1765328353, "wrong-password"),  # KRB5KRB_AP_ERR_BAD_INTEGRITY
        (-1765328352, "ticket-expired"),  # KRB5KRB_AP_ERR_TKT_EXPIRED
        (-1765328347, "clock-skew"),  # KRB5KRB_AP_ERR_SKEW
        (-1765328343, "wrong-key"),  # KRB5KRB_AP_ERR_MODIFIED
        (-1765328243, "no-ticket"),  # KRB5_CC_NOTFOUND
        (-1765328230, "no-domain-controller"),  # KRB5_REALM_UNKNOWN
        (-1765328228, "no-domain-controller"),  # KRB5_KDC_UNREACH
        (-1765328203, "no-ticket"),  # KRB5_KT_NOTFOUND
        (-1765328189, "no-ticket"),  # KRB5_FCC_NOFILE
        (-1765328164, "no-domain-controller"),  # KRB5_REALM_CANT_RESOLVE
        (-1765328160, "no-domain-controller"),  # KRB5_CONFIG_NODEFREALM
        (-1765328370, "other"),  # KRB5KDC_ERR_ETYPE_NOSUPP
        (0, "other"),
        (5, "other"),
    ],
)
def test_each_code_has_its_word_however_it_comes(code: int, word: str) -> None:
    assert reason(Krb5Error(code)) == word
    assert reason(GssError(code)) == word
    assert reason(Wrapped(GssError(code))) == word


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (-2146893053, "unknown-service"),  # SEC_E_TARGET_UNKNOWN
        (-2146893044, "wrong-password"),  # SEC_E_LOGON_DENIED
        (-2146893042, "no-ticket"),  # SEC_E_NO_CREDENTIALS
        (-2146893039, "no-domain-controller"),  # SEC_E_NO_AUTHENTICATING_AUTHORITY
        (-2146893022, "wrong-key"),  # SEC_E_WRONG_PRINCIPAL
        (-2146893020, "clock-skew"),  # SEC_E_TIME_SKEW
        (5, "other"),
    ],
)
def test_windows_codes_have_the_same_words(code: int, word: str) -> None:
    error = OSError()
    error.winerror = code  # type: ignore[attr-defined,unused-ignore] # there on Windows only
    assert reason(error) == word


def test_the_cause_counts_where_the_error_itself_says_nothing() -> None:
    error = ValueError()
    error.__cause__ = Krb5Error(-1765328347)
    assert reason(error) == "clock-skew"
    assert reason(AttributeError("Cannot read flags")) == "other"


def test_what_an_account_is_locked_by_is_a_refusal() -> None:
    assert {"wrong-password", "locked", "password-expired"} == REFUSALS

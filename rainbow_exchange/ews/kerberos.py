"""What Kerberos says when it fails, as a word that a person can be helped with. Pure.

The codes are those of RFC 4120 §7.5.9 and of MIT's library, which numbers them from one base:
https://web.mit.edu/kerberos/krb5-latest/doc/appdev/refs/macros/index.html
"""

from importlib.util import find_spec
from typing import Final

_BASE: Final = -1765328384

#: what counts as an attempt with a password at the domain controller, or as its verdict on the account
REFUSALS: Final = frozenset({"wrong-password", "locked", "password-expired"})

_WORDS: Final = {
    6: "unknown-account",  # KDC_ERR_C_PRINCIPAL_UNKNOWN
    7: "unknown-service",  # KDC_ERR_S_PRINCIPAL_UNKNOWN
    18: "locked",  # KDC_ERR_CLIENT_REVOKED
    23: "password-expired",  # KDC_ERR_KEY_EXPIRED
    24: "wrong-password",  # KDC_ERR_PREAUTH_FAILED
    31: "wrong-password",  # KRB_AP_ERR_BAD_INTEGRITY: the answer cannot be decrypted with this password
    32: "ticket-expired",  # KRB_AP_ERR_TKT_EXPIRED
    37: "clock-skew",  # KRB_AP_ERR_SKEW
    41: "wrong-key",  # KRB_AP_ERR_MODIFIED
    141: "no-ticket",  # KRB5_CC_NOTFOUND
    154: "no-domain-controller",  # KRB5_REALM_UNKNOWN
    156: "no-domain-controller",  # KRB5_KDC_UNREACH
    181: "no-ticket",  # KRB5_KT_NOTFOUND
    195: "no-ticket",  # KRB5_FCC_NOFILE
    220: "no-domain-controller",  # KRB5_REALM_CANT_RESOLVE
    224: "no-domain-controller",  # KRB5_CONFIG_NODEFREALM
}


#: the same of Windows' SSPI (winerror.h, SEC_E_…)
_WINDOWS: Final = {
    0x80090303: "unknown-service",  # TARGET_UNKNOWN
    0x8009030C: "wrong-password",  # LOGON_DENIED
    0x8009030E: "no-ticket",  # NO_CREDENTIALS
    0x80090311: "no-domain-controller",  # NO_AUTHENTICATING_AUTHORITY
    0x80090322: "wrong-key",  # WRONG_PRINCIPAL
    0x80090324: "clock-skew",  # TIME_SKEW
}


def available() -> bool:
    """Whether this installation can speak Kerberos by itself (the extra "kerberos"; Windows does it otherwise)."""
    return find_spec("gssapi") is not None and find_spec("krb5") is not None


def reason(error: BaseException) -> str:
    """Give the word for what a Kerberos library has raised: that of the first error in its chain with a known code."""
    link: BaseException | None = error
    while link is not None:
        for holder in (link, getattr(link, "base_error", None)):
            code = getattr(holder, "err_code", None) or getattr(holder, "min_code", None)
            if isinstance(code, int) and (word := _WORDS.get(_number(code))):
                return word
            code = getattr(holder, "winerror", None)
            if isinstance(code, int) and (word := _WINDOWS.get(code & 0xFFFFFFFF)):
                return word
        if type(link).__name__ in {"NoCredentialError", "ExpiredCredentialsError"}:
            return "no-ticket"
        link = link.__cause__ or link.__context__
    return "other"


def _number(code: int) -> int:
    """Number of an error within its table; GSSAPI gives codes without their sign."""
    return (code - _BASE) & 0xFFFFFFFF

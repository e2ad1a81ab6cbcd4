"""Who may read a file on Windows, by its access control list, whatever language the system speaks.

The list is read as a string of Microsoft's Security Descriptor Definition Language:
https://learn.microsoft.com/windows/win32/secauthz/security-descriptor-string-format
"""

import ctypes
import re
import sys
from pathlib import Path

#: SYSTEM, Administrators, the owner (whoever that is), and the local Administrator, who is one of the second
_ALWAYS = frozenset({"SY", "S-1-5-18", "BA", "S-1-5-32-544", "OW", "S-1-3-4", "LA"})
_CALLED = {
    "WD": "Everyone",
    "S-1-1-0": "Everyone",
    "AU": "Authenticated Users",
    "S-1-5-11": "Authenticated Users",
    "BU": "Users",
    "S-1-5-32-545": "Users",
    "IU": "Interactive users",
    "S-1-5-4": "Interactive users",
    "DU": "Domain Users",
    "BG": "Guests",
    "DG": "Domain Guests",
    "AN": "Anonymous",
    "NU": "Network users",
    "AC": "All application packages",
}
#: letters of rights → bits of an access mask
_RIGHTS = {
    "GA": 0x1000_0000, "GR": 0x8000_0000, "GW": 0x4000_0000, "GX": 0x2000_0000,
    "FA": 0x1F_01FF, "FR": 0x12_0089, "FW": 0x12_0116, "FX": 0x12_00A0,
    "RC": 0x2_0000, "SD": 0x1_0000, "WD": 0x4_0000, "WO": 0x8_0000,
    "CC": 0x1, "DC": 0x2, "LC": 0x4, "SW": 0x8, "RP": 0x10, "WP": 0x20, "DT": 0x40, "LO": 0x80, "CR": 0x100,
}  # fmt: skip
#: read the content; give oneself the right to (WRITE_DAC, WRITE_OWNER, all)
_READS = 0x1 | 0x8000_0000 | 0x1000_0000 | 0x4_0000 | 0x8_0000
#: the six fields of an entry; a condition may follow
_ENTRY = re.compile(r"\(((?:[^;()]*;){5}[^;()]*)")


def readers(descriptor: str, besides: frozenset[str] = frozenset()) -> list[str]:
    """Name who may read by this descriptor, besides system, administrators, its owner and these SIDs."""
    owner = re.match(r"O:(.+?)(?=G:|D:|S:|$)", descriptor)
    expected = _ALWAYS | besides | ({owner[1]} if owner else set())
    _, found, rest = descriptor.partition("D:")
    if not found or rest.startswith("NO_ACCESS_CONTROL"):
        return ["Everyone"]  # no list at all lets everybody in
    named: dict[str, None] = {}
    for entry in _ENTRY.findall(rest.partition("S:(")[0]):
        kind, flags, rights, _, _, whose = entry.split(";")
        if kind in {"A", "XA"} and "IO" not in flags and _mask(rights) & _READS and whose not in expected:
            named[_CALLED.get(whose, whose)] = None
    return list(named)


def _mask(rights: str) -> int:
    if rights.lower().startswith("0x"):
        return int(rights, 16)
    mask = 0
    for start in range(0, len(rights), 2):
        mask |= _RIGHTS.get(rights[start : start + 2], 0)
    return mask


def others_who_read(path: Path) -> list[str]:
    """Name who may read the file besides system, administrators, its owner and this account. Raises OSError."""
    if sys.platform != "win32":
        return []
    else:  # noqa: RET505  (the type checker knows only branches as belonging to a platform)
        return readers(_descriptor(path), frozenset({_own_sid()}))


if sys.platform == "win32":
    _advapi = ctypes.WinDLL("advapi32", use_last_error=True)
    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _pointer = ctypes.c_void_p
    _OF_FILE, _OWNER_AND_LIST, _REVISION, _QUERY, _TOKEN_USER = 1, 0x1 | 0x4, 1, 0x8, 1
    _kernel.LocalFree.argtypes = [_pointer]
    _kernel.GetCurrentProcess.restype = _pointer
    _kernel.CloseHandle.argtypes = [_pointer]
    _advapi.GetNamedSecurityInfoW.argtypes = [ctypes.c_wchar_p, ctypes.c_int, ctypes.c_ulong, *[_pointer] * 5]
    _advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW.argtypes = [
        _pointer, ctypes.c_ulong, ctypes.c_ulong, _pointer, _pointer,
    ]  # fmt: skip
    _advapi.OpenProcessToken.argtypes = [_pointer, ctypes.c_ulong, _pointer]
    _advapi.GetTokenInformation.argtypes = [_pointer, ctypes.c_int, _pointer, ctypes.c_ulong, _pointer]
    _advapi.ConvertSidToStringSidW.argtypes = [_pointer, _pointer]

    def _descriptor(path: Path) -> str:
        """Give owner and list of a file as a string."""
        found, text = _pointer(), ctypes.c_wchar_p()
        code = _advapi.GetNamedSecurityInfoW(
            str(path), _OF_FILE, _OWNER_AND_LIST, None, None, None, None, ctypes.byref(found)
        )
        if code:
            raise ctypes.WinError(code)
        try:
            _demand(
                _advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW(
                    found, _REVISION, _OWNER_AND_LIST, ctypes.byref(text), None
                )
            )
            return _taken(text)
        finally:
            _kernel.LocalFree(found)

    def _own_sid() -> str:
        """Give the SID of the account that this process runs as."""
        token, size, text = _pointer(), ctypes.c_ulong(), ctypes.c_wchar_p()
        _demand(_advapi.OpenProcessToken(_kernel.GetCurrentProcess(), _QUERY, ctypes.byref(token)))
        try:
            content = ctypes.create_string_buffer(256)  # a TOKEN_USER: a pointer to a SID, which stands behind it
            _demand(_advapi.GetTokenInformation(token, _TOKEN_USER, content, len(content), ctypes.byref(size)))
            sid = ctypes.cast(content, ctypes.POINTER(_pointer))[0]
            _demand(_advapi.ConvertSidToStringSidW(sid, ctypes.byref(text)))
            return _taken(text)
        finally:
            _kernel.CloseHandle(token)

    def _taken(text: ctypes.c_wchar_p) -> str:
        try:
            return text.value or ""
        finally:
            _kernel.LocalFree(ctypes.cast(text, _pointer))

    def _demand(worked: int) -> None:
        if not worked:
            raise ctypes.WinError(ctypes.get_last_error())

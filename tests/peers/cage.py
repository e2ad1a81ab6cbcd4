"""Start a program under what a unit of systemd forbids: `cage.py UNIT FOLDER PROGRAM…`, as root.

Taken from the unit's own lines: system calls, address families, memory that is both written and executed, new
privileges, capabilities, and a file system of which `FOLDER` alone can be written. Not its namespaces for users,
devices and processes, for which systemd itself would have to run.
"""

import ctypes
import errno
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

ALLOW = 0x7FFF0000
ERRNO = 0x00050000
EQUAL = 4
REFUSE_EXEC_GAIN = (65, 1)
NO_NEW_PRIVILEGES = (38, 1)
DROP_BOUND = 24
NEW_MOUNTS = 0x00020000
READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 32, 4096, 16384, 1 << 18


class Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def values(unit: str, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE)


def groups() -> dict[str, set[str]]:
    """Ask systemd which calls are in each of its groups."""
    command = ["systemd-analyze", "--no-pager", "syscall-filter"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  (fixed, found on PATH)
    found: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in said.stdout.splitlines():
        if line.startswith("@"):
            current = found.setdefault(line.strip(), set())
        elif line.startswith("    ") and not line.strip().startswith("#"):
            current.add(line.strip())
    return found


def calls(unit: str) -> set[str]:
    known = groups()

    def flat(name: str) -> set[str]:
        return {name} if not name.startswith("@") else set[str]().union(*map(flat, known[name]))

    allowed = flat("@default")
    for value in values(unit, "SystemCallFilter"):
        named = set[str]().union(*map(flat, value.removeprefix("~").split()))
        allowed = allowed - named if value.startswith("~") else allowed | named
    return allowed


def succeed(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def close_file_system(libc: ctypes.CDLL, folder: str) -> None:
    succeed(libc.unshare(NEW_MOUNTS))
    succeed(libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None))
    succeed(libc.mount(folder.encode(), folder.encode(), None, BIND | RECURSIVE, None))
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    for path in mounted:
        if path != folder and not path.startswith(("/proc", "/dev", "/sys")):
            succeed(libc.mount(b"none", path.encode(), None, BIND | REMOUNT | READ_ONLY, None))


def filter_calls(allowed: set[str], families: list[str]) -> None:
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(ERRNO | errno.EPERM)))
    for name in allowed:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number < 0:  # another machine's
            continue
        rules = [[]] if name != "socket" else [[Comparison(0, EQUAL, getattr(socket, each), 0)] for each in families]
        for rule in rules:
            made = (Comparison * len(rule))(*rule)
            seccomp.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, len(rule), made)
    succeed(seccomp.seccomp_load(context))


def main() -> None:
    unit_file, folder, *program = sys.argv[1:]
    unit = Path(unit_file).read_text(encoding="utf-8")
    libc = ctypes.CDLL(None, use_errno=True)
    allowed = calls(unit)
    if values(unit, "ProtectSystem") == ["strict"]:
        close_file_system(libc, folder)
    if values(unit, "CapabilityBoundingSet") == [""]:
        for number in range(64):
            if libc.prctl(DROP_BOUND, number, 0, 0, 0) != 0:
                break
    os.umask(int(values(unit, "UMask")[0], 8))
    if values(unit, "NoNewPrivileges") == ["yes"]:
        succeed(libc.prctl(*NO_NEW_PRIVILEGES, 0, 0, 0))
    if values(unit, "MemoryDenyWriteExecute") == ["yes"]:
        succeed(libc.prctl(*REFUSE_EXEC_GAIN, 0, 0, 0))
    filter_calls(allowed, values(unit, "RestrictAddressFamilies")[0].split())
    os.execv(program[0], program)  # noqa: S606  (what the test names)


if __name__ == "__main__":
    main()

"""Whoever shows an appointment asks the rules: nobody else reads what its owner wrote."""

import ast
from pathlib import Path

import rainbow_exchange

ROOT = Path(rainbow_exchange.__file__).parent
WRITTEN = {"subject", "internal_text", "external_text", "internal_html", "external_html", "message_html"}
#: module → why it may
READERS = {
    "ews/calendar.py": "makes the Appointment",
    "ews/drafts.py": "makes the Appointment",
    "ews/out_of_office.py": "makes the OutOfOffice",
    "ews/plain_text.py": "makes texts plain",
    "bridge/privacy.py": "the rules themselves",
    "bridge/translate.py": "applies them",
    "bridge/absence.py": "joins what tips and settings tell",
    "bridge/polling.py": "compares, by digest",
    "bridge/told.py": "compares what was masked already, by digest",
    "rainbow/questions.py": "writes what was masked already",
    "rainbow/assumed_s2s.py": "writes what was masked already",
    "diagnosis/check/way.py": "of a certificate",
    "diagnosis/preview.py": "shows what was masked already",
    "cli/run_with_lab.py": "shows what the lab's Rainbow was told",
    "lab_page/appointments.py": "writes what is typed at the lab, in its owner's name",
    "network/certificate.py": "of a certificate",
    "network/verdict.py": "of a certificate",
}


def readers() -> set[str]:
    found = set()
    for file in ROOT.rglob("*.py"):
        name = file.relative_to(ROOT).as_posix()
        if not name.startswith("lab/"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            if any(isinstance(node, ast.Attribute) and node.attr in WRITTEN for node in ast.walk(tree)):
                found.add(name)
    return found


def test_nobody_else_reads_subjects_and_texts() -> None:
    assert readers() - set(READERS) == set()

"""What the product says that is no error, by where it says so, each group with the reason why."""

import re
from pathlib import Path

#: the answers of the simulated servers are Exchange's and Rainbow's, not the product's; what each metric is for
FOLDERS = ("lab/exchange/", "lab/rainbow/", "metrics/")

#: modules none of whose texts is an error
MODULES = {
    # buttons and questions
    *("web/templates/sign_in_form.html", "web/templates/parts/problems_open.html"),
    # what settings, metrics, commands and parts of a bundle are for
    *("config/meanings.py", "config/template.py", "cli/summaries.py", "cli/version.py"),
    *("diagnosis/bundle/sources.py", "diagnosis/bundle/worst.py", "diagnosis/bundle/making.py"),
    # what is written for others: Rainbow (docs/explanation/reported-to-rainbow.md), PowerShell, NSSM, systemd, cmd
    *("bridge/reported.py", "bridge/reports.py", "diagnosis/remedies.py", "service/windows.py", "service/systemd.py"),
    "cli/service_script.py",
    # SQL, ResponseCodes, products' names, languages' words
    *("state/history.py", "ews/treatment.py", "ews/rhythm.py", "network/inspectors.py", "bridge/translate.py"),
    *("windows_acl.py", "state/kept.py", "web/render.py", "rainbow/types.py"),
    # the simulated company
    *("lab/faults.py", "lab/names.py", "lab/tls.py", "lab/watch.py", "lab/owner.py", "cli/run_with_lab.py"),
    # how it is, where it comes from, and what happens next
    *("diagnosis/next_things.py", "page/origins.py", "bridge/read_mode.py", "cli/clock_words.py", "cli/steps.py"),
    *("cli/watch.py", "cli/config_screen.py", "cli/mailboxes_screen.py", "cli/preview_screen.py", "cli/past_screen.py"),
    *("cli/status_screen.py", "cli/terminal.py", "cli/logout.py", "bridge/assemble.py", "bridge/unknown_zones.py"),
}

#: functions none of whose texts is an error; "" is what stands outside all functions
FUNCTIONS: dict[str, set[str]] = {
    # titles
    "diagnosis/check/steps.py": {""},
    # lines for PowerShell
    "diagnosis/exchange_shell.py": {
        *("", "throttling", "_take_policy_away", "impersonation", "reviewer", "_take_role_away", "_scope"),
        *("_set_scope", "_members", "_later"),
    },
    # a pattern, a table
    "diagnosis/check/wording.py": {"", "_of_sentence"},
    "cli/check_screen.py": {"last"},
    # how it is
    "bridge/discovery.py": {"Discovery.moved", "Discovery._found"},
    "diagnosis/mapping.py": {"_found"},
    "diagnosis/bundle/collect.py": {"_json"},
    # faults of the program itself
    "ews/throttle.py": {"InFlight.__init__"},
}


def _texts() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    module = ""
    for line in Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            found[module].add(line.strip())
        elif not line.startswith("#"):
            module = line
            found[module] = set()
    return found


#: single texts, beside others that are errors
TEXTS = _texts()

_NO_PROSE = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|PRAGMA|CREATE)\s|text/|default-src|\w+_\w+ = ")


def is_none(module: str, function: str, text: str) -> bool:
    """Whether a text, which stands in this function of this module, is no error."""
    if module in MODULES or _NO_PROSE.match(text.strip()):
        return True
    if any(function == each or (each and function.startswith(f"{each}.")) for each in FUNCTIONS.get(module, ())):
        return True
    return " ".join(text.split()) in TEXTS.get(module, ())

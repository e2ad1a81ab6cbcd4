"""The screens of `rainbow-exchange config`. Pure."""

from collections.abc import Iterator

from rainbow_exchange.cli.settings_check import Report
from rainbow_exchange.cli.settings_view import View
from rainbow_exchange.network.shown import counted

_WIDEST = 48


def shown(view: View, *, origins: bool) -> Iterator[str]:
    """Give a line for each setting that has a value, or is a secret."""
    rows = [(each.name, each.text, each.origin) for each in view.settings if each.value is not None]
    wide = max(len(name) for name, _, _ in rows)
    wider = min(max(len(value) for _, value, _ in rows), _WIDEST)
    for name, value, origin in rows:
        yield f"{name:{wide}}  {value:{wider}}  {origin}" if origins else f"{name:{wide}}  {value}"


def checked(report: Report) -> Iterator[str]:
    """Give a line for each finding, and one at the end that says what that comes to."""
    yield f"Settings file: {report.file or 'none; variables and defaults alone'}"
    for word, findings in (("fault", report.faults), ("warning", report.warnings)):
        for finding in findings:
            yield f"{word:8} {finding}"
    for key in report.missing or ():
        yield f"missing  {key}"
    yield _sum(report)


def _sum(report: Report) -> str:
    if report.faults:
        return f"{counted(len(report.faults), 'fault')}: the service does not start with these settings."
    if report.missing:
        return (
            f"No fault. {counted(len(report.missing), 'setting')} missing: the service starts, and waits for what"
            " login, these settings or Rainbow's administration may give."
        )
    return f"No fault, nothing missing, as {report.account} sees it."

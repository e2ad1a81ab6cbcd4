"""Every metric, by its group: name as it is scraped, kind, unit, labels with their values, meaning."""

from docs.made.markdown import plain, table
from rainbow_exchange.metrics import PREFIX
from rainbow_exchange.metrics.table import GROUPS, Described

PAGE = "reference/metrics.md"


def parts() -> dict[str, str]:
    """Give a part for each group."""
    head = ("name", "kind", "unit", "labels", "meaning")
    return {
        group: table(head, (_row(name, each) for name, each in metrics.items())) for group, metrics in GROUPS.items()
    }


def scraped(name: str, each: Described) -> str:
    """Give the name under which Prometheus gets a metric."""
    return PREFIX + name + ("_total" if each.kind == "counter" else "")


def _row(name: str, each: Described) -> tuple[str, ...]:
    labels = "; ".join(
        f"`{label}`: {values if isinstance(values, str) else ', '.join(f'`{value}`' for value in values)}"
        for label, values in each.labels.items()
    )
    return f"`{scraped(name, each)}`", each.kind, each.unit, labels, plain(each.help)

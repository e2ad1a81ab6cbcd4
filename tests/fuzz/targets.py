"""All that reads what a stranger sends."""

from tests.fuzz import exchange_targets, machine_targets, rainbow_targets
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (*exchange_targets.TARGETS, *rainbow_targets.TARGETS, *machine_targets.TARGETS)

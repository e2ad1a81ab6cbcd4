"""A lab of thousands is kept from standing still while Python looks through all of it for garbage.

With 50,000 people that took a second now and then, in which no answer left, and whoever measures a connector measured
that. What there is at first is set apart; of what comes later only the young is looked through. Garbage that is old
and refers to itself stays until the process ends: a lab is started for an occasion.
"""

import gc

#: people from whom on it is worth while: below, looking through everything takes milliseconds
MANY = 2_000
_NEVER = 2**30


def spare(people: int) -> None:
    """Have the collector of this process leave the old alone, where there are so many people."""
    if people >= MANY:
        gc.freeze()
        gc.set_threshold(*gc.get_threshold()[:2], _NEVER)

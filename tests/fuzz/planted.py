"""Targets with mistakes in them, for the test that all of these are found."""

import os
import time
from random import Random

from tests.fuzz import rainbow_corpus, xml_mutations
from tests.fuzz.target import Past, Target


def sound(_: bytes, past: Past, __: Random) -> None:
    past()


def unnamed(data: bytes, past: Past, _: Random) -> None:
    past()
    if b"</" not in data[:40]:
        raise KeyError("left out")


def hanging(data: bytes, past: Past, _: Random) -> None:
    past()
    while data is not None:
        time.sleep(0.1)


def deadly(_: bytes, __: Past, ___: Random) -> None:
    os._exit(3)


TARGETS = tuple(
    Target(
        name=run.__name__,
        run=run,
        corpus=rainbow_corpus.FRAMES,
        mutate=xml_mutations.mutate,
        errors=(),
        weight=weight,
    )
    for run, weight in ((sound, 90), (unnamed, 8), (hanging, 1), (deadly, 1))
)

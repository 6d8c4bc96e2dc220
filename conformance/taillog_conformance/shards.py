"""Parts of the suite for several machines or CI jobs: which requirements each of them runs.

A requirement is whole in one part, so that its status is that of one run. The division depends on the kit alone, not
on the seed, the tailer or the machine: jobs that know nothing of each other make parts that fit.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence

from .outcomes import UsageProblem
from .report.model import Shards

COSTS = {
    "CON-3": 0.4,
    "DEL-1": 0.9,
    "DEL-3": 0.6,
    "DEL-4": 1.4,
    "DEL-5": 0.4,
    "DEL-7": 0.9,
    "DEL-9": 1.1,
    "ERR-6": 0.3,
    "FLT-1": 0.9,
    "FRM-10": 0.3,
    "FRM-9": 0.8,
    "LAT-2": 0.5,
    "MIS-7": 0.5,
    "MIS-9": 0.4,
    "PFX-6": 2.0,
    "RES-3": 0.5,
    "RES-4": 0.6,
    "RES-6": 0.3,
    "ROT-1": 0.4,
    "ROT-6": 1.1,
    "ROT-8": 0.5,
    "SRC-4": 0.4,
    "TRN-4": 1.3,
}
"""Seconds that the checks of a requirement take for the reference in one worker: medians of a few runs."""

OTHERS_COST = 0.1
"""Seconds for each of the others, which take less than 0.3."""


def parse_shard(text: str, most: int) -> Shards:
    """The shard that `2/5` names, the second of five; `most` is how many there may be.

    Raises:
        UsageProblem: it names none; one line.
    """
    found = re.fullmatch(r"([0-9]{1,4})/([0-9]{1,4})", text, re.ASCII)
    if found is None:
        raise UsageProblem(f"{text!r} is no shard: write its number and how many there are, as in 2/5")
    number, of = int(found[1]), int(found[2])
    if not 1 <= number <= of:
        raise UsageProblem(f"there is no shard {text}: the shards of {of} are 1/{of} to {of}/{of}")
    if of > most:
        raise UsageProblem(f"there is no shard {text}: {most} requirements make {most} shards at the most")
    return Shards(of, (number,))


def requirements_of(shards: Shards, ids: Sequence[str]) -> frozenset[str]:
    """Those of `ids`, all requirements that have checks, that `shards` has to run.

    The dearest goes first, each to the part that has the least so far.
    """
    loads = [(0.0, number) for number in range(1, shards.of + 1)]
    mine = set()
    for id in sorted(ids, key=lambda id: (-COSTS.get(id, OTHERS_COST), id)):
        load, number = heapq.heappop(loads)
        heapq.heappush(loads, (round(load + COSTS.get(id, OTHERS_COST), 1), number))
        if number in shards.present:
            mine.add(id)
    return frozenset(mine)

"""How long to wait before the next try: random, so that clients do not come all at once."""

import random

FIRST_SECONDS = 0.25
MOST_SECONDS = 15.0
_dice = random.Random()


def waiting_seconds(tries: int) -> float:
    """Between 0 and 0.25 s x 2^tries, at most 15 s; `tries` counts the failures so far, from 0."""
    return _dice.uniform(0, min(MOST_SECONDS, FIRST_SECONDS * 2 ** min(tries, 16)))

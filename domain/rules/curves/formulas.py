"""Curves as formulas: the total XP that reaches a level, in integers, for every level in turn.

Every function gives the totals of levels 2, 3, ... (level 1 always begins at 0, whatever a formula
says there), without end and without a check: `level_curve` stops at the cap and at 53 bits.
There is no floating point, so every machine gives the same numbers; sources: `published_curves`.

Not for: the rules file's keys (`level_curve`, `strength_curve`).
"""

from collections.abc import Iterator
from itertools import count

from domain.rules.curves.integer_roots import power_floor, root_floor
from domain.rules.sections import Ratio


def linear(first: int, increase: int) -> Iterator[int]:
    """Level L costs `first + (L - 1) * increase`."""
    total = 0
    for level in count(1):
        total += first + (level - 1) * increase
        yield total


def polynomial(coefficients: tuple[int, ...], divisor: int, offset: int) -> Iterator[int]:
    """`⌊(c0 + c1 n + c2 n² + ...) / divisor⌋` with `n = L - offset`, rounded down, not to 0."""
    for level in count(2):
        n, value = level - offset, 0
        for coefficient in reversed(coefficients):
            value = value * n + coefficient
        yield value // divisor


def power(scale: int, exponent: Ratio) -> Iterator[int]:
    """`⌊scale * (L - 1)^exponent⌋`, exact for fractional exponents (`integer_roots`)."""
    for level in count(2):
        yield power_floor(scale, level - 1, exponent.numerator, exponent.denominator)


def exponential(
    scale: int, base: Ratio, period: int, per_level: int, divisor: int
) -> Iterator[int]:
    """`⌊Σ ⌊per_level * i + scale * base^(i / period)⌋ / divisor⌋` over i from 1 to L - 1.

    The fractional power is exact: `⌊scale * base^(i/period)⌋` is the `period`-th root of
    `⌊scale^period * base^i⌋`, and the integer `per_level * i` may stand outside the rounding.
    """
    over, under, total = scale**period, 1, 0
    for i in count(1):
        over, under = over * base.numerator, under * base.denominator
        total += per_level * i + root_floor(over // under, period)
        yield total // divisor


def stepped_power(
    exponent: int, offset: int, pieces: tuple[tuple[int, int, int, int, int], ...]
) -> Iterator[int]:
    """`⌊n^exponent * ⌊(slope * n + intercept) / inner⌋ / divisor⌋` with `n = L - offset`.

    Each piece is `(through_level, slope, intercept, inner, divisor)` and holds up to and with its
    level; the last holds for all levels beyond.
    """
    left = list(pieces)
    for level in count(2):
        while len(left) > 1 and level > left[0][0]:
            left.pop(0)
        _, slope, intercept, inner, divisor = left[0]
        n = level - offset
        yield n**exponent * ((slope * n + intercept) // inner) // divisor

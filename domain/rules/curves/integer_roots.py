"""Roots and fractional powers of integers, rounded down exactly: no floating point anywhere.

`⌊x^(p/q)⌋` is the q-th root of `x^p` rounded down, and `⌊root(x)⌋ = ⌊root(⌊x⌋)⌋` for any real x,
so that a division may be rounded down before the root is taken without changing the answer.
"""

from math import isqrt


def root_floor(number: int, degree: int) -> int:
    """The largest integer whose `degree`-th power is at most `number` (0 or more).

    Newton's method on integers: from above it falls step by step and stops at the answer.
    """
    if degree == 1 or number < 2:
        return number
    if degree == 2:
        return isqrt(number)
    guess = 1 << -(-number.bit_length() // degree)
    while True:
        better = ((degree - 1) * guess + number // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def power_floor(scale: int, base: int, numerator: int, denominator: int) -> int:
    """`⌊scale * base^(numerator/denominator)⌋` for integers of 0 or more."""
    return root_floor(scale**denominator * base**numerator, denominator)

"""The arithmetic behind the level difference rules: grey levels, rounding, the safe zone's fall.

Not for: the rules themselves (`level_difference`).
"""

from math import isqrt

# Below player level ...: a kill is worth nothing ... levels below the player; 17 from level 60 on.
_ZERO = (
    (8, 5),
    (10, 6),
    (12, 7),
    (16, 8),
    (20, 9),
    (30, 11),
    (40, 12),
    (45, 13),
    (50, 14),
    (55, 15),
    (60, 16),
)


def grey_level(player: int) -> int:
    """The highest level that is grey to a player: 0 up to level 5, 13 at 20, 47 at 59, 51 at 60."""
    if player <= 5:
        return 0
    if player <= 39:
        return player - 5 - player // 10
    return player - 1 - player // 5 if player <= 59 else player - 9


def zero_difference(player: int) -> int:
    """From how many levels below a player a kill is worth nothing: 5 at level 7, 11 at 20."""
    return next((levels for below, levels in _ZERO if player < below), 17)


def rounded(amount: int) -> int:
    """To the nearest 5 up to 100 XP, 10 up to 500, 25 up to 1000, 50 above; a half goes up."""
    step = 5 if amount <= 100 else 10 if amount <= 500 else 25 if amount <= 1000 else 50
    return (2 * amount + step) // (2 * step) * step


def falling(amount: int, a: int, outside: int) -> int:
    """`⌊amount * (a / (a + d^(5/2)))^(3/2)⌋` exactly, d being `outside`.

    With `s = √(d⁵)`, y is small enough exactly when `y² (a + s)³ <= amount² a³`.  Written out,
    `(a + s)³ = A + B s` with `A = a³ + 3 a d⁵` and `B = 3 a² + d⁵`, so the comparison can be made
    by squaring.  The first guess takes s with 64 bits behind the point, rounded down, and so is
    the answer or a little above it.
    """
    k = outside**5
    whole, root_part, most = a**3 + 3 * a * k, 3 * a * a + k, amount * amount * a**3
    y = isqrt((most << 64) // ((whole << 64) + root_part * isqrt(k << 128)))
    while not _fits(y, whole, root_part, k, most):
        y -= 1
    return y


def _fits(y: int, whole: int, root_part: int, k: int, most: int) -> bool:
    """Whether `y² (whole + root_part √k) <= most`."""
    left = most - y * y * whole
    return left >= 0 and (y * y * root_part) ** 2 * k <= left * left

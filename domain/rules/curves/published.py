"""Published XP curves under neutral names, for `preset = "name"` in a rules file's [levels].

Formulas and figures are facts; the code and the names are Questkeep's own.  Each entry is what a
[levels] section would say.  The same curves stand in `presets/*.toml` as whole rules files; the
tests hold the two together, and both against the published check values.

    name             total XP of level L, and where it is published
    mmo60            table; gtker/wow_messages, wow_world_base/src/extended/vanilla/exp.rs
    exp99            ⌊¼ Σ ⌊i + 300 * 2^(i/7)⌋⌋; 2004scape/Server, src/lostcity/entity/Player.ts
    cubic-fast       4L³/5; this and the five below: pret/pokeemerald,
    cubic-medium     L³        src/data/pokemon/experience_tables.h
    cubic-medslow    6L³/5 - 15L² + 100L - 140
    cubic-slow       5L³/4
    cubic-erratic, cubic-fluctuating     by piece
    cubic-classic    50/3 (L³ - 6L² + 17L - 12); Open-Tibia servers, player.h, getExpForLevel
    cubic-stepped    1000 m (L - 1)³, m from 1.0 to 3.1; EQEmu/Server, zone/exp.cpp, GetEXPForLevel
    d20              table; SRD 5, "Beyond 1st Level"
    season-pass      a tier costs 1000 + 500 (t - 1); Drawethree/X-Prison, battlepass.yml
    power            ⌊1000 * (L - 1)^(3/2)⌋; generic
"""

from typing import Any, Literal

CurveName = Literal[
    "mmo60",
    "exp99",
    "cubic-fast",
    "cubic-medium",
    "cubic-medslow",
    "cubic-slow",
    "cubic-erratic",
    "cubic-fluctuating",
    "cubic-classic",
    "cubic-stepped",
    "d20",
    "season-pass",
    "power",
]

# fmt: off
_MMO60 = [
    400, 900, 1400, 2100, 2800, 3600, 4500, 5400, 6500, 7600,
    8800, 10100, 11400, 12900, 14400, 16000, 17700, 19400, 21300, 23200,
    25200, 27300, 29400, 31700, 34000, 36400, 38900, 41400, 44300, 47400,
    50800, 54500, 58600, 62800, 67100, 71600, 76100, 80800, 85700, 90700,
    95800, 101000, 106300, 111800, 117500, 123200, 129100, 135100, 141200, 147500,
    153900, 160400, 167100, 173900, 180800, 187900, 195000, 202300, 209800,
]
_D20 = [
    0, 300, 900, 2700, 6500, 14000, 23000, 34000, 48000, 64000,
    85000, 100000, 120000, 140000, 165000, 195000, 225000, 265000, 305000, 355000,
]
# m of `cubic-stepped` in thousandths, and the level it holds through.
_STEPS = [
    (30, 1000), (35, 1100), (40, 1200), (45, 1300), (51, 1400), (52, 1500), (53, 1600), (54, 1700),
    (55, 1900), (56, 2100), (57, 2300), (58, 2500), (59, 2700), (60, 3000), (65, 3100),
]
# fmt: on


def _cubic(*coefficients: int, divisor: int = 1, **more: Any) -> dict[str, Any]:
    """A cubic of 100 levels, its coefficients from the constant up."""
    curve = {"kind": "polynomial", "level_cap": 100, "coefficients": list(coefficients)}
    return curve | {"divisor": divisor} | more


def _stepped(level_cap: int, pieces: list[dict[str, int]], **more: Any) -> dict[str, Any]:
    """A cubic by pieces.  Where one meets the next a level may cost less than the one before."""
    curve = {"kind": "stepped", "level_cap": level_cap, "exponent": 3, "pieces": pieces}
    return curve | {"costs_may_fall": True} | more


PUBLISHED: dict[CurveName, dict[str, Any]] = {
    "mmo60": {"kind": "table", "xp_to_next": _MMO60},
    "exp99": {
        "kind": "exponential",
        "level_cap": 99,
        "scale": 300,
        "base": 2,
        "period": 7,
        "per_level": 1,
        "divisor": 4,
    },
    "cubic-fast": _cubic(0, 0, 0, 4, divisor=5),
    "cubic-medium": _cubic(0, 0, 0, 1),
    "cubic-medslow": _cubic(-700, 500, -75, 6, divisor=5, costs_may_fall=True),
    "cubic-slow": _cubic(0, 0, 0, 5, divisor=4),
    "cubic-erratic": _stepped(
        100,
        [
            {"through_level": 50, "slope": -1, "intercept": 100, "divisor": 50},
            {"through_level": 68, "slope": -1, "intercept": 150, "divisor": 100},
            {
                "through_level": 98,
                "slope": -10,
                "intercept": 1911,
                "inner_divisor": 3,
                "divisor": 500,
            },
            {"through_level": 100, "slope": -1, "intercept": 160, "divisor": 100},
        ],
    ),
    "cubic-fluctuating": _stepped(
        100,
        [
            {"through_level": 15, "slope": 1, "intercept": 73, "inner_divisor": 3, "divisor": 50},
            {"through_level": 36, "slope": 1, "intercept": 14, "divisor": 50},
            {"through_level": 100, "slope": 1, "intercept": 64, "inner_divisor": 2, "divisor": 50},
        ],
    ),
    "cubic-classic": _cubic(-600, 850, -300, 50, divisor=3, level_cap=200),
    "cubic-stepped": _stepped(
        65, [{"through_level": end, "intercept": m} for end, m in _STEPS], offset=1
    ),
    "d20": {"kind": "table", "total_xp": _D20, "costs_may_fall": True},
    "season-pass": {"kind": "linear", "level_cap": 51, "first": 1000, "increase": 500},
    "power": {"kind": "power", "level_cap": 100, "scale": 1000, "exponent": "3/2"},
}

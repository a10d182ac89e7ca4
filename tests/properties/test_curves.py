"""What holds for any formula: whole numbers, rounded down exactly, within 63 bits or refused."""

from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from domain.rules.compiled_rules import InvalidRules, Rules, compile_rules
from domain.rules.curves.integer_roots import power_floor, root_floor
from domain.rules.level_difference import SafeZone
from domain.state.rows import INTEGER_MAX
from tests.domain.rules_kit import small_text


@given(st.integers(0, 10**30), st.integers(1, 12))
def test_a_root_is_the_largest_that_fits(number: int, degree: int) -> None:
    root = root_floor(number, degree)
    assert root**degree <= number < (root + 1) ** degree


@given(st.integers(1, 10**6), st.integers(0, 10**4), st.integers(1, 7), st.integers(1, 7))
def test_a_fractional_power_is_exact(scale: int, base: int, over: int, under: int) -> None:
    value = power_floor(scale, base, over, under)
    assert value**under <= scale**under * base**over < (value + 1) ** under


@given(st.integers(1, INTEGER_MAX), st.integers(1, 10_000), st.integers(1, 10_000))
def test_the_safe_zone_is_rounded_down_exactly(amount: int, player: int, target: int) -> None:
    outside = max(abs(player - target) - 3 - player // 16, 0)
    with localcontext() as context:
        context.prec = 120
        a = Decimal(player + 5)
        factor = a / (a + (Decimal(outside) ** 5).sqrt())
        exact = (amount * amount * factor**3).sqrt()
    assert SafeZone(kind="safe_zone").worth(amount, player, target) == int(exact)


numbers = st.integers(-5, 12) | st.integers(-(10**19), 10**19)
fractions = st.sampled_from(['"1/2"', '"3/2"', "2", '"20/1"', '"7/3"'])
formulas = st.one_of(
    st.builds('kind = "linear"\nlevel_cap = {}\nfirst = {}\nincrease = {}'.format,
              st.integers(2, 200), numbers, numbers),
    st.builds('kind = "polynomial"\nlevel_cap = {}\ncoefficients = {}\ndivisor = {}'.format,
              st.integers(2, 200), st.lists(numbers, max_size=5), numbers),
    st.builds('kind = "power"\nlevel_cap = {}\nscale = {}\nexponent = {}'.format,
              st.integers(2, 200), numbers, fractions),
    st.builds('kind = "exponential"\nlevel_cap = {}\nscale = {}\nbase = {}\nperiod = {}'.format,
              st.integers(2, 200), numbers, fractions, numbers),
    st.builds('kind = "stepped"\nlevel_cap = {}\nexponent = {}\n'
              "pieces = [{{ through_level = {}, intercept = {} }}]".format,
              st.integers(2, 200), numbers, numbers, numbers),
)  # fmt: skip


def compiled(levels: str) -> tuple[Rules | None, list[str]]:
    """The small rules with these levels, or what is wrong with them."""
    try:
        return compile_rules(small_text(levels=levels)), []
    except InvalidRules as error:
        return None, error.problems


@given(formulas, st.booleans())
def test_any_formula_fits_in_63_bits_or_is_refused_and_means_its_own_table(
    levels: str, may_fall: bool
) -> None:
    fall = f"costs_may_fall = {str(may_fall).lower()}\n"
    rules, told = compiled(fall + levels)
    assert all("expected" in line or "more of the same kind" in line for line in told), told
    if rules is None:
        assert told
        return
    paid = [level.xp_to_next for level in rules.levels[:-1]]
    assert all(cost >= 1 for cost in paid)
    assert may_fall or paid == sorted(paid)
    assert rules.levels[-1].cumulative_xp == sum(paid) <= INTEGER_MAX
    table = compile_rules(small_text(levels=f"{fall}xp_to_next = {paid}"))
    assert table.fingerprint == rules.fingerprint

"""The integer arithmetic against the textbook: GCRA by theoretical arrival time, in exact fractions."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from llm_gateway.limits import gcra


class Reference:
    """Virtual scheduling: a theoretical arrival time (TAT) in ms; the burst is one minute's worth."""

    def __init__(self, limit: int) -> None:
        self.emission = Fraction(gcra.MINUTE_MS, limit)
        self.tat = Fraction(0)

    def wait(self, now: int, cost: int) -> Fraction:
        return max(Fraction(0), max(self.tat, Fraction(now)) + cost * self.emission - gcra.MINUTE_MS - now)

    def take(self, now: int, cost: int) -> None:
        self.tat = max(self.tat, Fraction(now)) + cost * self.emission

    def give_back(self, now: int, units: int) -> None:
        self.tat = max(Fraction(now), max(self.tat, Fraction(now)) - units * self.emission)


STEPS = st.lists(
    st.tuples(st.integers(0, 90_000), st.integers(1, 600), st.integers(-300, 600)), min_size=1, max_size=60
)


@given(limit=st.integers(1, 500), steps=STEPS)
def test_decides_as_the_reference(limit: int, steps: list[tuple[int, int, int]]) -> None:
    reference, debt, at, now = Reference(limit), 0, 0, 0
    for pause, cost, unused in steps:
        now += pause
        debt, at = gcra.paid(debt, at, now, limit), now
        assert gcra.wait_ms(debt, cost, limit) == -(-reference.wait(now, cost) // 1)
        assert gcra.remaining(debt, limit) == max(
            0, (gcra.MINUTE_MS - max(reference.tat - now, 0)) // reference.emission
        )
        assert gcra.reset_ms(debt, limit) == -(-max(reference.tat - now, Fraction(0)) // 1)
        if gcra.wait_ms(debt, cost, limit) == 0:
            debt += cost * gcra.MINUTE_MS
            reference.take(now, cost)
            units = min(unused, cost)
            debt = max(0, debt - units * gcra.MINUTE_MS)
            reference.give_back(now, units)


@given(limit=st.integers(1, 10**11), cost=st.integers(0, 10**11))
def test_waiting_as_told_is_enough_and_not_too_long(limit: int, cost: int) -> None:
    cost = min(cost, limit)
    debt = limit * gcra.MINUTE_MS
    wait = gcra.wait_ms(debt, cost, limit)
    assert gcra.wait_ms(gcra.paid(debt, 0, wait, limit), cost, limit) == 0
    if wait:
        assert gcra.wait_ms(gcra.paid(debt, 0, wait - 1, limit), cost, limit) > 0


@given(limit=st.integers(1, 10**11), units=st.integers(0, 10**11))
def test_numbers_stay_exact_in_a_double(limit: int, units: int) -> None:
    debt = min(units, limit) * gcra.MINUTE_MS
    assert int(float(debt)) == debt < 2**53


def test_a_clock_that_goes_back_pays_nothing() -> None:
    assert gcra.paid(1000, 500, 400, 60) == 1000

"""How often a request may be tried again, and in which order of models."""

from __future__ import annotations

BURST = 10.0  # retries that a quiet gateway may make before the percentage binds


class RetryBudget:
    """Retries of one model as a share of its requests: each request pays in a share of a retry, each retry takes one out.

    Over any run of n requests at most ``BURST + n × percent ÷ 100`` retries happen, so that a model that fails as a whole is not asked
    twice as often for it. 0 percent forbids retries.
    """

    __slots__ = ("_balance", "_share")

    def __init__(self, percent: int) -> None:
        self._share = percent / 100
        self._balance = BURST if percent else 0.0

    def request(self) -> None:
        """A request came."""
        self._balance = min(BURST, self._balance + self._share)

    def take(self) -> bool:
        """Whether one more attempt may be made; if so it is counted."""
        # The tolerance: a sum of tenths is not a whole number.
        if self._balance < 1 - 1e-9:
            return False
        self._balance -= 1
        return True


class RetryBudgets:
    """One budget per model, so that one model's failure leaves the others their retries."""

    __slots__ = ("_budgets", "_percent")

    def __init__(self, percent: int) -> None:
        self._percent = percent
        self._budgets: dict[str, RetryBudget] = {}

    def of(self, model: str) -> RetryBudget:
        """The budget of a model."""
        budget = self._budgets.get(model)
        if budget is None:
            budget = self._budgets[model] = RetryBudget(self._percent)
        return budget

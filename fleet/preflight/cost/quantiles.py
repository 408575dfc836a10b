"""Quantiles with intervals that assume nothing about the shape of what was measured.

The interval lies between two of the measured values, which the binomial distribution selects. A bootstrap was rejected: a
site is a handful of unlike terminals, each with its own distribution. The p95 of a few hundred values is near the longest
of them, where a bootstrap covers too little, and pooling unlike terminals only makes this interval wider (Hoeffding 1956).
It uses no random numbers, so the same measurements give the same answer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, and the interval in which the true value lies."""

    value: float
    low: float | None  # None: too few values for a lower limit
    high: float | None  # None: too few values for an upper limit

    def __sub__(self, other: "Estimate") -> "Estimate":
        return self + Estimate(-other.value, _negative(other.high), _negative(other.low))

    def __add__(self, other: "Estimate") -> "Estimate":
        """The sum of two values that were measured independently. The distances to the limits are added like the sides of a
        right angle (Zou and Donner 2008): a plain sum would assume that both are at their worst at once. Where lookups made
        in turn are slow together, this interval is wider than necessary."""
        value = self.value + other.value
        return Estimate(value, _side(value, -1, self, other), _side(value, 1, self, other))

    def noise(self) -> "Estimate":
        """The uncertainty alone: the same interval around 0."""
        return self.moved(-self.value)

    def moved(self, by: float) -> "Estimate":
        """The same interval, moved by this much."""
        return Estimate(self.value + by, _plus(self.low, by), _plus(self.high, by))

    @property
    def holds_zero(self) -> bool:
        """Whether 0 lies in the interval."""
        return (self.low is None or self.low <= 0) and (self.high is None or self.high >= 0)


def _negative(limit: float | None) -> float | None:
    return None if limit is None else -limit


def _plus(limit: float | None, more: float) -> float | None:
    return None if limit is None else limit + more


def _side(value: float, sign: int, one: Estimate, other: Estimate) -> float | None:
    limits = (one.low, other.low) if sign < 0 else (one.high, other.high)
    if limits[0] is None or limits[1] is None:
        return None
    return value + sign * math.hypot(one.value - limits[0], other.value - limits[1])


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed. ordered: ascending, not empty."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def estimate(ordered: Sequence[float], share: float, alpha: float) -> Estimate:
    """The quantile and its interval, which misses the true value with a probability of at most alpha. ordered: ascending,
    not empty."""
    low, high = _ranks(len(ordered), share, alpha)
    return Estimate(quantile(ordered, share), None if low is None else ordered[low], None if high is None else ordered[high])


def fewest(share: float, alpha: float) -> int:
    """How many values are needed for an upper limit."""
    return math.ceil(math.log(alpha / 2) / math.log(share))


@lru_cache(maxsize=256)
def _ranks(count: int, share: float, alpha: float) -> tuple[int | None, int | None]:
    """The places of the two values. The number of values below the quantile is binomial: the lower place is the highest one
    that is too high with a probability of at most alpha/2, the upper place the lowest one that is too low."""
    low, at_most = None, 0.0
    for below in range(count):
        at_most += _binomial(count, below, share)
        if at_most > alpha / 2:
            break
        low = below
    high, at_least = None, 0.0
    for below in range(count, 0, -1):
        at_least += _binomial(count, below, share)
        if at_least > alpha / 2:
            break
        high = below - 1
    return low, high


def _binomial(count: int, hits: int, share: float) -> float:
    chosen = math.lgamma(count + 1) - math.lgamma(hits + 1) - math.lgamma(count - hits + 1)
    return math.exp(chosen + hits * math.log(share) + (count - hits) * math.log1p(-share))

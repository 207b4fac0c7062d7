"""One rounding of shares: every fraction up to 400 reads the same wherever it is shown."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest

from cv_reporter.domain.findings import Proportion, Totals, totals
from cv_reporter.domain.summary import SMALL
from cv_reporter.domain.tally import Outcomes, Tally
from cv_reporter.presentation import wording

MOST = 400


def by_hand(part: int, whole: int) -> Decimal:
    """The share in percent to one decimal, half up; 100 and 0 only if nothing else is true."""
    if part in {0, whole}:
        return Decimal(100 * part // whole)
    rounded = (Decimal(100 * part) / whole).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return min(Decimal("99.9"), max(Decimal("0.1"), rounded))


def counted(part: int, whole: int) -> Totals:
    """The totals of so many questions, `part` of them answered in full, the others not at all."""
    return totals(Tally(outcomes=Outcomes(full=part, none=whole - part)))


@pytest.mark.parametrize("least", range(0, MOST + 1, 50))
def test_mail_dashboard_and_api_show_the_same_digits_of_every_fraction(least: int) -> None:
    for whole in range(max(least, SMALL), least + 50):
        for part in range(whole + 1):
            expected = by_hand(part, whole)
            text = f"{expected.normalize():f}%"
            proportion = Proportion.of(part, whole)
            assert Decimal(str(proportion.percent)) == expected, (part, whole)
            assert Decimal(str(counted(part, whole).full_percent)) == expected, (part, whole)
            assert wording.share(part, whole).value == text, (part, whole)
            assert wording.percent_text(proportion.percent) == text, (part, whole)
            assert (text == "100%") == (part == whole)
            assert (text == "0%") == (part == 0)


def test_an_interval_holds_its_share_however_it_is_rounded() -> None:
    for whole in range(1, MOST + 1):
        for part in range(whole + 1):
            proportion = Proportion.of(part, whole)
            low, high = wording.likely(proportion).removeprefix("likely ").rstrip("%").split("–")
            assert proportion.percent is not None
            assert int(low) <= proportion.percent <= int(high), (part, whole)


@pytest.mark.parametrize("whole", [2_001, 10_000, 1_000_000])
def test_no_share_is_100_with_a_miss_or_0_with_a_hit_however_many_were_asked(whole: int) -> None:
    assert wording.share(whole - 1, whole).value == "99.9%"
    assert wording.share(1, whole).value == "0.1%"
    assert (wording.share(whole, whole).value, wording.share(0, whole).value) == ("100%", "0%")

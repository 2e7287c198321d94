"""The warm-up of a new domain: a ceiling that rises day by day, kept by the limiter, shown in `mailer status`."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from mailer.doctor.state.account import warm_up_row
from mailer.doctor.state.row import Standing as RowStanding
from mailer.errors import QuotaExceeded
from mailer.sending.limiter import Limiter, RateLimit
from mailer.sending.warm_up import ceiling, ends, length
from mailer.stack import StackOutputs, WarmUp
from tests.rate_oracle import known, standing
from tests.unit.mailer.stack_outputs import outputs

FIRST = date(2026, 12, 1)
PLAN = WarmUp(starts=FIRST, first=100, growth=2.0, target=800)


def at(day: int) -> float:
    """Noon of a day of the plan, counted from 1, in seconds since 1970."""
    return (datetime(2026, 12, 1, 12, tzinfo=UTC) + timedelta(days=day - 1)).timestamp()


def limiter(day: int, sent: float, plan: WarmUp | None = PLAN) -> Limiter:
    account = known(standing(rate=1000, day=50_000, sent=sent))
    return Limiter(RateLimit(), account, warm_up=plan, clock=lambda: at(day), wait=lambda *_: None)


@pytest.mark.parametrize(("day", "most"), [(-30, 100), (1, 100), (2, 200), (3, 400), (4, None), (400, None)])
def test_ceiling_doubles_until_the_plan_ends(day: int, most: int | None):
    assert ceiling(PLAN, FIRST + timedelta(days=day - 1)) == most
    assert (length(PLAN), ends(PLAN)) == (3, date(2026, 12, 4))


@pytest.mark.parametrize(
    ("first", "growth", "target"), [(1, 1.05, 1_000_000_000), (200, 1.5, 50_000), (7, 3.0, 7 * 3**9)]
)
def test_ceiling_never_falls_and_stays_below_the_target(first: int, growth: float, target: int):
    plan = WarmUp(starts=FIRST, first=first, growth=growth, target=target)
    days = [ceiling(plan, FIRST + timedelta(days=day)) or 0 for day in range(length(plan))]
    assert days == sorted(days)
    assert days[0] == first
    assert days[-1] < target <= days[-1] * growth + growth


def test_plan_whose_first_day_reaches_the_target_is_over():
    assert ceiling(WarmUp(starts=FIRST, first=800, target=800), FIRST) is None


@pytest.mark.parametrize("wrong", [{"growth": 1.0}, {"growth": 4.0}, {"first": 0}, {"target": 0}, {"days": 3}])
def test_impossible_plan_is_refused(wrong: dict[str, float]):
    with pytest.raises(ValidationError):
        WarmUp.model_validate({"starts": "2026-12-01", **wrong})


def test_mail_above_the_ceiling_of_the_day_waits():
    today = limiter(2, sent=190)
    today.acquire(10)
    with pytest.raises(QuotaExceeded, match="The warm-up plan allows 200 recipients in 24 hours today") as refused:
        today.acquire(1)
    assert "mailstack:warmUp" in refused.value.hint
    limiter(3, sent=200).acquire(200)


@pytest.mark.parametrize("plan", [None, PLAN])
def test_without_a_ceiling_the_quota_alone_holds(plan: WarmUp | None):
    limiter(4, sent=49_999, plan=plan).acquire(1)
    with pytest.raises(QuotaExceeded, match="The daily quota of 50,000 recipients"):
        limiter(4, sent=50_000, plan=plan).acquire(1)


def test_outputs_with_a_plan_read_back():
    given = outputs().model_copy(update={"warm_up": PLAN})
    assert StackOutputs.from_json(given.to_json(), source="the test") == given
    assert "warm_up" not in outputs().to_json()


def test_row_shows_the_day_and_what_tomorrow_allows():
    row = warm_up_row(PLAN, 150, datetime.fromtimestamp(at(2), UTC))
    assert row.state == "day 2 of 3: 150 of 200 recipients in 24 hours; tomorrow 400"
    assert (row.standing, row.values["ceiling"]) == (RowStanding.OK, 200)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (0, "starts on 2026-12-01: 0 of 100 recipients in 24 hours; tomorrow 100"),
        (3, "day 3 of 3: 0 of 400 recipients in 24 hours; tomorrow no ceiling"),
        (4, "ended on 2026-12-04"),
    ],
)
def test_row_shows_the_start_and_the_end(day: int, words: str):
    assert warm_up_row(PLAN, 0, datetime.fromtimestamp(at(day), UTC)).state == words


def test_row_of_a_used_up_day_is_open():
    row = warm_up_row(PLAN, 100, datetime.fromtimestamp(at(1), UTC))
    assert row.standing is RowStanding.OPEN
    assert "until tomorrow" in row.then

"""Runs checks at once, and ends in time. Not for printing."""

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from mailer.doctor.check import Problem, Result, Verdict
from mailer.doctor.inconclusive import Missing, NotApplicable, Unanswered
from mailer.doctor.site import code_of
from mailer.redaction import mask_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailer.doctor.check import Check
    from mailer.doctor.site import Site

AT_ONCE = 12
# Seconds for all checks together.
TIME_LIMIT = 10.0
CREDENTIALS = "credentials"


def examine(site: "Site", checks: "Sequence[Check]", limit: float = TIME_LIMIT) -> list[Result]:
    """Run the checks, in threads. Without credentials, those that ask AWS are skipped.

    Args:
        site: What to look at.
        checks: Which; their order is that of the results.
        limit: Seconds for all together; what has not ended by then is `UNKNOWN`.
    """
    first = next((check for check in checks if check.name == CREDENTIALS), None)
    known = {CREDENTIALS: result_of(first, site)} if first else {}
    if known and known[CREDENTIALS].verdict in {Verdict.FAILED, Verdict.UNKNOWN}:
        words = "needs AWS credentials: see the check 'credentials'"
        known |= {one.name: Result(one, Verdict.SKIPPED, why=words) for one in checks if _asks_aws(one, known)}
    pool = ThreadPoolExecutor(AT_ONCE)
    started = {pool.submit(result_of, check, site): check for check in checks if check.name not in known}
    done, late = wait(started, limit)
    pool.shutdown(wait=False, cancel_futures=True)
    known |= {started[one].name: one.result() for one in done}
    words = f"it took longer than {limit:.0f} s"
    known |= {started[one].name: Result(started[one], Verdict.UNKNOWN, why=words) for one in late}
    return [known[check.name] for check in checks]


def _asks_aws(check: "Check", known: "dict[str, Result]") -> bool:
    return check.needs == "aws" and check.name not in known


def result_of(check: "Check", site: "Site") -> Result:
    """Run one check. What AWS or the network refuses is no finding of it: the verdict is `UNKNOWN`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        problems = tuple(check.look(site))
    except Missing as missing:
        return _without(missing, check, site)
    except NotApplicable as reason:
        return Result(check, Verdict.SKIPPED, why=str(reason))
    except ClientError as error:
        return Result(check, Verdict.UNKNOWN, why=refusal(error))
    except (BotoCoreError, Unanswered) as error:
        return Result(check, Verdict.UNKNOWN, why=mask_all(str(error)))
    warns = all(problem.warning for problem in problems)
    verdict = Verdict.OK if not problems else Verdict.WARNING if warns else Verdict.FAILED
    return Result(check, verdict, problems)


def _without(missing: Missing, check: "Check", site: "Site") -> Result:
    """The result where a resource is missing: one check reports it, the others cannot be made."""
    if missing.check != check.name:
        return Result(check, Verdict.SKIPPED, why=f"{missing}: see the check {missing.check!r}")
    remedy = f"deploy the stack: pulumi up --stack {site.outputs.stack} --refresh"
    return Result(check, Verdict.FAILED, (Problem(f"{missing}.", remedy),))


def refusal(error: Exception) -> str:
    """What AWS refused, in a sentence."""
    code = code_of(error)
    operation = getattr(error, "operation_name", "")
    may = " Allow it in the IAM policy of the caller." if "Denied" in code or "Unauthorized" in code else ""
    return f"AWS refused {operation}: {code}.{may}"

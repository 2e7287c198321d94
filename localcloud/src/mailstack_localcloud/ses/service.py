"""SES v2 as one object: finds a request's operation, calls its handler and checks the answer."""

import inspect
import re

from mailstack_localcloud.backend.calls import InProcess
from mailstack_localcloud.backend.ministack import Backend
from mailstack_localcloud.faults.effects import InjectedError
from mailstack_localcloud.faults.rules import Faults
from mailstack_localcloud.faults.target import Target
from mailstack_localcloud.http import Request, Response
from mailstack_localcloud.ses import protocol
from mailstack_localcloud.ses.context import Caller, Context, Parameters
from mailstack_localcloud.ses.errors import SesError, not_emulated
from mailstack_localcloud.ses.feedback_mails import forward
from mailstack_localcloud.ses.files import Files
from mailstack_localcloud.ses.operations import HANDLERS
from mailstack_localcloud.ses.permissions import check
from mailstack_localcloud.ses.publishing import Publisher
from mailstack_localcloud.ses.quota import Meter
from mailstack_localcloud.ses.refusals import record_refusal
from mailstack_localcloud.ses.state import State
from mailstack_localcloud.ses.verification import Dns

# A signature for many regions at once, as clients of multi-region endpoints make them, names none.
_SIGNED_FOR = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/\s]+/\d+/([^/]+)/")


class Ses:
    """The emulated service. It keeps no state of its own beside `context`."""

    def __init__(self, backend: Backend, aws: InProcess, faults: Faults) -> None:
        self.context = Context(
            backend=backend,
            state=State(aws.region),
            meter=Meter(),
            dns=Dns(aws),
            publisher=Publisher(backend),
            files=Files(backend, aws),
            faults=faults,
        )

        self.context.publisher.add_listener(forward)

    def reset(self) -> None:
        """Forget every identity, set, mail and count."""
        self.context.state = State(self.context.state.region)
        self.context.meter = Meter()

    @staticmethod
    def fault_target(request: Request) -> Target:
        """The target that faults are matched against."""
        from mailstack_localcloud.ses.fault_target import target

        return target(request)

    @staticmethod
    def injected(error: InjectedError) -> Response:
        """The answer for an error that a fault injects."""
        return protocol.error_answer(SesError.injected(error))

    async def handle(self, request: Request) -> Response:
        """Answer one request under `/v2/email/`."""
        found = protocol.find(request.method, request.path)
        parameters: Parameters = {}
        try:
            check_region(request, self.context.state.region)
            if found is None:
                raise not_emulated(f"{request.method} {request.path}")
            route, in_path = found
            context = self.context.called_by(Caller.of(request, api_version="2"))
            handler = HANDLERS.get(route.name)
            if handler is None:
                raise not_emulated(route.name)
            parameters = protocol.parse(route, in_path, request)
            check(context, route.name, parameters)
            check_rate(context, route.name)
            output = handler(context, parameters)
            return protocol.answer(route, await output if inspect.isawaitable(output) else output)
        except SesError as error:
            record_refusal(self.context.state, found[0].name if found else "", parameters, error)
            return protocol.error_answer(error)


def check_rate(context: Context, operation: str) -> None:
    """Refuse what is asked for too often.

    Raises:
        SesError: The account has a limit on this operation, which is reached (429).
    """
    problem = context.meter.ask(context.state.account, operation)
    if problem:
        raise SesError("TooManyRequestsException", problem)


def check_region(request: Request, region: str) -> None:
    """Refuse another region's SES, which would have identities of its own; answering for it would only confuse.

    Raises:
        SesError: The request is signed for another region than this.
    """
    signed = _SIGNED_FOR.search(request.headers.get("authorization", ""))
    if signed and signed[1] != region:
        raise not_emulated(f"SES in {signed[1]} (this local cloud was started for {region})")

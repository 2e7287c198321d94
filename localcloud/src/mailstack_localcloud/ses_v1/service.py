"""SES's first API as one object: parses a form, calls the operation's handler and writes XML."""

import inspect

from mailstack_localcloud.faults.effects import InjectedError
from mailstack_localcloud.faults.target import Target
from mailstack_localcloud.http import Request, Response
from mailstack_localcloud.ses.context import Caller, Context, Parameters
from mailstack_localcloud.ses.errors import SesError, not_emulated
from mailstack_localcloud.ses.permissions import check_v1
from mailstack_localcloud.ses.refusals import record_refusal
from mailstack_localcloud.ses.service import check_rate, check_region
from mailstack_localcloud.ses_v1 import query
from mailstack_localcloud.ses_v1.errors import QueryError, translated
from mailstack_localcloud.ses_v1.operations import HANDLERS


class SesV1:
    """The first API over the state of the second."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def handle(self, request: Request) -> Response:
        """Answer one request at `/`."""
        try:
            return await self._answer(request)
        except SesError as error:
            return query.error_answer(translated(error))
        except QueryError as error:
            return query.error_answer(error)

    @staticmethod
    def fault_target(request: Request) -> Target:
        """The target that faults are matched against."""
        from mailstack_localcloud.ses_v1.fault_target import target

        return target(request)

    @staticmethod
    def injected(error: InjectedError) -> Response:
        """The answer for an error that a fault injects."""
        return query.error_answer(translated(SesError.injected(error)))

    async def _answer(self, request: Request) -> Response:
        check_region(request, self._context.state.region)
        context = self._context.called_by(Caller.of(request, api_version="1"))
        form = query.read_form(request)
        operation = query.find(form)
        handler = HANDLERS.get(operation.name)
        if handler is None:
            raise not_emulated(f"{operation.name} of SES v1")
        parameters: Parameters = {}
        try:
            check_v1(context, operation.name)
            check_rate(context, operation.name)
            parameters = query.parse(operation, form)
            output = handler(context, parameters)
            return query.answer(operation, await output if inspect.isawaitable(output) else output)
        except SesError as error:
            record_refusal(context.state, operation.name, parameters, error)
            raise

"""The address that the payment provider sends its events to."""

import logging
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pydantic import ValidationError

from .events import Event
from .handling import process
from .signature import HEADER, SignatureError, verify

if TYPE_CHECKING:
    from django.http import HttpRequest

log = logging.getLogger("security")


@csrf_exempt  # the signature says who sends it
@require_POST
def webhook(request: "HttpRequest") -> JsonResponse:
    """Check the signature, process the event, and answer 200, after which the provider does not send it again."""
    body = request.body
    try:
        verify(body, request.headers.get(HEADER, ""), settings.PAYMENT_WEBHOOK_SECRETS, now=time.time())
    except SignatureError as error:
        log.warning("Payment event refused: %s", error)
        return JsonResponse({"error": str(error)}, status=400)
    try:
        event = Event.model_validate_json(body)
        is_new = process(event)
    except ValidationError as error:
        places = sorted({".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False)})
        log.error("Payment event not understood: %s", ", ".join(places))  # noqa: TRY400 - the values are people's data
        return JsonResponse({"error": f"These parts are not as documented: {', '.join(places)}"}, status=400)
    log.info("Payment event %s (%s): %s", event.id, event.type, "processed" if is_new else "known already")
    return JsonResponse({"received": True})

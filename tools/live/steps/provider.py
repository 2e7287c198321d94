"""Steps about what the provider reads back: a second deployment changes nothing, lists keep their order."""

from mailstack_infra.settings.events import in_order
from tools.live.finding import Finding, Step, judged
from tools.live.site import Site


def _second_up(site: Site) -> Finding:
    again, refreshed = site.stack.up(), site.stack.refresh()
    names = sorted({name for changes in (again, refreshed) for found in changes.names.values() for name in found})
    words = f"A second `pulumi up` and `pulumi refresh` changed {', '.join(names) or 'nothing'}."
    return judged(not again.any and not refreshed.any, words)


def _reasons_order(site: Site) -> Finding:
    name = site.outputs.default_configuration_set
    found = site.client("sesv2").get_configuration_set(ConfigurationSetName=name)
    reasons = found["SuppressionOptions"]["SuppressedReasons"]
    return judged(reasons == ["BOUNCE", "COMPLAINT"], f"SES returns {', '.join(reasons)}.")


def _event_types_order(site: Site) -> Finding:
    name = site.outputs.default_configuration_set
    found = site.client("sesv2").get_configuration_set_event_destinations(ConfigurationSetName=name)
    orders = [one["MatchingEventTypes"] for one in found["EventDestinations"]]
    longest = max(orders, key=len)
    return judged(all(order == in_order(order) for order in orders), f"SES returns {', '.join(longest)}.")


STEPS = (
    Step("second-up", "A second deployment and a refresh change nothing.", _second_up),
    Step("reasons-order", "SES returns suppressed reasons in the order that was given.", _reasons_order),
    Step("event-types-order", "SES returns event types in the order that was given.", _event_types_order),
)

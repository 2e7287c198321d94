"""Every step of the live check, in order. `destroy` comes last, also after a failure."""

from tools.live.finding import Step
from tools.live.steps import deployment, mail, monitoring, permissions, provider, rates

STEPS: tuple[Step, ...] = (
    *deployment.BEGIN,
    *provider.STEPS,
    *mail.STEPS,
    *monitoring.STEPS,
    *rates.STEPS,
    *permissions.STEPS,
    *deployment.END,
)

"""The application during and after the move: one mailer, whatever carries the mail."""

from mailer import Mailer, Message


def confirm(mailer: Mailer, order: int, email: str) -> str:
    """Send the confirmation of an order, once; return the words for the page."""
    text = f"Thank you. We have received your order {order}."
    message = Message(subject=f"Your order {order}", text=text, to=email, tags={"order": str(order)})
    (recipient,) = mailer.send(message, idempotency_key=f"order-{order}-confirmation")
    return f"{recipient.status} by {recipient.transport or 'ses'}" if recipient.ok else str(recipient.status)

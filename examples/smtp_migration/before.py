"""The application before the move: smtplib, and five variables."""

import os
import smtplib
from email.message import EmailMessage


def confirm(order: int, email: str) -> str:
    """Send the confirmation of an order; return the words for the page."""
    message = EmailMessage()
    message["From"] = os.environ["MAIL_FROM"]
    message["To"] = email
    message["Subject"] = f"Your order {order}"
    message.set_content(f"Thank you. We have received your order {order}.")
    with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"]), timeout=30) as server:
        server.send_message(message)
    return "sent by smtplib"

"""An amount of money as a template's field."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from mailer.templates.fields import Fields


class Money(Fields):
    """An amount and its currency. `{{ total|money }}` writes it in the language of the mail.

    Example:
        >>> Money(amount="12.50", currency="EUR").amount
        Decimal('12.50')
    """

    amount: Decimal = Field(max_digits=18, decimal_places=6, allow_inf_nan=False)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.")]

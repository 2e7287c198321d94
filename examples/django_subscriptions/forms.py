"""The forms of accounts. Those that change one send its mail, in the same transaction."""

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import (
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
    UserCreationForm,
)
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from mailer import Address, InvalidAddress

from . import mails

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest


class RegisterForm(UserCreationForm):  # pyright: ignore[reportMissingTypeArgument] - not generic when Django runs
    """A new account."""

    first_name = forms.CharField(max_length=60, label="First name")
    email = forms.EmailField(max_length=254, label="Email address")

    class Meta:
        """The fields, in the order of the page."""

        model = User
        fields = ("username", "first_name", "email")
        widgets: ClassVar = {"first_name": forms.TextInput(attrs={"autocomplete": "given-name"})}

    def clean_email(self) -> str:
        """An address that can get mail: `EmailField` allows some that SES refuses."""
        try:
            return Address.parse(cast("str", self.cleaned_data["email"])).email
        except InvalidAddress as error:
            raise ValidationError(str(error)) from error

    @transaction.atomic
    def save(self, commit: bool = True) -> User:
        """Create the account, and welcome the person."""
        user = cast("User", super().save(commit))
        if commit:
            mails.welcome(user)
        return user

    def registered_before(self, request: "HttpRequest") -> User | None:
        """The account that the same form created before: its name, password and address are those of the form.

        Without the password, nobody gets into the account of another person.
        """
        if self.errors.keys() != {"username"} or not self.has_error("username", "unique"):
            return None
        name = self.fields["username"].to_python(self.data["username"])  # refused, so not in `cleaned_data`
        found = authenticate(request, username=name, password=self.cleaned_data["password1"])
        return cast("User", found) if found and found.email == self.cleaned_data["email"] else None


class _NewPassword:
    """Tells the owner of an account that the form has changed its password."""

    @transaction.atomic
    def save(self, commit: bool = True) -> User:
        """Save the password, and tell the owner."""
        parent: Any = super()
        user = cast("User", parent.save(commit))
        if commit:
            mails.password_changed(user)
        return user


class ChangePasswordForm(_NewPassword, PasswordChangeForm):  # pyright: ignore[reportMissingTypeArgument, reportIncompatibleMethodOverride] - not generic when Django runs
    """A new password, by somebody who knows the old one."""


class NewPasswordForm(_NewPassword, SetPasswordForm):  # pyright: ignore[reportMissingTypeArgument, reportIncompatibleMethodOverride] - not generic when Django runs
    """A new password, by somebody who has the link."""


class ResetForm(PasswordResetForm):
    """Asks for a link to a new password."""

    def send_mail(
        self,
        subject_template_name: str,  # noqa: ARG002 - the template of the catalog has a subject
        email_template_name: str,  # noqa: ARG002
        context: "Mapping[str, Any]",
        from_email: str | None,  # noqa: ARG002
        to_email: str,  # noqa: ARG002 - the user's
        html_email_template_name: str | None = None,  # noqa: ARG002
    ) -> None:
        """Send the link of the catalog's mail instead of Django's template, which has no HTML."""
        mails.password_reset(context["user"], context["uid"], context["token"])


class ForgottenNameForm(forms.Form):
    """Asks for the user names of an address."""

    email = forms.EmailField(
        max_length=254, label="Email address", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class DeleteForm(forms.Form):
    """Deletes an account, after a look at who it is."""

    password = forms.CharField(
        label="Your password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, user: User, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._user = user

    def clean_password(self) -> str:
        """The password of the account."""
        given = cast("str", self.cleaned_data["password"])
        if not self._user.check_password(given):
            raise ValidationError("This is not your password.")
        return given

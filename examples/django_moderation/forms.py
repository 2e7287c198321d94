"""The forms of the pages."""

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import Candidate


class SignUpForm(forms.Form):
    """Name and address. The password is chosen behind the link, by the person who reads the address."""

    name = forms.CharField(label=_("Name"), max_length=60)
    email = forms.EmailField(label=_("Email address"))


class AddressForm(forms.Form):
    """An address, for a new link."""

    email = forms.EmailField(label=_("Email address"))


class PersonForm(forms.ModelForm):
    """The first step."""

    class Meta:
        """Its fields."""

        model = Candidate
        fields: ClassVar = ["full_name", "phone"]


class OfficeForm(forms.ModelForm):
    """The second step."""

    class Meta:
        """Its fields."""

        model = Candidate
        fields: ClassVar = ["office", "district"]


class StatementForm(forms.ModelForm):
    """The third step."""

    class Meta:
        """Its fields."""

        model = Candidate
        fields: ClassVar = ["statement"]
        widgets: ClassVar = {"statement": forms.Textarea(attrs={"rows": 8})}


class SubmitForm(forms.Form):
    """The fourth step: everything is shown, and submitted."""

    is_true = forms.BooleanField(label=_("What I have written is true."))


STEPS: tuple[type[PersonForm | OfficeForm | StatementForm], ...] = (PersonForm, OfficeForm, StatementForm)


class RejectForm(forms.Form):
    """Why a submission is not approved. Each line is a reason in the mail."""

    notes = forms.CharField(
        label=_("Notes"),
        help_text=_("What to change. Each line is a point of its own."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def clean_notes(self) -> str:
        """Lines with words, 20 at most."""
        lines = [line.strip() for line in str(self.cleaned_data["notes"]).splitlines() if line.strip()]
        if len(lines) > _MOST_REASONS:
            raise forms.ValidationError(_("Write 20 lines at most."))
        return "\n".join(lines)


# Of `mailer.catalog.SubmissionRejected`.
_MOST_REASONS = 20

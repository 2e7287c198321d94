"""The addresses of the pages."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path, register_converter

from . import accounts, candidates, review
from .steps import Step

register_converter(Step, "step")
urlpatterns = [
    path("", candidates.home, name="home"),
    path("candidates/<int:number>", candidates.public, name="public"),
    path("candidacy", candidates.candidacy, name="candidacy"),
    path("candidacy/<step:number>", candidates.step, name="step"),
    path("review", review.waiting, name="waiting"),
    path("review/<int:number>", review.review, name="review"),
    path("review/<int:number>/approve", review.approve, name="approve"),
    path("review/<int:number>/reject", review.reject, name="reject"),
    path("sign-up", accounts.sign_up, name="sign-up"),
    path("verify/<str:token>", accounts.verify, name="verify"),
    path("resend", accounts.resend, name="resend"),
    path("forgot", accounts.forgot, name="forgot"),
    path("reset/<str:token>", accounts.reset, name="reset"),
    path("sign-in", LoginView.as_view(template_name="sign_in.html"), name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("mail/", include("mailer.django.urls")),
    path("admin/", admin.site.urls),
]

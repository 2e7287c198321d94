"""The addresses of the pages."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from . import items, views
from .payments.views import webhook

_SIGN_IN = {"title": "Sign in", "button": "Sign in", "is_login": True}

urlpatterns = [
    path("", views.home, name="home"),
    path("register/", views.register, name="register"),
    path("login/", LoginView.as_view(template_name="subscriptions/form.html", extra_context=_SIGN_IN), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", views.account, name="account"),
    path("account/password/", views.ChangePassword.as_view(), name="change_password"),
    path("account/delete/", views.delete_account, name="delete_account"),
    path("forgot-username/", views.forgot_username, name="forgot_username"),
    path("forgot-username/sent/", views.sent, name="forgot_username_done"),
    path("password-reset/", views.ResetPassword.as_view(), name="password_reset"),
    path("password-reset/sent/", views.sent, name="password_reset_done"),
    path("reset/<uidb64>/<token>/", views.ConfirmReset.as_view(), name="password_reset_confirm"),
    path("items/", items.listed, name="items"),
    path("items/<str:symbol>/watch/", items.watch, name="watch"),
    path("webhooks/payments/", webhook, name="payment_webhook"),
    path("mail/", include("mailer.django.urls")),
    path("admin/", admin.site.urls),
]
if settings.PAYMENT_TEST_EVENTS:
    urlpatterns.append(path("test-events/", views.test_events, name="test_events"))

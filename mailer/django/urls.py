"""The addresses of the webhook: `path("mail/", include("mailer.django.urls"))`.

`webhooks/ses` for SNS, `unsubscribe/TOKEN` for links in mails, `health` and `health/ready`, `metrics/email` for people
with permissions of the admin.
"""

from django.urls import path

from mailer.django.metrics import serve_metrics
from mailer.django.views import serve
from mailer.webhooks.metrics import PATH, SUPPRESSION_PATH

app_name = "mailstack"
urlpatterns = [
    path("webhooks/ses", serve, {"endpoint": "/webhooks/ses"}, name="webhook"),
    path("unsubscribe/<str:token>", serve, {"endpoint": "/unsubscribe/{token}"}, name="unsubscribe"),
    path("health", serve, {"endpoint": "/health"}, name="health"),
    path("health/ready", serve, {"endpoint": "/health/ready"}, name="ready"),
    path("metrics/email", serve_metrics, {"endpoint": PATH}, name="metrics"),
    path("metrics/email/<str:page>", serve_metrics, {"endpoint": PATH}, name="metrics_part"),
    path("metrics/email/suppressions/<str:token>", serve_metrics, {"endpoint": SUPPRESSION_PATH}, name="suppression"),
]

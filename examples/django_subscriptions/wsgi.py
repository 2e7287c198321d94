"""For a WSGI server: `gunicorn examples.django_subscriptions.wsgi`, with DJANGO_SETTINGS_MODULE set."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_subscriptions.settings")
application = get_wsgi_application()

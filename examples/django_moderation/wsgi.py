"""The application for servers: `gunicorn examples.django_moderation.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_moderation.settings")
application = get_wsgi_application()

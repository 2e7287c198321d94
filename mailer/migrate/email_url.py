"""Reads `EMAIL_URL`: one URL for all settings, as dj-email-url and django-environ know it."""

from urllib.parse import parse_qs, unquote, urlsplit

from mailer.migrate.setting import as_flag

SMTP = "django.core.mail.backends.smtp.EmailBackend"
_DJANGO = "django.core.mail.backends.{}.EmailBackend"
# The schemes of the package dj-email-url, and
# https://django-environ.readthedocs.io/en/latest/types.html#environ-env-email-url
_STARTTLS = frozenset({"smtps", "smtp+tls", "submission", "submit"})
_TLS = frozenset({"smtp+ssl", "submissions", "ssmtp"})
_BACKENDS = {
    **dict.fromkeys(("smtp", *_STARTTLS, *_TLS), SMTP),
    **dict.fromkeys(("console", "consolemail"), _DJANGO.format("console")),
    **dict.fromkeys(("file", "filemail"), _DJANGO.format("filebased")),
    **dict.fromkeys(("memory", "memorymail"), _DJANGO.format("locmem")),
    **dict.fromkeys(("dummy", "dummymail"), _DJANGO.format("dummy")),
    **dict.fromkeys(("amazonses", "amazon-ses"), "django_ses.SESBackend"),
}
_PORT_OF_TLS = 465
# Settings that the URL's query may give.
_OF_QUERY = {"_server_email": "SERVER_EMAIL", "_default_from_email": "DEFAULT_FROM_EMAIL"}


def settings_of_url(url: str) -> dict[str, object]:
    """The settings of Django that a URL stands for; empty where it is none.

    Example:
        >>> settings_of_url("smtp+tls://shop%40example.com:x@smtp.example.com")["EMAIL_HOST_USER"]
        'shop@example.com'
        >>> settings_of_url("https://example.com")
        {}
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        query = {key.lower(): values[-1] for key, values in parse_qs(parts.query).items()}
    except ValueError:
        return {}
    backend = _BACKENDS.get(parts.scheme.lower(), "")
    if not backend:
        return {}
    if backend != SMTP:
        return {"EMAIL_BACKEND": backend}
    tls = parts.scheme.lower() in _TLS or port == _PORT_OF_TLS or bool(as_flag(query.get("ssl")))
    starttls = not tls and (parts.scheme.lower() in _STARTTLS or bool(as_flag(query.get("tls"))))
    return {
        "EMAIL_BACKEND": SMTP,
        "EMAIL_HOST": host,
        "EMAIL_PORT": port or (_PORT_OF_TLS if tls else 587 if starttls else 25),
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_USE_TLS": starttls,
        "EMAIL_USE_SSL": tls,
        **{_OF_QUERY[key]: value for key, value in query.items() if key in _OF_QUERY},
    }

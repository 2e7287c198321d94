"""Another package of the same name: django-mailer installs a top-level `mailer`, too, and overwrites ours.

Python cannot tell when it imports the wrong one, so this is checked where an import has failed already.
"""

OTHER = "django-mailer"
WORDS = f"The distribution {OTHER} is installed; it has a package named mailer, too, and one overwrites the other."
HINT = f"Install only one of them: pip uninstall {OTHER}, then reinstall mailstack with --force-reinstall"


def is_installed() -> bool:
    """Whether django-mailer is installed beside this library."""
    from importlib.metadata import PackageNotFoundError, distribution  # most programs never need it

    try:
        distribution(OTHER)
    except PackageNotFoundError:
        return False
    return True

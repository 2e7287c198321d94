"""`python -m mailer`: the command line."""

import sys

from mailer.cli import main

if __name__ == "__main__":
    sys.exit(main())

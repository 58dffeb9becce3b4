"""`python -m trackway`: the command line, also where its script is not on the path."""

import sys

from trackway._cli.main import main

if __name__ == "__main__":
    sys.exit(main())

"""``python -m allsurv`` is the command ``allsurv``."""

from allsurv.cli import main

if __name__ == "__main__":
    main()

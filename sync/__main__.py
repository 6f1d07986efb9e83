"""`python -m sync …` is the same as the console script `hubspot-c4c-sync …`."""

from sync.cli import main

if __name__ == "__main__":
    main()

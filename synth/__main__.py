"""`python -m synth`."""

from synth.cli.main import main

if __name__ == "__main__":  # an engine's own process reads this file too
    main()

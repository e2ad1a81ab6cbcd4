"""The command `rainbow-exchange`, also as `python -m rainbow_exchange`."""

from rainbow_exchange.cli.main import commands
from rainbow_exchange.cli.terminal import prepare_streams


def main() -> None:
    """Run the command line; ends the process with the command's exit code."""
    prepare_streams()
    commands.main(prog_name="rainbow-exchange")


if __name__ == "__main__":
    main()

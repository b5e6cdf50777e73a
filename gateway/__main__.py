"""Makes `python -m gateway` the same command as `gateway`."""

from gateway.cli import main

main()

"""``python -m safescale_cli``."""

from safescale_cli.main import main

main()

"""``python -m safescale``: the same command."""

from importlib import import_module

if __name__ == "__main__":
    import_module("safescale_cli.main").main()

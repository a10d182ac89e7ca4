"""Versions of what is installed, without importing any of it."""

from importlib.metadata import PackageNotFoundError, version


def installed(package: str) -> str:
    """The package's version, or `unknown` where it runs without having been installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"

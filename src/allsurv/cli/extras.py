"""What each command needs beyond the core install, and how to get it."""

from __future__ import annotations

from importlib.util import find_spec

from allsurv.errors import ConfigError

__all__ = ["require"]

MODULES = {
    "train": ("joblib", "numba", "rich", "scipy", "sklearn", "sksurv", "threadpoolctl"),
    "track": ("mlflow",),
    "report": ("docx", "jinja2", "lxml", "markupsafe", "matplotlib", "PIL"),
    "serve": ("fastapi", "starlette", "uvicorn"),
}
"""Modules that an extra of the distribution brings."""


def require(command: str, *extras: str) -> None:
    """Refuse a command whose extras are not installed, saying what to install."""
    missing = [e for e in extras if any(find_spec(module) is None for module in MODULES[e])]
    if missing:
        raise ConfigError(
            f"{command}: needs more than the core install; run: "
            f"pip install 'allsurv[{','.join(missing)}]'"
        )

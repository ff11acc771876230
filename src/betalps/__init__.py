"""Moment tensor potentials for solid electrolytes: an ASE calculator, dynamics, analyses and studies."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from betalps.calculators import MTP, evaluate

__version__ = "0.1.0"
__all__ = ["MTP", "__version__", "evaluate"]

_HOMES = {"MTP": "betalps.calculators", "evaluate": "betalps.calculators"}


def __getattr__(name: str) -> Any:
    """Import a public name where it is first used, so that `import betalps` stays fast (PEP 562)."""
    if name not in _HOMES:
        message = f"module 'betalps' has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

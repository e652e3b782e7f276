"""The shared kernel: what several services need, and nothing that knows a service.

Reading order: units, chains, rates, identity, bus, runtime.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"

"""One experiment: a configuration in, a result out."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "config": ["Config", "read_config"],
        "result": ["Provenance", "Result", "read_result"],
        "run": ["run_endpoints", "run_experiment"],
    },
)

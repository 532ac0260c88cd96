"""Files of patients: bytes in, a table of cells and a statement of how they were read out."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submod_attrs={
        "answers": ["FileAnswers"],
        "content": ["FileContent", "read_file"],
        "missing": ["MISSING_WORDS"],
    },
)

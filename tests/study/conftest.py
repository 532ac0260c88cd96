"""The example study of the documentation, as text, file and value."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from allsurv.study import Study, load_study


@pytest.fixture(scope="session")
def example(root: Path) -> str:
    """Text of the study file in docs/study-file.md."""
    page = (root / "docs" / "study-file.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    return text


@pytest.fixture
def load_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Study]:
    """Load a study from text, under the name my_study.yaml."""
    monkeypatch.chdir(tmp_path)

    def load(text: str) -> Study:
        Path("my_study.yaml").write_text(text, encoding="utf-8")
        return load_study("my_study.yaml")

    return load

"""Draft a study file and say what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from allsurv.drafting import Draft, draft_study
from allsurv.errors import ConfigError
from allsurv.files import FileAnswers
from allsurv.whole_file import whole_file

__all__ = ["init_command", "refuse_existing", "say_draft"]


def init_command(
    patients: Path, out: Path, asked: Mapping[str, str], answers: FileAnswers | None
) -> None:
    """Write the draft; a study file that is there is never replaced."""
    refuse_existing(out)
    draft = draft_study(patients, answers=answers, **asked)
    with whole_file(out) as part:
        part.write_text(draft.text, encoding="utf-8")
    say_draft(draft, out, patients)


def refuse_existing(out: Path) -> None:
    """Refuse to replace a file, and to write into a folder that is not there."""
    if out.exists():
        raise ConfigError(f"--out: {out} is there already; name another file.")
    if not out.parent.is_dir():
        raise ConfigError(f"--out: there is no folder '{out.parent}'; make it first.")


def say_draft(draft: Draft, out: Path, patients: Path) -> None:
    """Print what was decided and what comes next."""
    print(f"{out}: a draft. Nothing was sent anywhere.")
    for line in draft.decided:
        print(f"  {line}")
    if draft.n_questions:
        noun = "question" if draft.n_questions == 1 else "questions"
        print(f"  {draft.n_questions} {noun} to answer: look for '?' in {out.name}")
    print(f"Next: read {out.name}, correct it, then: allsurv check {patients} --study {out}")

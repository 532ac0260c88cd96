"""Import another system's files into a folder of a study file and a cohort."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from allsurv.cli.init import refuse_existing, say_draft
from allsurv.drafting import import_adam, import_redcap
from allsurv.drafting.cohort_file import Import
from allsurv.whole_file import whole_file

__all__ = ["adam_command", "redcap_command"]


def redcap_command(dictionary: Path, export: Path, out: Path, asked: Mapping[str, str]) -> None:
    """Import a REDCap project."""
    _write(import_redcap(dictionary, export, **asked), out)


def adam_command(adsl: Path, adtte: Path, out: Path, asked: Mapping[str, str]) -> None:
    """Import ADaM data sets."""
    _write(import_adam(adsl, adtte, **asked), out)


def _write(found: Import, out: Path) -> None:
    study, patients = out / "study.yaml", out / "patients.csv"
    out.mkdir(parents=True, exist_ok=True)
    refuse_existing(study)
    refuse_existing(patients)
    with whole_file(patients, private=True) as part:
        found.frame.to_csv(part, index=False)
    with whole_file(study) as part:
        part.write_text(found.draft.text, encoding="utf-8")
    say_draft(found.draft, study, patients)
    print(f"  {patients}: {len(found.frame):,} patients, {found.frame.shape[1]} columns")

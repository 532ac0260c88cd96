"""Reads an SPSS file in a process of its own: the reader of damaged files may crash its process.

Run as ``python spss.py FILE``, it writes the table to standard output, labels in its metadata.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["read_apart"]

_MOST_SECONDS = 600


def read_apart(path: Path) -> tuple[Any, dict[str, Any]]:
    """Give table and labels of an SPSS file; raises ValueError where it is damaged."""
    import pyarrow as pa

    done = subprocess.run(
        [sys.executable, __file__, str(path)],
        capture_output=True,
        timeout=_MOST_SECONDS,
        check=False,
    )
    if done.returncode:
        raise ValueError("the reader ended with an error")
    table = pa.ipc.open_file(done.stdout).read_all()
    return table.to_pandas(), json.loads(table.schema.metadata[b"labels"])


def write_to_standard_output(path: str) -> None:
    """Read an SPSS file and write it for the other process."""
    import pyarrow as pa
    import pyreadstat

    frame, meta = pyreadstat.read_sav(path)
    labels = {
        "columns": {name: label for name, label in meta.column_names_to_labels.items() if label},
        "values": {n: [*values.items()] for n, values in meta.variable_value_labels.items()},
    }
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({**table.schema.metadata, "labels": json.dumps(labels)})
    with pa.ipc.new_file(sys.stdout.buffer, table.schema) as writer:
        writer.write_table(table)


if __name__ == "__main__":
    write_to_standard_output(sys.argv[1])

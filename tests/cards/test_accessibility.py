"""axe-core finds nothing serious on the pages, light and dark, on a phone and on a screen."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from browser import dump, find_browser

CARRIERS = ("axe_playwright_python", "axe_core_python")
DARK = "--blink-settings=preferredColorScheme=0"
RUN = """<script>{axe}</script><script>
addEventListener("load", async () => {{
  document.querySelectorAll("details").forEach((details) => {{ details.open = true; }});
  const found = await axe.run(document, {{resultTypes: ["violations"]}});
  const kept = found.violations.map((v) => [v.impact, v.id, v.nodes.length, v.nodes[0].html]);
  const out = document.createElement("pre");
  out.id = "axe";
  out.textContent = JSON.stringify({{rules: found.passes.length, kept,
    dark: matchMedia("(prefers-color-scheme: dark)").matches, width: innerWidth,
    wide: document.documentElement.scrollWidth}});
  document.body.append(out);
}});
</script></body>"""


def axe_file() -> Path | None:
    """Find axe-core: named by AXE_CORE, or inside an installed package that carries it."""
    if "AXE_CORE" in os.environ:
        return Path(os.environ["AXE_CORE"])
    specs = [spec for spec in map(find_spec, CARRIERS) if spec and spec.origin]
    files = [Path(str(spec.origin)).with_name("axe.min.js") for spec in specs]
    return next((file for file in files if file.is_file()), None)


AXE = axe_file()
needs_both = pytest.mark.skipif(
    find_browser() is None or AXE is None,
    reason="needs Chromium, and axe-core (pip install axe-core-python, or AXE_CORE=axe.min.js)",
)


def run_axe(page: Path, place: Path, *, dark: bool, width: int) -> dict:
    text = page.read_text(encoding="utf-8")
    file = place / "page.html"
    head, tail = text.rsplit("</body>", 1)
    file.write_text(head + RUN.format(axe=AXE.read_text(encoding="utf-8")) + tail)
    document = dump(file, f"--window-size={width},900", *[DARK] * dark, budget=60_000)
    said = document.rsplit('<pre id="axe">', 1)[1].split("</pre>")[0]
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        said = said.replace(entity, character)
    return json.loads(said)


@needs_both
@pytest.mark.parametrize("name", ["card.html", "calculator.html"])
@pytest.mark.parametrize("dark", [False, True])
def test_no_serious_finding(small_folder, tmp_path, name, dark):
    found = run_axe(small_folder / name, tmp_path, dark=dark, width=390 if dark else 1200)
    assert found["dark"] is dark
    assert found["rules"] > 10
    assert [v for v in found["kept"] if v[0] in ("serious", "critical")] == []
    assert found["wide"] <= found["width"]


@needs_both
def test_a_serious_fault_would_be_found(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text("<!doctype html><html><body><img src='x.png'><input></body></html>")
    found = run_axe(page, tmp_path, dark=False, width=1200)
    assert {"image-alt", "label", "html-has-lang"} <= {v[1] for v in found["kept"]}

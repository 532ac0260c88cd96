"""The description of the service for people: one page, without scripts and without network."""

from __future__ import annotations

import json
from html import escape

from allsurv.dictionary.variable import Variable
from allsurv.scoring import RiskScorer

__all__ = ["describe_page"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color-scheme: light dark; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem;
  border-bottom: 1px solid #8886; vertical-align: top; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid #8886; } code { font-size: .9em; }
"""


def describe_page(scorer: RiskScorer) -> str:
    """Write the page: the model, its variables, a request, the answers."""
    model = scorer.risk_model
    rows = "".join(_row(variable) for variable in model.variables.values())
    record = model.example().to_dict("records")[0]
    yes_no = {v.name for v in model.variables.values() if v.is_yes_no}
    patient = {n: bool(v) if n in yes_no else v for n, v in record.items()}
    body = escape(json.dumps({"patients": [patient]}, indent=2))
    horizons = ", ".join(f"{time:g}" for time in model.horizons)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Risk service: {escape(model.endpoint_label)}</title>
<style>{_STYLE}</style></head><body><main>
<h1>Risk of: {escape(model.endpoint_label)}</h1>
<p><strong>Research use only.</strong> {escape(model.provenance["source"]["statement"])}
{escape(model.population.statement)}</p>
<h2>Score patients</h2>
<p><code>POST /score</code> with JSON. Survival is given at {horizons} {escape(model.time_unit)};
<code>"horizons": [..]</code> asks for other times, <code>"explain": true</code> for what each
variable adds.</p>
<pre>{body}</pre>
<h2>Variables</h2>
<table><thead><tr><th scope="col">Name</th><th scope="col">Meaning</th>
<th scope="col">Allowed</th><th scope="col">May be missing</th></tr></thead>
<tbody>{rows}</tbody></table>
<h2>Answers</h2>
<table><tbody>
<tr><th scope="row">200</th><td>One row per patient, in order.</td></tr>
<tr><th scope="row">400</th><td>The request is no JSON.</td></tr>
<tr><th scope="row">401</th><td>No valid token (<code>Authorization: Bearer ...</code>).</td></tr>
<tr><th scope="row">408, 413</th><td>The request came too slowly, or is too large.</td></tr>
<tr><th scope="row">422</th><td>Every fault at once: column, rule and row numbers; never a value.
</td></tr></tbody></table>
<p>For programs: <a href="openapi.json">openapi.json</a>, <a href="model">model</a>,
<a href="health">health</a>.</p>
</main></body></html>
"""


def _row(variable: Variable) -> str:
    cells = (
        variable.name,
        f"{variable.label}. {variable.description}".strip(),
        _allowed(variable),
        "yes" if variable.missing == "allowed" else "no",
    )
    first, *rest = (escape(str(cell)) for cell in cells)
    return (
        f'<tr><th scope="row"><code>{first}</code></th>'
        + "".join(f"<td>{cell}</td>" for cell in rest)
        + "</tr>"
    )


def _allowed(variable: Variable) -> str:
    if variable.is_yes_no:
        return "true, false"
    if variable.levels:
        return ", ".join(str(level) for level in variable.levels)
    low, high = variable.minimum, variable.maximum
    if low is not None and high is not None:
        return f"{low:g} to {high:g} {variable.unit}".strip()
    return f"a number {variable.unit}".strip()

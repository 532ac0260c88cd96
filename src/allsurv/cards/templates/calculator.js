// The calculator's form: reads it, refuses what the model does not know, draws the answer.
"use strict";

(async () => {
  const root = document.getElementById("calculator");
  const facts = JSON.parse(document.getElementById("calculator-data").textContent);
  const model = await Scorer.open(facts.packed);
  const form = root.querySelector("form"), out = root.querySelector("output");
  const percent = (p) => `${(100 * p).toFixed(0)}%`;
  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    return made;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = {}, faults = [];
    for (const variable of model.variables) {
      const field = form.elements[variable.name];
      const { value, fault } = Scorer.read(variable, field.value);
      field.setAttribute("aria-invalid", fault ? "true" : "false");
      if (fault) faults.push(fault);
      given[variable.name] = value ?? null;
    }
    out.replaceChildren(...(faults.length ? refused(faults) : answered(Scorer.score(model, given))));
  });
  form.addEventListener("reset", () => out.replaceChildren());

  function refused(faults) {
    const list = element("ul");
    faults.forEach((fault) => list.append(element("li", fault)));
    return [element("p", "Not calculated.", { class: "fault" }), list];
  }

  const level = model.instability ? `${(100 * model.instability.level).toFixed(0)}% ` : "";
  const instabilityHead = `${level}instability interval of the risk`;

  function answered(found) {
    const table = element("table"), head = element("tr"), body = element("tbody");
    table.append(element("caption", `${facts.endpoint}, from ${facts.origin}`));
    ["Time", "Survival", "Risk", instabilityHead]
      .forEach((text) => head.append(element("th", text, { scope: "col" })));
    for (const { time, survival, lower, upper } of found.horizons) {
      const row = element("tr");
      row.append(
        element("th", `${time} ${facts.unit}`, { scope: "row" }),
        element("td", percent(survival)),
        element("td", percent(1 - survival)),
        element("td", lower === null ? "Not evaluated" : `${percent(1 - upper)} to ${percent(1 - lower)}`),
      );
      body.append(row);
    }
    table.append(element("thead"), body);
    table.tHead.append(head);
    const where = model.development.risk_groups.length > 1
      ? `Risk group ${found.risk_group}; ` : "";
    const group = element("p", `${where}risk higher than in about ${found.risk_centile.toFixed(0)}% of the patients of development.`);
    return [table, group, curve(found.survival), ...published(found.patient)];
  }

  function curve(survival) {
    const last = model.grid[model.grid.length - 1], width = 640, height = 260;
    const x = (time) => 48 + (time / last) * (width - 60), y = (p) => 12 + (1 - p) * (height - 54);
    let path = `M${x(0)},${y(1)}`;
    survival.forEach((p, k) => { path += `H${x(model.grid[k]).toFixed(1)}V${y(p).toFixed(1)}`; });
    const space = "http://www.w3.org/2000/svg";
    const draw = (name, attributes, text) => {
      const made = document.createElementNS(space, name);
      Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
      if (text !== undefined) made.textContent = text;
      return made;
    };
    const said = facts.endpoint + " of this patient: " + model.time.horizons
      .map((time) => `${percent(survival[Math.floor(time / model.time.step + 1e-9)])} at ${time} ${facts.unit}`).join(", ");
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said });
    for (const p of [0, 0.25, 0.5, 0.75, 1]) {
      svg.append(draw("line", { x1: x(0), x2: x(last), y1: y(p), y2: y(p), class: "rule" }));
      svg.append(draw("text", { x: 42, y: y(p) + 4, "text-anchor": "end" }, percent(p)));
    }
    const step = [1, 2, 3, 6, 12, 24, 36, 60, 120, 365.25, 730.5].find((s) => last / s <= 10) ?? last;
    for (let time = 0; time <= last; time += step) {
      svg.append(draw("text", { x: x(time), y: height - 24, "text-anchor": "middle" }, `${+time.toFixed(0)}`));
    }
    svg.append(draw("text", { x: x(last / 2), y: height - 6, "text-anchor": "middle" }, facts.unit));
    svg.append(draw("path", { d: path, class: "curve" }));
    return svg;
  }

  function published(patient) {
    if (!facts.findings.length) return [];
    const list = element("ul");
    for (const finding of facts.findings) list.append(element("li", speaks(finding, patient[finding.variable] ?? null)));
    return [element("p", "Published effects for this patient", { class: "heading" }), list];
  }

  function speaks(finding, value) {
    const said = `${finding.label}: ${finding.text}. `;
    if (value === null) return said + "Not known for this patient.";
    if (finding.per !== null) {
      const times = finding.estimate ** ((value - finding.from) / finding.per);
      return said + `At ${value}, ${times.toFixed(2)} times the hazard at ${finding.from}, other things equal.`;
    }
    if (value === finding.to) return said + "Applies.";
    if (value === finding.from) return said + "Reference group.";
    return said + "This patient is on neither side.";
  }
})();

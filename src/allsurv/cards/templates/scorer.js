// Applies an exported risk model (risk_model.json and its arrays) to one patient, offline.
// Values of a patient: a number, true or false, a level, or null where unknown.
"use strict";

const Scorer = (() => {
  const READERS = { "<f8": Float64Array, "<i4": Int32Array };

  async function open(packed) {
    const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const buffer = await new Response(stream).arrayBuffer();
    const arrays = {};
    for (const [name, part] of Object.entries(packed.arrays)) {
      const size = part.shape.reduce((a, b) => a * b, 1);
      arrays[name] = new READERS[part.dtype](buffer, part.offset, size);
      arrays[name].columns = part.shape.length > 1 ? part.shape[1] : 1;
    }
    const model = { ...packed.model, arrays };
    const grid = model.time.n_steps;
    model.grid = Array.from({ length: grid }, (_, k) => k * model.time.step);
    if (model.mechanism === "forest") model.curves = leafCurves(arrays);
    return model;
  }

  // What a form holds becomes a value, or the reason why it cannot.
  function read(variable, text) {
    const said = String(text ?? "").trim();
    if (said === "") {
      if (variable.missing === "allowed") return { value: null };
      return { fault: `${variable.label}: a value is needed.` };
    }
    if (["binary", "marker"].includes(variable.kind)) {
      if (said === "yes" || said === "no") return { value: said === "yes" };
      return { fault: `${variable.label}: '${said}' is not yes or no.` };
    }
    if (variable.levels && variable.levels.length) {
      const level = variable.levels.find((known) => String(known) === said);
      if (level !== undefined) return { value: level };
      return { fault: `${variable.label}: '${said}' is not one of ${variable.levels.join(", ")}.` };
    }
    const number = Number(said.replace(",", "."));
    if (!Number.isFinite(number)) return { fault: `${variable.label}: '${said}' is not a number.` };
    const low = variable.minimum ?? -Infinity, high = variable.maximum ?? Infinity;
    if (number < low || number > high) {
      const unit = variable.unit ? ` ${variable.unit}` : "";
      return { fault: `${variable.label}: ${said} is outside ${low} to ${high}${unit}, the range this model was built for.` };
    }
    if (variable.kind === "integer" && !Number.isInteger(number)) {
      return { fault: `${variable.label}: ${said} is not a whole number.` };
    }
    return { value: number };
  }

  function matches(patient, filter) {
    return Object.entries(filter ?? {}).every(([name, wanted]) => {
      const found = patient[name] ?? null;
      return found !== null && [].concat(wanted).includes(found);
    });
  }

  function compared(holds) {
    return (p, rule) => {
      const found = p[rule.sources[0]] ?? null;
      return found === null ? null : holds(Number(found), rule.threshold);
    };
  }

  const DERIVE = {
    is_in: (p, rule) => {
      const found = p[rule.sources[0]] ?? null;
      return found === null ? null : rule.values.includes(found);
    },
    at_least: compared((value, threshold) => value >= threshold),
    above: compared((value, threshold) => value > threshold),
    below: compared((value, threshold) => value < threshold),
    known: (p, rule) => rule.sources.every((name) => (p[name] ?? null) !== null),
    any_of: (p, rule) => {
      if (rule.sources.some((name) => p[name] === true)) return true;
      return rule.sources.some((name) => (p[name] ?? null) === null) ? null : false;
    },
    recode: (p, rule) => first(entries(rule.levels, "level", "values"),
      (values) => matches(p, { [rule.sources[0]]: values })),
    cases: (p, rule) => first(entries(rule.cases, "level", "filter"), (filter) => matches(p, filter)),
    earliest: (p, rule) => {
      const known = rule.sources.map((name) => p[name] ?? null).filter((v) => v !== null);
      return known.length ? Math.min(...known) : null;
    },
  };

  function entries(pairs) {
    return Array.isArray(pairs) ? pairs.map((p) => Object.values(p)) : Object.entries(pairs ?? {});
  }

  function first(cases, holds) {
    const found = cases.find(([, condition]) => holds(condition));
    return found ? found[0] : null;
  }

  function derive(model, given) {
    const patient = { ...given };
    let waiting = model.derived.filter((v) => !(v.name in patient));
    let before;
    do {
      before = waiting.length;
      for (const variable of waiting) {
        const rule = variable.derivation;
        if (!rule.sources.every((name) => name in patient)) continue;
        let value = DERIVE[rule.op](patient, rule);
        if (value === null && (rule.missing_as ?? null) !== null) value = rule.missing_as;
        const asked = Object.keys(variable.only_if ?? {});
        const known = asked.length && asked.every((name) => (patient[name] ?? null) !== null);
        patient[variable.name] = known && !matches(patient, variable.only_if) ? null : value;
      }
      waiting = waiting.filter((v) => !(v.name in patient));
    } while (waiting.length && waiting.length < before);
    return patient;
  }

  function code(value, term) {
    if (value === null || value === undefined) return NaN;
    const levels = term.levels ?? [];
    return levels.length ? levels.indexOf(value) : Number(value);
  }

  function column(term, patient) {
    const value = code(patient[term.variable] ?? null, term);
    if (term.kind === "tested") return Number.isNaN(value) ? 0 : 1;
    if (term.kind === "positive") return value === 1 ? 1 : 0;
    let known = value;
    if (Number.isNaN(value)) {
      if ((term.fill ?? null) === null) throw new Error(`${term.variable}: a value is needed.`);
      known = code(term.fill, term);
    }
    if (term.kind === "score") return known;
    if (term.kind === "level") return known === code(term.level ?? null, term) ? 1 : 0;
    const scale = term.scale ?? 1, centre = term.centre ?? 0;
    const straight = term.transform === "log" ? Math.log(known) : known;
    return ((term.kind === "spline" ? curvedPart(straight, term.knots, term.part ?? 0) : straight) - centre) / scale;
  }

  function curvedPart(x, knots, part) {
    const [before, last] = knots.slice(-2), start = knots[part];
    const cube = [start, before, last].map((knot) => Math.max(x - knot, 0) ** 3);
    const curved = cube[0] - (cube[1] * (last - start) - cube[2] * (before - start)) / (last - before);
    return curved / (last - knots[0]) ** 2;
  }

  function designOf(model, patient) {
    const made = {};
    for (const term of model.terms) {
      made[term.name] = term.kind === "product"
        ? term.factors.reduce((product, name) => product * made[name], 1)
        : column(term, patient);
    }
    return model.terms.map((term) => made[term.name]);
  }

  function leaves(arrays, design) {
    const single = design.map(Math.fround);
    return Array.from(arrays.tree_root, (root) => {
      let node = root;
      while (arrays.tree_left[node] !== -1) {
        const goesLeft = single[arrays.tree_term[node]] <= arrays.tree_threshold[node];
        node = goesLeft ? arrays.tree_left[node] : arrays.tree_right[node];
      }
      return arrays.tree_leaf[node];
    });
  }

  function leafCurves(arrays) {
    const width = arrays.tree_value.columns, n = arrays.tree_value.length / width;
    const curves = new Float64Array(n * (width + 1));
    for (let leaf = 0; leaf < n; leaf++) {
      let at = 1, before = 0;
      curves[leaf * (width + 1)] = 1;
      for (let k = 0; k < width; k++) {
        const hazard = arrays.tree_value[leaf * width + k];
        at *= Math.min(1, Math.max(0, 1 - (hazard - before)));
        before = hazard;
        curves[leaf * (width + 1) + k + 1] = at;
      }
    }
    return curves;
  }

  const MECHANISMS = {
    linear: (model, design) => {
      const score = design.reduce((sum, x, j) => sum + x * model.arrays.coef[j], 0);
      return proportional(model, score);
    },
    boosted: (model, design) => {
      const { tree_value } = model.arrays;
      const score = leaves(model.arrays, design)
        .reduce((sum, leaf) => sum + tree_value[leaf * tree_value.columns], 0);
      return proportional(model, score);
    },
    forest: (model, design) => {
      const { tree_value, event_steps } = model.arrays, width = tree_value.columns;
      const chosen = leaves(model.arrays, design);
      let score = 0;
      for (const leaf of chosen) {
        for (let k = 0; k < width; k++) score += tree_value[leaf * width + k];
      }
      const survival = [];
      let passed = 0;
      for (let step = 0; step < model.grid.length; step++) {
        while (passed < event_steps.length && event_steps[passed] <= step) passed++;
        let sum = 0;
        for (const leaf of chosen) sum += model.curves[leaf * (width + 1) + passed];
        survival.push(sum / chosen.length);
      }
      return { score: score / chosen.length, survival };
    },
    constant: (model) => ({ score: 0, survival: Array.from(model.arrays.curve) }),
  };

  function proportional(model, score) {
    const ratio = Math.exp(score);
    return { score, survival: Array.from(model.arrays.hazard, (h) => Math.exp(-h * ratio)) };
  }

  function interpolate(x, xs, ys) {
    if (x < xs[0]) return ys[0];
    let low = 0;
    while (low + 1 < xs.length && xs[low + 1] <= x) low++;
    if (low + 1 === xs.length) return ys[low];
    return ys[low] + (x - xs[low]) * (ys[low + 1] - ys[low]) / (xs[low + 1] - xs[low]);
  }

  function centile(model, score) {
    const { risk_scores: scores, centiles } = model.development;
    const mirrored = (values) => values.map((v) => -v).reverse();
    const highest = interpolate(score, scores, centiles);
    const lowest = -interpolate(-score, mirrored(scores), mirrored(centiles));
    return (highest + lowest) / 2;
  }

  function group(model, score) {
    const { cuts, risk_groups } = model.development;
    return risk_groups[cuts.filter((cut) => score > cut).length];
  }

  // Between which limits most refits on other samples of the cohort lie, at a step of the grid.
  function instability(model, survival, step) {
    const band = model.instability;
    if (!band || step > band.steps[band.steps.length - 1]) return { lower: null, upper: null };
    const after = band.steps.findIndex((known) => known >= step), before = Math.max(after - 1, 0);
    const gap = Math.max(band.steps[after] - band.steps[before], 1);
    const share = after ? (step - band.steps[before]) / gap : 0;
    const distance = (table) =>
      (1 - share) * interpolate(survival, band.survival[before], table[before]) +
      share * interpolate(survival, band.survival[after], table[after]);
    return {
      lower: Math.max(0, survival - distance(band.below)),
      upper: Math.min(1, survival + distance(band.above)),
    };
  }

  // Risk score, centile and group, and survival on the whole grid and at the horizons.
  function score(model, given) {
    const patient = derive(model, given);
    const design = designOf(model, patient);
    const found = MECHANISMS[model.mechanism](model, design);
    const at = (time) => {
      const step = Math.floor(time / model.time.step + 1e-9), survival = found.survival[step];
      return { time, survival, ...instability(model, survival, step) };
    };
    return {
      risk_score: found.score,
      risk_centile: centile(model, found.score),
      risk_group: group(model, found.score),
      survival: found.survival,
      horizons: model.time.horizons.map(at),
      patient,
    };
  }

  return { open, read, score };
})();

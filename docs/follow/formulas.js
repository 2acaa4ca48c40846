// What is known of a unit or a weight in one step: formulas, and the same with the numbers put in.
// No page is needed for this file; the tests run it alone and compute every formula again.
//
// A place is {network, run, step, show}: `show` writes a number. What comes back is a list of parts:
//   {title}                               begins a section
//   {note}                                a sentence
//   {name, symbols, numbers, value}       name = symbols = numbers = value; `_` begins a subscript of one word
//   {rows: [{row, ...the same}]}          one such line for each row of the data

const CONSTANT = "1";

// Units -------------------------------------------------------------------------------------------------

/** x1, h2 or o1; the constant input of a layer, whose weight is the bias, is called 1. */
function unitName(network, layer, unit) {
  if (unit === network.sizes[layer]) return CONSTANT;
  const letter = layer === 0 ? "x" : layer === network.sizes.length - 1 ? "o" : "h";
  return `${letter}${unit + 1}`;
}

const recordOf = (place, ahead = 0) => place.run.records[place.step + ahead];
const layerOf = (place, layer, ahead = 0) => recordOf(place, ahead).layers[layer - 1];
const isBias = (place, layer, from) => from === place.network.sizes[layer - 1];

/** What a unit gives to the next layer. */
function outputOf(place, layer, unit, row) {
  if (unit === place.network.sizes[layer]) return 1;
  return layer === 0 ? place.network.inputs[row][unit] : layerOf(place, layer).a[row][unit];
}

/** The number of a weight, or of the bias that is drawn as the weight of a constant input. */
function ofWeight(place, layer, from, to, what, ahead = 0) {
  const now = layerOf(place, layer, ahead);
  const bias = isBias(place, layer, from);
  const pick = (pair) => (bias ? pair.biases[to] : pair.weights[from][to]);
  if (what === "weight") return pick(now);
  if (what === "gradient") return bias ? now.bias_gradient[to] : now.weight_gradient[from][to];
  return pick(now.memory[what]);
}

function weightSymbol(network, layer, from, to) {
  const target = unitName(network, layer, to);
  return from === network.sizes[layer - 1]
    ? `b_${target}`
    : `w_${unitName(network, layer - 1, from)}→${target}`;
}

const outputSymbol = (network, layer, unit) =>
  layer === 0 ? unitName(network, 0, unit) : `a_${unitName(network, layer, unit)}`;

/** A number inside a formula: in brackets where a minus would follow another sign. */
const put = (place, number) => (number < 0 ? `(${place.show(number)})` : place.show(number));

const line = (name, symbols, numbers, value) => ({ name, symbols, numbers, value });

const range = (count) => Array.from({ length: count }, (_, position) => position);

// Activations and losses --------------------------------------------------------------------------------

const ACTIVATIONS = {
  identity: { value: (z) => z, slope: () => "1", slopeOf: () => 1 },
  logistic: {
    value: (z) => `1/(1 + exp(−${z}))`,
    slope: (a) => `${a} × (1 − ${a})`,
    slopeOf: (a) => a * (1 - a),
  },
  tanh: { value: (z, bare) => `tanh(${bare})`, slope: (a) => `1 − ${a}²`, slopeOf: (a) => 1 - a * a },
};

const LOSSES = {
  squared_error: {
    one: (t, a) => `(${t} − ${a})²/2`,
    delta: (t, a, slope) => `(${a} − ${t}) × ${slope}`,
    why: "The derivative of (t − a)²/2 by a is a − t; the chain rule multiplies it by f′(z).",
  },
  log_loss: {
    one: (t, a) => `−(${t} × ln(${a}) + (1 − ${t}) × ln(1 − ${a}))`,
    delta: (t, a) => `${a} − ${t}`,
    why: "The derivative of the log loss by a, times f′(z) of the logistic function, leaves a − t alone.",
  },
};

// A unit ------------------------------------------------------------------------------------------------

function explainUnit(place, layer, unit, row) {
  const { network } = place;
  if (unit === network.sizes[layer]) {
    return [{ note: "A constant input of 1. Its weight to a unit is the unit's bias." }];
  }
  if (layer === 0) {
    return [
      { note: "An input: it is given, not computed." },
      line(unitName(network, 0, unit), `row ${row + 1} of the data`, null, network.inputs[row][unit]),
    ];
  }
  return [...forward(place, layer, unit, row), ...backward(place, layer, unit, row)];
}

function forward(place, layer, unit, row) {
  const { network, show } = place;
  const name = unitName(network, layer, unit);
  const activation = ACTIVATIONS[network.activations[layer - 1]];
  const now = layerOf(place, layer);
  const [z, a] = [now.z[row][unit], now.a[row][unit]];
  const inputs = range(network.sizes[layer - 1]);
  const terms = inputs.map(
    (from) => `${weightSymbol(network, layer, from, unit)} × ${outputSymbol(network, layer - 1, from)}`,
  );
  const numbers = inputs.map(
    (from) =>
      `${put(place, ofWeight(place, layer, from, unit, "weight"))} × ${put(place, outputOf(place, layer - 1, from, row))}`,
  );
  const slope = activation.slopeOf(a);
  const parts = [
    { title: "Forward" },
    line(
      `z_${name}`,
      [`b_${name}`, ...terms].join(" + "),
      [show(now.biases[unit]), ...numbers].join(" + "),
      z,
    ),
    line(
      `a_${name}`,
      activation.value(`z_${name}`, `z_${name}`),
      activation.value(put(place, z), show(z)),
      a,
    ),
    line(`f′(z_${name})`, activation.slope(`a_${name}`), activation.slope(put(place, a)), slope),
  ];
  return layer === network.sizes.length - 1 ? [...parts, ...loss(place, row)] : parts;
}

function loss(place, row) {
  const { network, show } = place;
  const outputs = network.sizes.length - 1;
  const { one } = LOSSES[network.loss];
  const now = recordOf(place);
  const units = range(network.sizes[outputs]);
  const symbols = units.map((unit) => {
    const name = unitName(network, outputs, unit);
    return one(`t_${name}`, `a_${name}`);
  });
  const numbers = units.map((unit) =>
    one(put(place, network.targets[row][unit]), put(place, outputOf(place, outputs, unit, row))),
  );
  const rows = now.row_losses;
  const parts = [
    { title: "Loss" },
    line(`E_${row + 1}`, symbols.join(" + "), numbers.join(" + "), rows[row]),
  ];
  if (rows.length === 1) return parts;
  const names = rows.map((_, position) => `E_${position + 1}`);
  const sum = (terms) => `(${terms.join(" + ")})/${rows.length}`;
  return [...parts, line("E", sum(names), sum(rows.map(show)), now.loss)];
}

function backward(place, layer, unit, row) {
  const { network } = place;
  const name = unitName(network, layer, unit);
  const now = layerOf(place, layer);
  const slope = put(place, ACTIVATIONS[network.activations[layer - 1]].slopeOf(now.a[row][unit]));
  const value = now.delta[row][unit];
  if (layer === network.sizes.length - 1) {
    const { delta, why } = LOSSES[network.loss];
    const target = put(place, network.targets[row][unit]);
    return [
      { title: "Backward" },
      { note: `δ is how the loss of this row changes with z. ${why}` },
      line(
        `δ_${name}`,
        delta(`t_${name}`, `a_${name}`, `f′(z_${name})`),
        delta(target, put(place, now.a[row][unit]), slope),
        value,
      ),
    ];
  }
  const next = range(network.sizes[layer + 1]);
  const symbols = next.map(
    (to) => `${weightSymbol(network, layer + 1, unit, to)} × δ_${unitName(network, layer + 1, to)}`,
  );
  const numbers = next.map(
    (to) =>
      `${put(place, ofWeight(place, layer + 1, unit, to, "weight"))} × ${put(place, layerOf(place, layer + 1).delta[row][to])}`,
  );
  return [
    { title: "Backward" },
    { note: "What the next layer's deltas make of this unit's output, times f′(z)." },
    line(
      `δ_${name}`,
      `(${symbols.join(" + ")}) × f′(z_${name})`,
      `(${numbers.join(" + ")}) × ${slope}`,
      value,
    ),
  ];
}

// A weight ----------------------------------------------------------------------------------------------

function explainWeight(place, layer, from, to) {
  return [...gradient(place, layer, from, to), ...update(place, layer, from, to)];
}

function gradient(place, layer, from, to) {
  const { network, show } = place;
  const [source, target] = [outputSymbol(network, layer - 1, from), `δ_${unitName(network, layer, to)}`];
  const bias = isBias(place, layer, from);
  const products = network.inputs.map((_, row) => {
    const [a, delta] = [outputOf(place, layer - 1, from, row), layerOf(place, layer).delta[row][to]];
    return {
      row: row + 1,
      ...line(`g_${row + 1}`, `${source} × ${target}`, `${put(place, a)} × ${put(place, delta)}`, a * delta),
    };
  });
  const sum = (terms) => (terms.length === 1 ? terms[0] : `(${terms.join(" + ")})/${terms.length}`);
  return [
    { title: "Gradient" },
    {
      note: bias
        ? "A bias is the weight of a constant 1, so each row contributes the delta of the unit."
        : "Each row contributes the output where the weight begins times the delta where it ends.",
    },
    { rows: products },
    line(
      "g",
      sum(products.map((product) => product.name)),
      sum(products.map((product) => put(place, product.value))),
      ofWeight(place, layer, from, to, "gradient"),
    ),
  ];
}

function update(place, layer, from, to) {
  const { change, parts } = optimizerStep(place, layer, from, to);
  const of = (ahead) => ofWeight(place, layer, from, to, "weight", ahead);
  const symbol = weightSymbol(place.network, layer, from, to);
  return [
    { title: "Step" },
    ...parts,
    line(`new ${symbol}`, `${symbol} + Δ`, `${put(place, of(0))} + ${put(place, change)}`, of(1)),
  ];
}

/** The change of a weight, and the parts that say how the optimizer comes to it. */
function optimizerStep(place, layer, from, to) {
  const of = (what, ahead) => ofWeight(place, layer, from, to, what, ahead);
  return place.run.optimizer.rule === "sgd" ? descent(place, of) : rprop(place, of);
}

function descent(place, of) {
  const rate = place.run.optimizer.learning_rate;
  const change = -rate * of("gradient");
  return {
    change,
    parts: [
      { note: "Gradient descent goes against the gradient; how far depends on its size." },
      line("Δ", "−learning rate × g", `−${place.show(rate)} × ${put(place, of("gradient"))}`, change),
    ],
  };
}

function rprop(place, of) {
  const { increase, decrease, min_step: least, max_step: most, rule } = place.run.optimizer;
  const { show } = place;
  const [g, before, size] = [of("gradient"), of("previous_gradient"), of("step_size")];
  const agreement = Math.sign(before) * Math.sign(g) + 0;
  const grown = of("step_size", 1);
  const parts = [
    { note: "Rprop looks only at the sign of the gradient. D is this weight's own step size." },
    line("s", "sign(g before) × sign(g)", `sign(${show(before)}) × sign(${show(g)})`, agreement),
  ];
  if (agreement > 0) {
    parts.push({ note: "The sign is that of the step before: the step size grows." });
    parts.push(
      line("new D", `min(D × ${increase}, ${most})`, `min(${show(size)} × ${increase}, ${most})`, grown),
    );
  } else if (agreement < 0) {
    parts.push({ note: "The sign has changed, so a minimum was passed: the step size shrinks." });
    parts.push(
      line(
        "new D",
        `max(D × ${decrease}, ${show(least)})`,
        `max(${show(size)} × ${decrease}, ${show(least)})`,
        grown,
      ),
    );
  } else {
    const first = place.step === 0;
    parts.push({
      note: first
        ? "There is no step before the first, so the step size stays."
        : "One of the two counts as 0, so the step size stays.",
    });
    parts.push(line("new D", "D", show(size), grown));
  }
  if (agreement >= 0) {
    const change = -Math.sign(g) * grown + 0;
    parts.push(line("Δ", "−sign(g) × new D", `−sign(${show(g)}) × ${show(grown)}`, change));
    return { change, parts };
  }
  return { change: afterASignChange(place, of, rule, parts), parts };
}

/** Where the sign changed, the variants differ. Adds what happens to `parts` and returns the change. */
function afterASignChange(place, of, rule, parts) {
  const forgotten = "The gradient is remembered as 0, so in the next step the step size stays.";
  if (rule === "irprop-") {
    parts.push({ note: `iRprop-: the weight stays where it is. ${forgotten}` });
    parts.push(line("Δ", "0", "0", 0));
    return 0;
  }
  const [now, before] = [recordOf(place).loss, recordOf(place, -1).loss];
  const rose = now > before;
  parts.push(line("loss rose", "E > E before", `${place.show(now)} > ${place.show(before)}`, rose));
  if (!rose) {
    parts.push({ note: `iRprop+: the loss did not rise, so the weight stays. ${forgotten}` });
    parts.push(line("Δ", "0", "0", 0));
    return 0;
  }
  const change = -of("change") + 0;
  parts.push({ note: `iRprop+: the loss rose, so the weight's last change is taken back. ${forgotten}` });
  parts.push(line("Δ", "−last Δ", `−${put(place, of("change"))}`, change));
  return change;
}

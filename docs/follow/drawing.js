// The network as a drawing whose units and weights can be chosen, and the curve of the loss.

const SVG = "http://www.w3.org/2000/svg";
const COLUMN = 136;
const ROW = 70;
const RADIUS = 21;
const MARGIN = 34;

/** What the units and the weights show in each phase, and what it is called. */
const PHASES = {
  forward: { unit: "a", weight: "w" },
  backward: { unit: "δ", weight: "w" },
  gradient: { unit: "δ", weight: "g" },
  step: { unit: null, weight: "Δ" },
};

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Draw the network anew. Returns the parts that can be chosen, in the order of the arrow keys. */
function drawNetwork(svg, network) {
  const last = network.sizes.length - 1;
  const count = (layer) => network.sizes[layer] + (layer < last ? 1 : 0); // the constant 1 counts
  const height = Math.max(...network.sizes.map((_, layer) => count(layer))) * ROW;
  const x = (layer) => MARGIN + layer * COLUMN;
  const y = (layer, unit) => (height - count(layer) * ROW) / 2 + (unit + 0.45) * ROW;
  svg.setAttribute("viewBox", `0 0 ${2 * MARGIN + last * COLUMN} ${height}`);

  const parts = [];
  const lines = element("g");
  const labels = element("g", { class: "labels", "aria-hidden": "true" });
  const circles = element("g");
  for (let layer = 0; layer <= last; layer += 1) {
    for (let unit = 0; unit < count(layer); unit += 1) {
      parts.push(drawUnit(circles, network, layer, unit, x(layer), y(layer, unit)));
      if (layer === 0 || unit === network.sizes[layer]) continue;
      for (let from = 0; from <= network.sizes[layer - 1]; from += 1) {
        const ends = [x(layer - 1), y(layer - 1, from), x(layer), y(layer, unit)];
        parts.push(drawWeight(lines, labels, network, layer, from, unit, ends));
      }
    }
  }
  svg.replaceChildren(lines, circles, labels);
  return parts;
}

function drawUnit(into, network, layer, unit, x, y) {
  const number = element("text", { x, y: y + 4 });
  const name = element("text", { class: "name", x, y: y + RADIUS + 13 });
  name.textContent = unit === network.sizes[layer] ? "" : unitName(network, layer, unit);
  const node = element(
    "g",
    { class: unit === network.sizes[layer] ? "unit constant" : "unit", role: "button" },
    element("circle", { cx: x, cy: y, r: RADIUS }),
    number,
    name,
  );
  into.append(node);
  return { kind: "unit", layer, unit, node, number };
}

function drawWeight(into, labels, network, layer, from, to, [x1, y1, x2, y2]) {
  const place = { x1, y1, x2, y2 };
  const stroke = element("line", place);
  const node = element(
    "g",
    { class: "weight", role: "button" },
    element("line", { ...place, class: "reach" }),
    stroke,
  );
  const number = element("text");
  into.append(node);
  labels.append(number);
  return { kind: "weight", layer, from, to, node, stroke, number, ends: [x1, y1, x2, y2] };
}

/** Write the numbers of a phase into the drawing, and mark what is chosen. */
function paint(parts, place, phase, row, chosen) {
  const shown = PHASES[phase];
  const weights = parts.filter((part) => part.kind === "weight");
  const values = weights.map((part) => weightValue(place, part, shown.weight));
  const largest = Math.max(...values.map(Math.abs)) || 1;
  weights.forEach((part, position) => {
    const value = values[position];
    const share = Math.abs(value) / largest;
    part.stroke.setAttribute("class", value > 0 ? "positive" : value < 0 ? "negative" : "zero");
    part.stroke.setAttribute("stroke-width", 0.8 + 4.2 * share);
    writeBeside(part, chosen, place.show(value));
    const symbol = weightSymbol(place.network, part.layer, part.from, part.to).replace("_", " ");
    label(part, `weight ${symbol}: ${shown.weight} = ${place.show(value)}`, chosen);
  });
  for (const part of parts.filter(({ kind }) => kind === "unit")) {
    const value = unitValue(place, part, shown.unit, row);
    part.number.textContent = value === null ? "" : place.show(value);
    const name = unitName(place.network, part.layer, part.unit);
    label(part, value === null ? `unit ${name}` : `unit ${name}: ${place.show(value)}`, chosen);
  }
}

function label(part, words, chosen) {
  part.node.setAttribute("aria-label", words);
  part.node.setAttribute("aria-pressed", part === chosen);
  part.node.setAttribute("tabindex", part === chosen ? 0 : -1);
  part.node.classList.toggle("chosen", part === chosen);
}

function unitValue(place, { layer, unit }, what, row) {
  if (unit === place.network.sizes[layer]) return 1;
  if (what === "a") return outputOf(place, layer, unit, row);
  return what === "δ" && layer > 0 ? layerOf(place, layer).delta[row][unit] : null;
}

function weightValue(place, { layer, from, to }, what) {
  if (what === "Δ") return optimizerStep(place, layer, from, to).change;
  return ofWeight(place, layer, from, to, what === "g" ? "gradient" : "weight");
}

/** The numbers of the chosen weight, or of the weights of the chosen unit, stand beside their lines. */
function writeBeside(part, chosen, text) {
  const into = chosen.kind === "unit" && chosen.layer === part.layer && chosen.unit === part.to;
  const out = chosen.kind === "unit" && chosen.layer === part.layer - 1 && chosen.unit === part.from;
  const beside = part === chosen || into || out;
  const [x1, y1, x2, y2] = part.ends;
  const along = part === chosen ? 0.5 : into ? 0.36 : 0.64; // far from the chosen unit, where lines part
  part.number.setAttribute("x", x1 + along * (x2 - x1));
  part.number.setAttribute("y", y1 + along * (y2 - y1) + 4);
  part.number.textContent = beside ? text : "";
}

/** Draw the loss of every step, and where this step is. */
function drawCurve(svg, records, step) {
  const [width, height, edge] = [340, 64, 6];
  const losses = records.slice(0, -1).map((record) => record.loss);
  const most = Math.max(...losses);
  const x = (position) => edge + (position / (losses.length - 1)) * (width - 2 * edge);
  const y = (loss) => edge + (1 - loss / most) * (height - 2 * edge);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(
    element("polyline", { points: losses.map((loss, position) => `${x(position)},${y(loss)}`).join(" ") }),
    element("circle", { cx: x(step), cy: y(losses[step]), r: 5 }),
  );
}

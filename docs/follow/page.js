// What the reader has chosen, and the page that shows it.

const NETWORKS = JSON.parse(document.getElementById("follow-networks").textContent);
const root = document.getElementById("follow");
const find = (selector) => root.querySelector(selector);
const ORDER = Object.keys(PHASES);
const PAUSE = 700; // milliseconds between the steps of "Play"

const state = { network: 0, run: 0, step: 0, row: 0, phase: "forward", digits: 4, playing: null };
let parts = []; // what can be chosen in the drawing
let chosen = null; // one of them
let hovered = null; // what the mouse shows for a moment

// Numbers and places ------------------------------------------------------------------------------------

function shown(number, digits) {
  const text = digits > 16 ? String(number) : String(Number(number.toPrecision(digits)));
  return text.replaceAll("-", "−");
}

function place(digits) {
  const network = NETWORKS[state.network];
  return { network, run: network.runs[state.run], step: state.step, show: (number) => shown(number, digits) };
}

const lastStep = () => place(4).run.records.length - 2; // the last record is what the last step left

// HTML --------------------------------------------------------------------------------------------------

function html(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Text in which `_` begins a subscript. */
function formula(text) {
  return text.split(/(_[\w→]+)/).map((piece) =>
    piece.startsWith("_") ? html("sub", {}, piece.slice(1)) : piece,
  );
}

function valueText(value, show) {
  return typeof value === "boolean" ? (value ? "yes" : "no") : show(value);
}

function asHtml(part, show) {
  if (part.title) return html("h3", {}, part.title);
  if (part.note) return html("p", {}, part.note);
  if (part.rows) return rowsAsTable(part.rows, show);
  return html(
    "div",
    { className: "line" },
    html("span", {}, ...formula(`${part.name} = ${part.symbols}`)),
    ...(part.numbers === null ? [] : [html("span", {}, `= ${part.numbers}`)]),
    html("strong", {}, `= ${valueText(part.value, show)}`),
  );
}

function rowsAsTable(rows, show) {
  const head = html("tr", {}, html("th", {}, "row"), html("th", {}, ...formula(rows[0].symbols)), html("th", {}, "g of the row"));
  const body = rows.map((one) =>
    html(
      "tr",
      { className: one.row === state.row + 1 ? "followed" : "" },
      html("td", {}, String(one.row)),
      html("td", {}, one.numbers),
      html("td", {}, show(one.value)),
    ),
  );
  return html("div", { className: "scroll" }, html("table", {}, head, ...body));
}

// What is shown -----------------------------------------------------------------------------------------

function show() {
  const here = place(state.digits);
  const record = recordOf(here);
  const about = hovered ?? chosen;
  paint(parts, place(3), state.phase, state.row, chosen);
  drawCurve(find(".curve"), here.run.records, state.step);
  find("input[type=range]").value = state.step;
  find("input[type=range]").max = lastStep();
  find(`input[value=${state.phase}]`).checked = true;
  find("[data-go=back]").disabled = state.step === 0 && state.phase === ORDER[0];
  find("[data-go=next]").disabled = state.step === lastStep() && state.phase === ORDER.at(-1);
  find(".status").textContent = `Step ${state.step + 1} of ${lastStep() + 1}, loss ${here.show(record.loss)}`;
  find(".about").textContent = here.network.about;
  find(".told").replaceChildren(...tell(here, about));
  find(".rows").replaceChildren(...dataRows(here, record));
}

function tell(here, { kind, layer, unit, from, to }) {
  const { network } = here;
  const [title, found] =
    kind === "unit"
      ? [
          `Unit ${unitName(network, layer, unit)}${layer > 0 ? `, row ${state.row + 1}` : ""}`,
          explainUnit(here, layer, unit, state.row),
        ]
      : [
          `${isBias(here, layer, from) ? "Bias" : "Weight"} ${weightSymbol(network, layer, from, to)} = ` +
            here.show(ofWeight(here, layer, from, to, "weight")),
          explainWeight(here, layer, from, to),
        ];
  return [html("h2", {}, ...formula(title)), ...found.map((part) => asHtml(part, here.show))];
}

function dataRows(here, record) {
  const { network } = here;
  const outputs = network.sizes.length - 1;
  const names = (layer, letter) =>
    range(network.sizes[layer]).map((unit) => `${letter}${unitName(network, layer, unit)}`);
  const titles = ["row", ...names(0, ""), ...names(outputs, "t_"), ...names(outputs, "a_"), "loss"];
  const head = html("tr", {}, ...titles.map((title) => html("th", { scope: "col" }, ...formula(title))));
  const body = network.inputs.map((inputs, row) => {
    const pick = html("input", { type: "radio", name: "row", value: row, checked: row === state.row });
    pick.addEventListener("change", () => {
      change({ row });
      find(`input[name=row][value="${row}"]`).focus();
    });
    const values = [...inputs, ...network.targets[row], ...record.layers.at(-1).a[row], record.row_losses[row]];
    return html(
      "tr",
      { className: row === state.row ? "followed" : "" },
      html("th", { scope: "row" }, html("label", {}, pick, ` ${row + 1}`)),
      ...values.map((value) => html("td", {}, here.show(value))),
    );
  });
  return [html("caption", {}, "The data: choose the row to follow"), head, ...body];
}

// What the reader does ----------------------------------------------------------------------------------

function change(news) {
  Object.assign(state, news);
  show();
}

/** One phase on or back; after the last phase comes the next step. */
function move(by) {
  const at = state.step * ORDER.length + ORDER.indexOf(state.phase) + by;
  if (at < 0 || at >= (lastStep() + 1) * ORDER.length) return;
  const phase = ORDER[at % ORDER.length];
  suitChoice(phase);
  change({ step: Math.floor(at / ORDER.length), phase });
}

/** Deltas belong to units, gradients and changes to weights: choose one of the kind that the phase is about. */
function suitChoice(phase) {
  const kind = phase === "gradient" || phase === "step" ? "weight" : "unit";
  if (chosen.kind === kind) return;
  const [layer, unit] = chosen.kind === "unit" ? [Math.max(chosen.layer, 1), chosen.unit] : [chosen.layer, chosen.to];
  chosen =
    parts.find((part) => part.kind === kind && part.layer === layer && (part.unit ?? part.to) === unit) ??
    parts.find((part) => part.kind === kind && part.layer === layer);
}

function choose(part, focus) {
  chosen = part;
  hovered = null;
  show();
  if (focus) part.node.focus();
}

function setNetwork(network) {
  stop();
  Object.assign(state, { network, run: 0, step: 0, row: 0 });
  find("[data-choice=run]").replaceChildren(...options(NETWORKS[network].runs));
  parts = drawNetwork(find(".net"), NETWORKS[network]);
  for (const part of parts) {
    part.node.addEventListener("click", () => choose(part, true));
    part.node.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") preview(part);
    });
    part.node.addEventListener("pointerleave", () => preview(null));
  }
  chosen = parts.find((part) => part.kind === "unit" && part.layer === 1);
  hovered = null;
  show();
}

function preview(part) {
  if (hovered === part) return;
  hovered = part;
  find(".told").replaceChildren(...tell(place(state.digits), hovered ?? chosen));
}

function play() {
  if (state.playing) return stop();
  if (state.step === lastStep()) change({ step: 0 });
  state.playing = setInterval(() => {
    change({ step: state.step + 1 });
    if (state.step === lastStep()) stop();
  }, PAUSE);
  find("[data-go=play]").setAttribute("aria-pressed", "true");
  find("[data-go=play]").textContent = "Pause";
}

function stop() {
  clearInterval(state.playing);
  state.playing = null;
  find("[data-go=play]").setAttribute("aria-pressed", "false");
  find("[data-go=play]").textContent = "Play";
}

const options = (items) => items.map((item, position) => html("option", { value: position }, item.title));

function onKey(event) {
  if (event.target.matches("input, select") || event.altKey || event.ctrlKey || event.metaKey) return;
  const inDrawing = event.target.closest(".net") !== null;
  const around = (by) => parts[(parts.indexOf(chosen) + by + parts.length) % parts.length];
  const actions = {
    ArrowRight: () => move(1),
    ArrowLeft: () => move(-1),
    Home: () => change({ step: 0 }),
    End: () => change({ step: lastStep() }),
    ...(inDrawing && {
      ArrowDown: () => choose(around(1), true),
      ArrowUp: () => choose(around(-1), true),
    }),
  };
  if (!(event.key in actions)) return;
  event.preventDefault();
  actions[event.key]();
  if (inDrawing) chosen.node.focus(); // the phase may have chosen another one
}

find("[data-choice=network]").replaceChildren(...options(NETWORKS));
find("[data-choice=network]").addEventListener("change", (event) => setNetwork(Number(event.target.value)));
find("[data-choice=run]").addEventListener("change", (event) => {
  stop();
  change({ run: Number(event.target.value), step: 0 });
});
find("[data-choice=digits]").addEventListener("change", (event) => change({ digits: Number(event.target.value) }));
find("input[type=range]").addEventListener("input", (event) => change({ step: Number(event.target.value) }));
find("[data-go=back]").addEventListener("click", () => move(-1));
find("[data-go=next]").addEventListener("click", () => move(1));
find("[data-go=play]").addEventListener("click", play);
for (const radio of root.querySelectorAll("input[name=phase]")) {
  radio.addEventListener("change", () => {
    suitChoice(radio.value);
    change({ phase: radio.value });
  });
}
root.addEventListener("keydown", onKey);
setNetwork(0);

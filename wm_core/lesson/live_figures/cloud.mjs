// A cloud of latents pulled by a loss alone: SIGReg with one of three statistics, two moments, or entropy, with either sign; and one
// slice of it, seen through.
//
// Settings: observed (numbers of one observation), observations: what the networks see, flat; knots, t_max: of the test.
// Networks: naive and sigreg, each observation [n, observed] -> z [n, dim]: two of the lesson's encoders.
import { button, canvas, choice, clock, colours, element, onTheme, openNetworks, reading, row, say } from "./kit.mjs";

const POINTS = 256;
const REACH = 3.6; // how far the picture of the cloud reaches from its middle
const LOSSES = {
  sigreg: "SIGReg, Epps-Pulley", cramer: "SIGReg, Cramér-von Mises", anderson: "SIGReg, Anderson-Darling", moments: "mean and covariance",
  entropy: "entropy",
};
const STARTS = {
  point: "almost one point", line: "a line", ring: "a ring", clumps: "two clumps", corners: "four corners", normal: "standard normal",
  outlier: "normal, one far out", naive: "naive encoder", sigreg: "SIGReg encoder",
};
const PACE = { sigreg: 0.3, cramer: 1.5, anderson: 0.15, moments: 0.1, entropy: 0.1 }; // length of a step along the slope

// ---- the losses, as wm_core.objectives.sigreg has them; each gives its value and its slope by every number --------------
function rule(knots, most) { // the trapezoid rule on [0, most], doubled, against exp(-t²/2)
  const step = most / (knots - 1), t = Array.from({ length: knots }, (_, k) => k * step), phi = t.map((s) => Math.exp((-s * s) / 2));
  return { step, t, phi, weight: phi.map((p, k) => (k === 0 || k === knots - 1 ? 1 : 2) * step * p) };
}

function waves(x, { step, t }) { // cos and sin of t·x for every sample and knot, by turning again and again
  const cos = new Float64Array(x.length * t.length), sin = new Float64Array(x.length * t.length);
  const real = new Float64Array(t.length), imaginary = new Float64Array(t.length);
  for (let i = 0, at = 0; i < x.length; i++) {
    const c1 = Math.cos(step * x[i]), s1 = Math.sin(step * x[i]);
    for (let k = 0, c = 1, s = 0; k < t.length; k++, at++) {
      cos[at] = c;
      sin[at] = s;
      real[k] += c / x.length;
      imaginary[k] += s / x.length;
      const before = c;
      c = c * c1 - s * s1;
      s = s * c1 + before * s1;
    }
  }
  return { cos, sin, real, imaginary };
}

function eppsPulley(x, quadrature) {
  const { t, phi, weight } = quadrature, { cos, sin, real, imaginary } = waves(x, quadrature);
  let value = 0;
  t.forEach((_, k) => (value += x.length * weight[k] * ((real[k] - phi[k]) ** 2 + imaginary[k] ** 2)));
  const slope = new Float64Array(x.length);
  for (let i = 0, at = 0; i < x.length; i++)
    for (let k = 0; k < t.length; k++, at++)
      slope[i] += 2 * weight[k] * t[k] * ((phi[k] - real[k]) * sin[at] + imaginary[k] * cos[at]);
  return { value, slope };
}

// The two tests that sort: N ∫ (F̂ - F)² dF, and the same over F (1 - F), which counts the tails more.
function ranked(x) {
  const order = Array.from(x.keys()).sort((i, j) => x[i] - x[j]);
  return order.map((i, rank) => ({ i, rank, below: Math.max(ndtr(x[i]), 1e-300), above: Math.max(ndtr(-x[i]), 1e-300), density: bell(x[i]) }));
}

function cramerVonMises(x) {
  let value = 1 / (12 * x.length);
  const slope = new Float64Array(x.length);
  for (const { i, rank, below, density } of ranked(x)) {
    const gap = below - (rank + 0.5) / x.length;
    value += gap ** 2;
    slope[i] = 2 * gap * density;
  }
  return { value, slope };
}

function andersonDarling(x) {
  let value = -x.length;
  const slope = new Float64Array(x.length);
  for (const { i, rank, below, above, density } of ranked(x)) {
    const low = 2 * rank + 1, high = 2 * x.length - low;
    value -= (low * Math.log(below) + high * Math.log(above)) / x.length;
    slope[i] = ((high * density) / above - (low * density) / below) / x.length;
  }
  return { value, slope };
}

const bell = (v) => Math.exp((-v * v) / 2) / Math.sqrt(2 * Math.PI);

function ndtr(v) { // the standard normal's distribution function: its series near 0, its continued fraction far out
  const a = Math.abs(v);
  if (a < 3) {
    let term = v, sum = v;
    for (let k = 1; Math.abs(term) > 1e-17; k++) sum += term *= (v * v) / (2 * k + 1);
    return 0.5 + bell(v) * sum;
  }
  let fraction = a;
  for (let k = 40; k > 0; k--) fraction = a + k / fraction;
  return v > 0 ? 1 - bell(a) / fraction : bell(a) / fraction;
}

function moments(x) {
  const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
  const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
  return {
    value: x.length * (mean ** 2 + (variance - 1) ** 2 / 2),
    slope: Float64Array.from(x, (v) => 2 * mean + 2 * (variance - 1) * (v - mean)),
  };
}

const shadow = (z, dim, along) =>
  Float64Array.from({ length: z.length / dim }, (_, i) => along.reduce((sum, a, d) => sum + a * z[i * dim + d], 0));

// The mean of a statistic over the shadows of the cloud z (flat, dim numbers a sample) along unit vectors.
function sliced(statistic, z, dim, lines) {
  let value = 0;
  const slope = new Float64Array(z.length);
  for (const along of lines) {
    const one = statistic(shadow(z, dim, along));
    value += one.value / lines.length;
    one.slope.forEach((s, i) => along.forEach((a, d) => (slope[i * dim + d] += (s * a) / lines.length)));
  }
  return { value, slope };
}

// N times the entropy of a Gaussian with the cloud's covariance; eps as in the library.
function entropy(z, dim, eps = 1e-6) {
  const n = z.length / dim, { mean, spread } = summary(z, dim);
  const { inverse, logdet, least } = invert(spread.map((line, i) => line.map((v, j) => v + (i === j ? eps : 0))));
  const slope = new Float64Array(z.length);
  for (let i = 0; i < n; i++)
    for (let d = 0; d < dim; d++)
      for (let e = 0; e < dim; e++) slope[i * dim + d] += (n / (n - 1)) * inverse[d][e] * (z[i * dim + e] - mean[e]);
  return { value: (n * (dim * Math.log(2 * Math.PI * Math.E) + logdet)) / 2, slope, least };
}

function summary(z, dim) {
  const n = z.length / dim, mean = new Array(dim).fill(0);
  z.forEach((v, at) => (mean[at % dim] += v / n));
  const spread = mean.map(() => new Array(dim).fill(0));
  for (let i = 0; i < n; i++)
    for (let d = 0; d < dim; d++)
      for (let e = 0; e < dim; e++) spread[d][e] += ((z[i * dim + d] - mean[d]) * (z[i * dim + e] - mean[e])) / (n - 1);
  return { mean, spread };
}

function invert(matrix) { // Gauss and Jordan's way; the pivots of a covariance are positive
  const size = matrix.length, rows = matrix.map((line, i) => [...line, ...line.map((_, j) => (i === j ? 1 : 0))]);
  let logdet = 0;
  for (let p = 0; p < size; p++) {
    const pivot = rows[p][p];
    logdet += Math.log(pivot);
    rows[p] = rows[p].map((v) => v / pivot);
    for (let r = 0; r < size; r++) if (r !== p) rows[r] = rows[r].map((v, c) => v - rows[r][p] * rows[p][c]);
  }
  const inverse = rows.map((line) => line.slice(size));
  return { inverse, logdet, least: 1 / Math.hypot(...inverse.flat()) }; // least: at most the least eigenvalue
}

// ---- clouds ----------------------------------------------------------------------------------------------------------
function dice(seed) { // mulberry32, so that a start is the same every time
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const normal = (die) => Math.sqrt(-2 * Math.log(1 - die())) * Math.cos(2 * Math.PI * die());

function scatter(start) {
  const die = dice(7), g = () => normal(die), sign = () => (die() < 0.5 ? -1 : 1);
  const one = {
    point: () => [0.6 + 0.02 * g(), 0.3 + 0.02 * g()],
    line: () => { const s = 1.3 * g(); return [s, 0.5 * s + 0.03 * g()]; },
    ring: (i) => { const a = (2 * Math.PI * i) / POINTS; return [1.9 * Math.cos(a) + 0.03 * g(), 1.9 * Math.sin(a) + 0.03 * g()]; },
    clumps: () => { const s = sign(); return [1.3 * s + 0.15 * g(), 0.7 * s + 0.15 * g()]; },
    corners: () => [sign() + 0.04 * g(), sign() + 0.04 * g()],
    normal: () => [g(), g()],
    outlier: (i) => (i ? [g(), g()] : [3.2, -3.2]),
  }[start];
  return Float64Array.from(Array.from({ length: POINTS }, (_, i) => one(i)).flat());
}

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const quadrature = rule(model.get("knots"), model.get("t_max"));
  const observations = Float32Array.from(model.get("observations")), observed = model.get("observed");
  const tests = { sigreg: (x) => eppsPulley(x, quadrature), cramer: cramerVonMises, anderson: andersonDarling, moments };

  let z, dim, first, steps, loss = "sigreg", sign = 1, slices = 16, start = "point", turn = 20, going = false, read;
  let die = dice(1), busy = Promise.resolve();

  async function begin() {
    if (start in nets) {
      const n = observations.length / observed;
      z = Float64Array.from((await nets[start]({ observation: [[n, observed], observations] })).z);
      dim = z.length / n;
    } else [z, dim] = [scatter(start), 2];
    die = dice(1);
    first = undefined;
    steps = 0;
    measure();
    first = read.value;
    paint();
  }
  const unit = (numbers) => { const size = Math.hypot(...numbers); return numbers.map((v) => v / size); };
  const lines = (count, draw) => Array.from({ length: count }, () => unit(Array.from({ length: dim }, () => normal(draw))));
  const shown = () => { const a = (turn * Math.PI) / 180; return [Math.cos(a), Math.sin(a), ...new Array(dim - 2).fill(0)]; };
  const evaluate = (along) => (loss === "entropy" ? entropy(z, dim) : sliced(tests[loss], z, dim, along));

  function step() { // lines are new at every step
    // A step of entropy shortens where the cloud is thin, or it would overshoot; its floor is higher than the library's, or the
    // thinnest direction would hold up the others.
    const { slope, least } = loss === "entropy" ? entropy(z, dim, 0.01) : evaluate(lines(slices, die));
    const pace = sign * (loss === "entropy" ? Math.min(PACE.entropy, 0.15 * least) : PACE[loss]);
    slope.forEach((s, at) => (z[at] = Math.max(-1e4, Math.min(1e4, z[at] - pace * s))));
    steps += 1;
  }
  function measure() { // along lines that stay, so that the number moves only when the cloud does
    const { spread } = summary(z, dim), deviations = spread.map((line, d) => Math.sqrt(line[d]));
    const x = shadow(z, dim, shown());
    read = {
      value: loss === "entropy" ? evaluate().value / (z.length / dim) : evaluate(lines(64, dice(3))).value,
      slice: eppsPulley(x, quadrature).value, x, ...waves(x, quadrature), least: Math.min(...deviations), most: Math.max(...deviations),
    };
  }

  // ---- pictures ------------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const box = element("div", { style: "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15rem),1fr));gap:.8rem" });
  const left = element("div"), right = element("div", { style: "display:grid;gap:.4rem;align-content:space-between" });
  box.append(left, right);
  el.append(box);

  const cloud = canvas(left, {
    label: "The cloud of latents, and the line on which it casts the shadow shown beside it. Drag, or press left and right, to turn the line; press up for a step, down to start again.",
    height: (width) => width, drag: true, style: "cursor:grab;border-radius:8px;",
    draw(ctx, side) {
      const X = (v) => side / 2 + (v / REACH) * (side / 2), Y = (v) => side / 2 - (v / REACH) * (side / 2);
      ctx.strokeStyle = colour.muted;
      ctx.lineWidth = 1.2;
      ctx.setLineDash([4, 4]);
      for (const radius of [1, 2]) {
        ctx.beginPath();
        ctx.arc(X(0), Y(0), (radius / REACH) * (side / 2), 0, 2 * Math.PI);
        ctx.stroke();
      }
      ctx.setLineDash([]);
      const [a, b] = shown();
      ctx.strokeStyle = colour.ink;
      ctx.lineWidth = 1.6;
      ctx.beginPath();
      ctx.moveTo(X(-REACH * a), Y(-REACH * b));
      ctx.lineTo(X(REACH * a), Y(REACH * b));
      ctx.stroke();
      ctx.fillStyle = colour.imagined;
      ctx.globalAlpha = 0.75;
      let lost = 0;
      for (let at = 0; at < z.length; at += dim) {
        if (Math.max(Math.abs(z[at]), Math.abs(z[at + 1])) > REACH) lost += 1;
        ctx.beginPath();
        ctx.arc(X(z[at]), Y(z[at + 1]), 2.4, 0, 2 * Math.PI);
        ctx.fill();
      }
      ctx.globalAlpha = 1;
      say(ctx, dim > 2 ? `latents 1 and 2 of ${dim}` : "latents", 6, 14, colour.ink, colour.paper);
      if (lost) say(ctx, `${lost} outside the picture`, 6, side - 8, colour.ink, colour.paper);
    },
  });
  const frame = (ctx, width, height, words) => {
    ctx.strokeStyle = colour.grid;
    ctx.lineWidth = 1;
    ctx.strokeRect(0.5, 18.5, width - 1, height - 36);
    say(ctx, words, 1, 12, colour.ink, colour.paper);
  };
  const heightOf = (width) => Math.max(130, Math.min(0.5 * width, (cloud.element.clientWidth || width) / 2));
  const histogram = canvas(right, {
    label: "Histogram of the cloud's shadow on the line, beside the standard normal density.", height: heightOf,
    draw(ctx, width, height) {
      const bins = 36, counts = new Array(bins).fill(0), low = height - 18, room = low - 30, wide = (2 * REACH) / bins;
      read.x.forEach((v) => { const bin = Math.floor((v + REACH) / wide); if (bin >= 0 && bin < bins) counts[bin] += 1 / (read.x.length * wide); });
      frame(ctx, width, height, "its shadow on the line");
      ctx.fillStyle = colour.imagined;
      ctx.globalAlpha = 0.75;
      counts.forEach((c, i) => { const tall = Math.min(1.15, c / 0.6) * room; ctx.fillRect((i / bins) * width + 0.5, low - tall, width / bins - 1, tall); });
      ctx.globalAlpha = 1;
      path(ctx, 80, (i) => { const v = REACH * (i / 40 - 1); return [((v + REACH) / (2 * REACH)) * width, low - (Math.exp(-v * v / 2) / Math.sqrt(2 * Math.PI) / 0.6) * room]; }, colour.muted, [5, 4]);
      for (const v of [-2, 0, 2]) say(ctx, String(v).replace("-", "−"), ((v + REACH) / (2 * REACH)) * width - 4, height - 4, colour.muted, colour.paper);
    },
  });
  const characteristic = canvas(right, {
    label: "Real and imaginary part of the shadow's characteristic function, beside the standard normal's.", height: heightOf,
    draw(ctx, width, height) {
      const { t, phi } = quadrature, low = height - 18, X = (k) => (k / (t.length - 1)) * width, Y = (v) => 18 + ((1.15 - v) / 2.3) * (low - 18);
      frame(ctx, width, height, "its waves: mean cos(tx), mean sin(tx)");
      path(ctx, t.length - 1, (k) => [X(k), Y(0)], colour.grid, []);
      path(ctx, t.length - 1, (k) => [X(k), Y(phi[k])], colour.muted, [5, 4]);
      path(ctx, t.length - 1, (k) => [X(k), Y(read.real[k])], colour.imagined, []);
      path(ctx, t.length - 1, (k) => [X(k), Y(read.imaginary[k])], colour.imagined, [1.5, 4]);
      for (const k of [0, 1, 2, 3]) say(ctx, k === 3 ? "t = 3" : String(k), Math.min(Math.max((k / t.at(-1)) * width - 4, 1), width - 34), height - 4, colour.muted, colour.paper);
    },
  });
  function path(ctx, count, at, stroke, dash) {
    ctx.strokeStyle = stroke;
    ctx.lineWidth = 1.8;
    ctx.setLineDash(dash);
    ctx.beginPath();
    for (let i = 0; i <= count; i++) ctx[i ? "lineTo" : "moveTo"](...at(i));
    ctx.stroke();
    ctx.setLineDash([]);
  }

  // ---- words and controls ----------------------------------------------------------------------------------------------
  const words = reading();
  const short = (v) => (Math.abs(v) >= 100 ? v.toFixed(0) : Math.abs(v) >= 10 ? v.toFixed(1) : v.toFixed(2)).replace("-", "−");
  const paint = () => {
    measure();
    for (const picture of [cloud, histogram, characteristic]) picture.paint();
    const n = z.length / dim;
    const yardstick = {
      sigreg: `a normal cloud: 1.05, all at the origin: ${short(0.402 * n)}`,
      cramer: `a normal cloud: 0.17, all at the origin: ${short(n / 12)}`, anderson: `a normal cloud: 1, all at the origin: ${short(n * (2 * Math.LN2 - 1))}`,
      moments: "a normal cloud: about 2", entropy: `a normal cloud: ${short((dim / 2) * Math.log(2 * Math.PI * Math.E))} nats, no top and no floor`,
    }[loss];
    words.textContent =
      `step ${steps} · ${LOSSES[loss]}: ${short(read.value)} (at the start ${short(first ?? read.value)}; ${yardstick}) · ` +
      `deviations ${read.least.toPrecision(2)} to ${read.most.toPrecision(2)} · Epps-Pulley of the slice at ${turn}°: ${short(read.slice)}`;
  };
  const inTurn = (act) => (busy = busy.then(act));
  const forward = (count = 1) => { for (let i = 0; i < count; i++) step(); paint(); };
  const rotate = (degrees) => { turn = ((Math.round(degrees) % 180) + 180) % 180; paint(); };
  const pause = () => { going = false; go.textContent = "Follow the slope"; };
  const go = button("Follow the slope", () => {
    going = !going;
    go.textContent = going ? "Pause" : "Follow the slope";
  });
  const again = () => { pause(); return inTurn(begin); };
  const change = (set) => (value) => { set(value); first = undefined; measure(); first = read.value; paint(); };
  el.append(
    row(go, button("One step", () => inTurn(forward)), button("Start again", again)),
    row(
      choice("start", Object.entries(STARTS), start, (value) => { start = value; return again(); }),
      choice("loss", Object.entries(LOSSES), loss, change((value) => (loss = value))),
      choice("sign", [["1", "make it small"], ["-1", "make it large"]], "1", change((value) => (sign = Number(value)))),
      choice("slices a step", [1, 4, 16, 64].map((n) => [String(n), String(n)]), "16", change((value) => (slices = Number(value)))),
    ),
    words,
    element("div", { style: "margin:.3rem 0 0;text-align:center;font:500 .92rem var(--wm-sans, system-ui, sans-serif)" },
      "Orange: the cloud and its shadow, the mean sine dotted. Grey dashes: a standard normal."),
  );
  const pad = cloud.element;
  pad.tabIndex = 0;
  pad.dataset.focus = "";
  const angle = (event) => {
    const at = pad.getBoundingClientRect(), dx = event.clientX - at.left - at.width / 2, dy = event.clientY - at.top - at.height / 2;
    if (Math.hypot(dx, dy) > 6) rotate((Math.atan2(-dy, dx) * 180) / Math.PI);
  };
  pad.addEventListener("pointerdown", (event) => { pad.setPointerCapture(event.pointerId); angle(event); });
  pad.addEventListener("pointermove", (event) => pad.hasPointerCapture(event.pointerId) && angle(event));
  pad.addEventListener("keydown", (event) => {
    const act = {
      ArrowLeft: () => rotate(turn + 5), ArrowRight: () => rotate(turn - 5), ArrowUp: () => inTurn(forward), ArrowDown: again,
    }[event.key];
    if (!act) return;
    act();
    event.preventDefault();
  });

  await begin();
  const stopClock = clock(el, () => going && inTurn(() => going && forward(2)));
  const stopTheme = onTheme(() => { colour = colours(el); paint(); });
  el.wm = { // for tests: the losses themselves, and what the figure holds
    losses: {
      ...Object.fromEntries(Object.entries(tests).map(([name, test]) => [name, (c, d, along) => sliced(test, c, d, along)])),
      entropy: (c, d) => entropy(c, d),
    },
    forward: (count) => inTurn(() => forward(count)), state: () => ({ z: [...z], dim, steps, ...read, x: undefined, cos: undefined, sin: undefined }),
  };
  return () => [stopClock, stopTheme, cloud.stop, histogram.stop, characteristic.stop].forEach((stop) => stop());
}

export default { render };

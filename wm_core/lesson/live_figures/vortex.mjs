// A square of fluid: particles that the reader drops are carried by the network, and beside them by the exact flow, over a map
// of by how much the network breaks the law.
//
// Settings: low, high (the viscosities that the network knows), duration, side (of the box, which is periodic).
// Network: map, points [1024, 4] (t, x, y, s) -> flow [1024, 3] (u, v, p) and residual [1024]; s is -1 at low and 1 at high.
import { button, canvas, choice, clock, colours, element, legend, onTheme, openNetworks, reading, reducedMotion, row, say } from "./kit.mjs";

const CELLS = 30; // 900 of the 1024 points are the map, the others are particles
const MOST = 120; // particles
const STRONGEST = 0.05; // residual at which the shade is strongest; it goes with the square root, so that weak ones show too
const SHADES = { residual: "by how much the law is broken", pressure: "pressure", nothing: "nothing" };

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [low, high, duration, side] = ["low", "high", "duration", "side"].map((key) => model.get(key));
  const viscosity = (s) => low * (high / low) ** ((s + 1) / 2);
  let t = 0, s = 2 * Math.log(0.1 / low) / Math.log(high / low) - 1, playing = false, shade = "residual";
  let pairs = []; // {actual: [x, y], imagined: [x, y]}, all dropped at one moment or another
  let flow, residual, cursor = [side / 2, side / 2], keys = false;

  const exact = ([x, y], at) => {
    const fade = Math.exp(-2 * viscosity(s) * at);
    return [-Math.cos(x) * Math.sin(y) * fade, Math.sin(x) * Math.cos(y) * fade];
  };
  // One run of the network answers for the map and for all particles.
  const ask = async (at = t) => {
    const points = new Float32Array(1024 * 4); // its own: calls may wait in line
    for (let i = 0; i < 1024; i++) {
      const place = i < CELLS * CELLS
        ? [((i % CELLS) + 0.5) / CELLS * side, (Math.floor(i / CELLS) + 0.5) / CELLS * side]
        : (pairs[i - CELLS * CELLS]?.imagined ?? [0, 0]);
      points.set([at, ...place, s], 4 * i);
    }
    return await nets.map({ points: [[1024, 4], points] });
  };
  const look = async () => ({ flow, residual } = await ask());
  const wrap = (z) => z - side * Math.floor(z / side);

  // ---- picture ----------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const box = element("div", { style: "max-width:26rem;margin:0 auto" });
  el.append(box);
  const tank = canvas(box, {
    label: "A square of fluid. Click, or move with the arrow keys and press Enter, to drop particles.",
    height: (width) => width, style: "cursor:crosshair;border-radius:8px;touch-action:manipulation;",
    draw(ctx, width) {
      const X = (x) => (x / side) * width, Y = (y) => width - (y / side) * width;
      ctx.fillStyle = colour.paper;
      ctx.fillRect(0, 0, width, width);
      const step = width / CELLS;
      if (flow && shade !== "nothing") {
        ctx.fillStyle = colour.muted;
        for (let i = 0; i < CELLS * CELLS; i++) {
          const strength = shade === "residual" ? Math.sqrt(residual[i] / STRONGEST) : 0.5 + flow[3 * i + 2];
          ctx.globalAlpha = 0.75 * Math.max(0, Math.min(1, strength));
          const [left, right] = [0, 1].map((k) => Math.round(((i % CELLS) + k) * step)); // whole pixels: no seams
          const [low, high] = [0, 1].map((k) => Math.round(width - (Math.floor(i / CELLS) + k) * step));
          ctx.fillRect(left, high, right - left, low - high);
        }
        ctx.globalAlpha = 1;
      }
      if (flow) {
        ctx.strokeStyle = colour.ink;
        ctx.lineWidth = 1.1;
        for (let row = 1; row < CELLS; row += 3) for (let column = 1; column < CELLS; column += 3) {
          const i = row * CELLS + column, x = (column + 0.5) * step, y = width - (row + 0.5) * step;
          arrow(ctx, x, y, 2.3 * step * flow[3 * i], -2.3 * step * flow[3 * i + 1]);
        }
      }
      for (const name of ["actual", "imagined"]) for (const pair of pairs) {
        ctx.beginPath();
        ctx.arc(X(wrap(pair[name][0])), Y(wrap(pair[name][1])), name === "actual" ? 3 : 5.5, 0, 2 * Math.PI);
        ctx[name === "actual" ? "fillStyle" : "strokeStyle"] = colour[name];
        ctx.lineWidth = 2;
        name === "actual" ? ctx.fill() : ctx.stroke();
      }
      if (keys) {
        ctx.strokeStyle = colour.ink;
        ctx.lineWidth = 1.5;
        ctx.strokeRect(X(cursor[0]) - 9, Y(cursor[1]) - 9, 18, 18);
      }
      if (!pairs.length) say(ctx, "click to drop particles", 10, 20, colour.ink, colour.paper);
    },
  });
  function arrow(ctx, x, y, dx, dy) {
    const long = Math.hypot(dx, dy), head = Math.min(4, long / 2);
    if (long < 0.6) return;
    const [ux, uy] = [dx / long, dy / long];
    ctx.beginPath();
    ctx.moveTo(x - dx / 2, y - dy / 2);
    ctx.lineTo(x + dx / 2, y + dy / 2);
    ctx.lineTo(x + dx / 2 - head * (ux + 0.6 * uy), y + dy / 2 - head * (uy - 0.6 * ux));
    ctx.moveTo(x + dx / 2, y + dy / 2);
    ctx.lineTo(x + dx / 2 - head * (ux - 0.6 * uy), y + dy / 2 - head * (uy + 0.6 * ux));
    ctx.stroke();
  }

  // ---- controls ---------------------------------------------------------------------------------------------------
  const words = reading();
  const apart = () => {
    if (!pairs.length) return 0;
    const gaps = pairs.map(({ actual, imagined }) => Math.hypot(actual[0] - imagined[0], actual[1] - imagined[1]));
    return gaps.reduce((a, b) => a + b, 0) / gaps.length;
  };
  const missed = () => (residual ? Math.sqrt(residual.slice(0, CELLS * CELLS).reduce((a, r) => a + r * r, 0) / CELLS ** 2) : 0);
  const paint = () => {
    tank.paint();
    time.value = String(t);
    time.setAttribute("aria-valuetext", `time ${t.toFixed(2)}`);
    thick.setAttribute("aria-valuetext", `viscosity ${viscosity(s).toFixed(3)}`);
    words.textContent = `time ${t.toFixed(2)} · viscosity ${viscosity(s).toFixed(3)} · law broken by ${missed().toFixed(3)}` +
      (pairs.length ? ` · ${pairs.length} particles, network and world ${apart().toFixed(3)} apart` : "") +
      (keys ? ` · cursor at ${cursor.map((z) => z.toFixed(2)).join(", ")}` : "");
  };
  const slider = (label, low, high, step, value, change) => {
    const input = element("input", { type: "range", min: low, max: high, step, value, "aria-label": label, style: "min-height:2.75rem;flex:1;min-width:6rem" });
    input.addEventListener("input", () => change(Number(input.value)));
    return input;
  };
  let asked = 0;
  const refresh = async () => {
    const mine = ++asked;
    const answer = await ask();
    if (mine === asked) ({ flow, residual } = answer);
    paint();
  };
  const pause = () => {
    playing = false;
    go.textContent = "Let time run";
  };
  const clear = () => {
    pairs = [];
    paint();
  };
  const time = slider("time", 0, duration, 0.01, 0, (value) => {
    pause();
    t = value;
    pairs = []; // the moment was jumped to, not lived through
    refresh();
  });
  const thick = slider("viscosity", -1, 1, 0.02, s, (value) => {
    s = value;
    pairs = [];
    refresh();
  });
  const go = button("Let time run", () => {
    if (playing) return pause();
    if (!pairs.length) scatter();
    if (t >= duration) t = 0;
    playing = true;
    go.textContent = "Pause";
  });
  go.dataset.focus = "";
  const drop = (x, y) => {
    for (let i = 0; i < 7 && pairs.length < MOST; i++) {
      const turn = (i * 2 * Math.PI) / 6, far = i === 6 ? 0 : 0.025 * side;
      const place = [wrap(x + far * Math.cos(turn)), wrap(y + far * Math.sin(turn))];
      pairs.push({ actual: [...place], imagined: [...place] });
    }
    paint();
  };
  const scatter = () => {
    for (const [x, y] of [[0.2, 0.3], [0.6, 0.2], [0.4, 0.65], [0.8, 0.75]]) drop(x * side, y * side);
  };
  const named = (words, input) => element("label", { style: "display:flex;align-items:center;gap:.5rem;flex:1 1 12rem;font:500 .95rem var(--wm-sans,system-ui,sans-serif)" }, words, input);
  el.append(
    row(go, button("Clear", clear), choice("shade", Object.entries(SHADES), shade, (key) => {
      shade = key;
      paint();
    })),
    row(named("time", time), named("viscosity", thick)),
    words,
    legend([["imagined", "carried by the network"], ["actual", "carried by the exact flow"]]),
  );

  const pad = tank.element;
  pad.tabIndex = 0;
  pad.setAttribute("role", "application");
  pad.addEventListener("pointerdown", (event) => {
    const at = pad.getBoundingClientRect();
    keys = false;
    drop(((event.clientX - at.left) / at.width) * side, (1 - (event.clientY - at.top) / at.height) * side);
  });
  pad.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (by) cursor = cursor.map((z, i) => Math.max(0, Math.min(side, z + (by[i] * side) / 24)));
    else if (event.key === "Enter" || event.key === " ") drop(...cursor);
    else return;
    keys = true;
    event.preventDefault();
    paint();
  });

  // ---- time -------------------------------------------------------------------------------------------------------
  // Both kinds of particle take midpoint steps, each in its own flow.
  const advance = async (h) => {
    const begin = [...pairs], imagined = begin.map((pair) => pair.imagined), since = asked;
    const first = (await ask(t)).flow;
    const speed = (answer, i) => [answer[3 * (CELLS * CELLS + i)], answer[3 * (CELLS * CELLS + i) + 1]];
    begin.forEach((pair, i) => (pair.imagined = imagined[i].map((z, c) => z + (h / 2) * speed(first, i)[c])));
    const middle = (await ask(t + h / 2)).flow;
    if (since !== asked) return; // a slider was moved meanwhile
    begin.forEach((pair, i) => {
      pair.imagined = imagined[i].map((z, c) => z + h * speed(middle, i)[c]);
      const half = pair.actual.map((z, c) => z + (h / 2) * exact(pair.actual, t)[c]);
      pair.actual = pair.actual.map((z, c) => z + h * exact(half, t + h / 2)[c]);
    });
    t = Math.min(duration, t + h);
    const answer = await ask();
    if (since === asked) ({ flow, residual } = answer);
  };
  const stopClock = clock(el, async (seconds) => {
    if (!playing || !seconds) return;
    await advance(Math.min(seconds * (reducedMotion() ? 0.25 : 0.5), duration - t, 0.05));
    if (t >= duration - 1e-6) pause();
    paint();
  });
  const stopTheme = onTheme(() => {
    colour = colours(el);
    paint();
  });
  await look();
  paint();
  el.wm = { nets, advance, state: () => ({ t, s, pairs, flow, residual, playing, apart: apart(), missed: missed() }) }; // for tests
  return () => [stopClock, stopTheme, tank.stop].forEach((stop) => stop());
}

export default { render };

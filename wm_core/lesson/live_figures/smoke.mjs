// Paint a wind, see where it makes air and where it swallows it, project it, and watch the smoke that it carries.
//
// Settings: n (nodes along a side), side (of the box), winds (a list of [name, 2·n·n velocities]).
// Networks: spectral and central, each u [1, 2, n, n] and sign [1] -> kept [1, 2, n, n] and div [1, n, n]; step, u -> next.
// Component 0 of a wind blows to the right, component 1 up; index 0 of the grid is x, index 1 is y.
import { button, canvas, choice, clock, colours, element, onTheme, openNetworks, reading, reducedMotion, row, say } from "./kit.mjs";

const WAYS = {
  right: ["spectral, right sign", "spectral", 1],
  wrong: ["spectral, wrong sign", "spectral", -1],
  central: ["central differences", "central", 1],
};
const FINE = 3; // smoke is kept on a grid this many times finer than the wind

// What an m × m grid of smoke becomes in a wind (2 × n × n) after dt: each point asks what was upstream. The same as
// `wm_core.physics.smoke.advect` with scheme "linear" where m is n.
function carry(s, m, u, n, dt, side) {
  const out = new Float32Array(m * m), h = side / m, between = n / m;
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++) {
      const at = around(i * between, j * between, n);
      const x = i - (dt / h) * mix(u, 0, at), y = j - (dt / h) * mix(u, n * n, at);
      out[i * m + j] = mix(s, 0, around(x, y, m));
    }
  return out;
}
const around = (x, y, n) => {
  const i = Math.floor(x), j = Math.floor(y), a = x - i, b = y - j;
  const wrap = (k) => ((k % n) + n) % n;
  const [i0, i1, j0, j1] = [wrap(i), wrap(i + 1), wrap(j), wrap(j + 1)];
  return [[i0 * n + j0, (1 - a) * (1 - b)], [i0 * n + j1, (1 - a) * b], [i1 * n + j0, a * (1 - b)], [i1 * n + j1, a * b]];
};
const mix = (field, offset, corners) => corners.reduce((sum, [k, share]) => sum + share * field[offset + k], 0);

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const n = model.get("n"), side = model.get("side"), winds = model.get("winds");
  const m = FINE * n, h = side / n;
  let u, s, div = { spectral: null, central: null }, way = "right", playing = !reducedMotion(), time = 0, said = "";
  let brush = [n / 2, n / 2], stroke = 0;

  const smoke = () => {
    s = new Float32Array(m * m);
    for (let i = 0; i < m; i++)
      for (let j = 0; j < m; j++) s[i * m + j] = Math.floor((6 * i) / m) % 2 === Math.floor((6 * j) / m) % 2 ? 1 : 0;
    time = 0;
  };
  const largest = (name) => (div[name] ? div[name].reduce((most, value) => Math.max(most, Math.abs(value)), 0) : 0);
  const ask = async (name, sign) => nets[name]({ u: [[1, 2, n, n], Float32Array.from(u)], sign: [[1], Float32Array.of(sign)] });
  const measure = async () => {
    const now = ++stroke, found = {};
    for (const name of ["spectral", "central"]) found[name] = (await ask(name, 1)).div;
    if (now === stroke) div = found; // else the wind has changed meanwhile
    paint();
  };
  const begin = async (k) => {
    u = Float32Array.from(winds[k][1]);
    said = "";
    smoke();
    await measure();
  };
  const project = async () => {
    const [words, name, sign] = WAYS[way], before = largest("spectral");
    const asked = u, kept = (await ask(name, sign)).kept;
    if (asked !== u) return; // painted on meanwhile
    u = Float32Array.from(kept);
    await measure();
    said = `${words}: ${number(before)} → ${number(largest("spectral"))}`;
    words_();
  };
  const imagine = async () => {
    u = Float32Array.from((await nets.step({ u: [[1, 2, n, n], Float32Array.from(u)] })).next);
    said = "the network imagined a step";
    await measure();
  };
  const push = (x, y, dx, dy) => {
    const next = Float32Array.from(u), width = n / 14;
    const near = (a, b) => ((a - b + 1.5 * n) % n) - n / 2;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const share = Math.exp(-(near(i, x) ** 2 + near(j, y) ** 2) / (2 * width * width));
        next[i * n + j] = clamp(next[i * n + j] + share * dx);
        next[n * n + i * n + j] = clamp(next[n * n + i * n + j] + share * dy);
      }
    u = next;
    said = "";
    return measure();
  };
  const clamp = (value) => Math.max(-4, Math.min(4, value));
  const number = (value) => (value === 0 ? "0" : value >= 0.01 ? value.toFixed(2) : exponent(value));
  const exponent = (value) => value.toExponential(0).replace(/e-(\d+)/, (_, power) => `·10⁻${[...power].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("")}`);

  // ---- pictures ------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const box = element("div", { style: "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15rem),1fr));gap:.8rem" });
  el.append(box);
  const left = element("div"), right = element("div");
  box.append(left, right);
  const off = document.createElement("canvas");
  const rgb = (css) => {
    const one = off.getContext("2d", { willReadFrequently: true });
    one.fillStyle = css;
    one.fillRect(0, 0, 1, 1);
    return one.getImageData(0, 0, 1, 1).data;
  };
  const sheet = document.createElement("canvas");
  const picture = (ctx, width, size, shade) => {
    sheet.width = sheet.height = size;
    const flat = sheet.getContext("2d"), image = flat.createImageData(size, size);
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) {
        const [tone, alpha] = shade(i * size + j), at = 4 * ((size - 1 - j) * size + i);
        image.data.set([tone[0], tone[1], tone[2], 255 * alpha], at);
      }
    flat.putImageData(image, 0, 0);
    ctx.imageSmoothingEnabled = true;
    ctx.drawImage(sheet, 0, 0, width, width);
  };
  const arrows = (ctx, width, tone) => {
    ctx.strokeStyle = tone;
    ctx.lineWidth = 1.5;
    const cell = width / n;
    for (let i = 1; i < n; i += 2)
      for (let j = 1; j < n; j += 2) {
        const x = (i + 0.5) * cell, y = width - (j + 0.5) * cell, dx = 1.4 * cell * u[i * n + j], dy = -1.4 * cell * u[n * n + i * n + j];
        const long = Math.hypot(dx, dy);
        if (long < 1) continue;
        ctx.beginPath();
        ctx.moveTo(x - dx / 2, y - dy / 2);
        ctx.lineTo(x + dx / 2, y + dy / 2);
        const [ex, ey] = [dx / long, dy / long], head = Math.min(4.5, long / 2);
        ctx.moveTo(x + dx / 2 - head * (ex + 0.6 * ey), y + dy / 2 - head * (ey - 0.6 * ex));
        ctx.lineTo(x + dx / 2, y + dy / 2);
        ctx.lineTo(x + dx / 2 - head * (ex - 0.6 * ey), y + dy / 2 - head * (ey + 0.6 * ex));
        ctx.stroke();
      }
  };
  const sky = canvas(left, {
    label: "Smoke and the wind that carries it. Drag to push the air, or move the ring with the arrow keys, which push as it goes; Enter projects.",
    height: (width) => width, drag: true, style: "cursor:crosshair;border-radius:8px;",
    draw(ctx, width) {
      const tone = rgb(colour.muted);
      picture(ctx, width, m, (k) => [tone, 0.5 * s[k]]);
      arrows(ctx, width, colour.actual);
      if (document.activeElement === sky.element) {
        ctx.strokeStyle = colour.ink;
        ctx.lineWidth = 2;
        ctx.beginPath();
        ctx.arc(((brush[0] + 0.5) / n) * width, width - ((brush[1] + 0.5) / n) * width, width / 18, 0, 2 * Math.PI);
        ctx.stroke();
      }
      say(ctx, "smoke and wind", 6, 15, colour.ink, colour.paper);
    },
  });
  const map = canvas(right, {
    label: "Divergence of the wind: green where air appears, violet where it vanishes.",
    height: (width) => width, style: "border-radius:8px;",
    draw(ctx, width) {
      const [source, sink] = [rgb(colour.third), rgb(colour.rival)], most = Math.max(1, largest("spectral"));
      if (div.spectral) picture(ctx, width, n, (k) => [div.spectral[k] > 0 ? source : sink, Math.min(1, Math.abs(div.spectral[k]) / most) ** 0.7]);
      ctx.strokeStyle = colour.grid;
      ctx.lineWidth = 1;
      ctx.strokeRect(0.5, 0.5, width - 1, width - 1);
      say(ctx, "green: air appears", 6, 15, colour.ink, colour.paper);
      say(ctx, "violet: it vanishes", 6, 31, colour.ink, colour.paper);
    },
  });

  // ---- words and controls --------------------------------------------------------------------------------------
  const words = reading();
  const words_ = () => {
    words.textContent = `${said ? `${said} · ` : ""}largest divergence: spectral ${number(largest("spectral"))}, central ${number(largest("central"))} · time ${time.toFixed(1)}`;
  };
  const paint = () => {
    sky.paint();
    map.paint();
    words_();
  };
  const go = button("Project", project);
  go.dataset.focus = "";
  const play = button(playing ? "Pause" : "Play", () => {
    playing = !playing;
    play.textContent = playing ? "Pause" : "Play";
  });
  const pick = choice("wind", winds.map(([name], k) => [String(k), name]), "0", (k) => begin(Number(k)));
  el.append(
    row(go, choice("by", Object.entries(WAYS).map(([key, [name]]) => [key, name]), way, (key) => (way = key))),
    row(pick, button("Imagine a step", imagine), button("New smoke", () => (smoke(), paint())), play),
    words,
  );

  const board = sky.element;
  board.tabIndex = 0;
  let last;
  const where = (event) => {
    const at = board.getBoundingClientRect();
    return [((event.clientX - at.left) / at.width) * n - 0.5, (1 - (event.clientY - at.top) / at.height) * n - 0.5];
  };
  board.addEventListener("pointerdown", (event) => {
    board.setPointerCapture(event.pointerId);
    last = where(event);
  });
  board.addEventListener("pointermove", (event) => {
    if (!last || !board.hasPointerCapture(event.pointerId)) return;
    const now = where(event), [dx, dy] = [now[0] - last[0], now[1] - last[1]];
    if (Math.hypot(dx, dy) < 0.5) return;
    brush = last = now;
    push(now[0], now[1], 0.35 * dx, 0.35 * dy);
  });
  for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, () => (last = undefined));
  board.addEventListener("focus", () => paint());
  board.addEventListener("blur", () => paint());
  board.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (step) {
      brush = [(brush[0] + step[0] + n) % n, (brush[1] + step[1] + n) % n];
      push(brush[0], brush[1], 0.5 * step[0], 0.5 * step[1]);
    } else if (event.key === "Enter" || event.key === " ") project();
    else return;
    event.preventDefault();
  });

  // ---- time ----------------------------------------------------------------------------------------------------
  const blow = (dt) => {
    s = carry(s, m, u, n, dt, side);
    time += dt;
  };
  await begin(0);
  const stopClock = clock(el, (seconds) => {
    if (!playing) return;
    blow(0.5 * seconds);
    sky.paint();
    words_();
  });
  const stopTheme = onTheme(() => {
    colour = colours(el);
    paint();
  });
  paint();
  const state = () => ({ u: [...u], s: [...s], spectral: [...div.spectral], central: [...div.central], largest: largest("spectral"), playing, time });
  el.wm = { nets, state, carry, project, push, imagine, begin, way: (key) => (way = key), pause: () => (playing = false) }; // for tests
  return () => [stopClock, stopTheme, sky.stop, map.stop].forEach((stop) => stop());
}

export default { render };

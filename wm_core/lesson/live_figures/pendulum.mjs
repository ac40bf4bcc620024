// Three pendulums let go together: the world, a Hamiltonian network and a plain network. Drag one up and release it.
//
// Settings: mass, weight (the world's), angle (where it hangs at first), limit (the largest angle), names.
// Networks: hnn and mlp, each x [1, 2] -> dx [1, 2], x being (q, p).
import { button, canvas, choice, clock, colours, element, legend, onTheme, openNetworks, reading, row, say } from "./kit.mjs";

const INTEGRATORS = {
  euler: ["explicit Euler", async (f, x, h) => axpy(x, h, await f(x))],
  symplectic: ["symplectic Euler", async (f, [q, p], h) => {
    const kicked = p + h * (await f([q, p]))[1];
    return [q + h * (await f([q, kicked]))[0], kicked];
  }],
  midpoint: ["implicit midpoint", async (f, x, h) => {
    let next = axpy(x, h, await f(x));
    for (let i = 0; i < 6; i++) next = axpy(x, h, await f([(x[0] + next[0]) / 2, (x[1] + next[1]) / 2]));
    return next;
  }],
  rk4: ["Runge-Kutta 4", async (f, x, h) => {
    const k1 = await f(x);
    const k2 = await f(axpy(x, h / 2, k1));
    const k3 = await f(axpy(x, h / 2, k2));
    const k4 = await f(axpy(x, h, k3));
    return [0, 1].map((i) => x[i] + (h / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]));
  }],
};
const axpy = (x, h, d) => [x[0] + h * d[0], x[1] + h * d[1]];
const TRUE_STEP = 0.002; // the world itself always moves by Runge-Kutta steps this small
const TRAIL = 700;

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [mass, weight, limit] = ["mass", "weight", "limit"].map((key) => model.get(key));
  const energy = ([q, p]) => (p * p) / (2 * mass) + weight * (1 - Math.cos(q));
  const ask = (net) => async (x) => [...(await net({ x: [[1, 2], Float32Array.from(x)] })).dx];
  const fields = {
    actual: async ([q, p]) => [p / mass, -weight * Math.sin(q)],
    imagined: ask(nets.hnn),
    rival: ask(nets.mlp),
  };
  const names = { actual: "the world", imagined: "Hamiltonian network", rival: "plain network" };
  const who = Object.keys(names);

  let state, trails, powers, time, held, owed;
  let integrator = "rk4", h = 0.05, speed = 1;
  const hang = (q) => {
    state = Object.fromEntries(who.map((name) => [name, [q, 0]]));
    trails = Object.fromEntries(who.map((name) => [name, []]));
    powers = Object.fromEntries(who.map((name) => [name, [1]]));
    time = owed = 0;
  };
  hang(model.get("angle"));
  held = true;

  // ---- pictures ------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const box = element("div", { style: "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15rem),1fr));gap:.8rem" });
  el.append(box);
  const left = element("div"), right = element("div"), below = element("div", { style: "grid-column:1/-1" });
  box.append(left, right, below);

  const swing = canvas(left, {
    label: "Three pendulums on one pivot. Drag, or use the arrow keys, to raise them; release, or press Enter, to let go.",
    height: (width) => width, drag: true, style: "cursor:grab;border-radius:8px;",
    draw(ctx, width, height) {
      const arm = 0.4 * width, x0 = width / 2, y0 = height / 2;
      ctx.strokeStyle = colour.grid;
      ctx.lineWidth = 1;
      ctx.beginPath();
      ctx.arc(x0, y0, arm, 0, 2 * Math.PI);
      ctx.stroke();
      for (const name of [...who].reverse()) {
        const x = x0 + arm * Math.sin(state[name][0]), y = y0 + arm * Math.cos(state[name][0]);
        ctx.strokeStyle = colour[name];
        ctx.fillStyle = colour[name];
        ctx.lineWidth = name === "actual" ? 2.5 : 2;
        ctx.setLineDash(name === "actual" ? [] : [5, 4]);
        ctx.beginPath();
        ctx.moveTo(x0, y0);
        ctx.lineTo(x, y);
        ctx.stroke();
        ctx.beginPath();
        ctx.arc(x, y, name === "actual" ? 11 : 15, 0, 2 * Math.PI);
        if (name === "actual") ctx.fill();
        else ctx.stroke();
      }
      ctx.setLineDash([]);
    },
  });

  const portrait = canvas(right, {
    label: "Phase portrait: angle across, momentum up. The world's path closes; a path that spirals gains or loses energy.",
    height: (width) => width,
    draw(ctx, width, height) {
      const reach = { q: Math.PI, p: 1.25 * Math.sqrt(4 * mass * weight) };
      const X = (q) => width / 2 + (q / reach.q) * 0.46 * width, Y = (p) => height / 2 - (p / reach.p) * 0.46 * height;
      axes(ctx, width, height, "angle", "momentum");
      for (const name of who) {
        ctx.strokeStyle = colour[name];
        ctx.lineWidth = name === "actual" ? 2 : 1.4;
        ctx.setLineDash(name === "actual" ? [] : [4, 3]);
        ctx.beginPath();
        trails[name].forEach(([q, p], i) => {
          const wrapped = i && Math.abs(wrap(q) - wrap(trails[name][i - 1][0])) > 3;
          ctx[i && !wrapped ? "lineTo" : "moveTo"](X(wrap(q)), Y(p));
        });
        ctx.stroke();
        ctx.setLineDash([]);
        ctx.fillStyle = colour[name];
        ctx.beginPath();
        ctx.arc(X(wrap(state[name][0])), Y(state[name][1]), 4, 0, 2 * Math.PI);
        ctx.fill();
      }
    },
  });

  const gauge = canvas(below, {
    label: "True energy of each pendulum over time, as a share of what it was let go with.",
    height: (width) => Math.max(130, 0.24 * width),
    draw(ctx, width, height) {
      const top = Math.max(1.3, ...who.map((name) => Math.max(...powers[name]))) * 1.05;
      const Y = (e) => height - 18 - (e / top) * (height - 30), X = (i, n) => 44 + (i / Math.max(n - 1, 60)) * (width - 52);
      ctx.font = "12px system-ui, sans-serif";
      ctx.fillStyle = colour.muted;
      ctx.strokeStyle = colour.grid;
      ctx.lineWidth = 1;
      for (const level of [0, 1]) {
        ctx.beginPath();
        ctx.moveTo(44, Y(level));
        ctx.lineTo(width - 8, Y(level));
        ctx.stroke();
        say(ctx, `${level * 100} %`, 2, Y(level) + 4, colour.muted, colour.paper);
        ctx.lineWidth = 1;
        ctx.strokeStyle = colour.grid;
      }
      for (const name of [...who].reverse()) {
        ctx.strokeStyle = colour[name];
        ctx.lineWidth = 2;
        ctx.setLineDash(name === "actual" ? [] : [5, 4]);
        ctx.beginPath();
        powers[name].forEach((e, i) => ctx[i ? "lineTo" : "moveTo"](X(i, powers[name].length), Y(e)));
        ctx.stroke();
      }
      say(ctx, "true energy / energy at release", 48, 12, colour.ink, colour.paper);
    },
  });

  function axes(ctx, width, height, across, up) {
    ctx.strokeStyle = colour.grid;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(0, height / 2);
    ctx.lineTo(width, height / 2);
    ctx.moveTo(width / 2, 0);
    ctx.lineTo(width / 2, height);
    ctx.stroke();
    ctx.fillStyle = colour.muted;
    ctx.font = "12px system-ui, sans-serif";
    say(ctx, up, width / 2 + 6, 12, colour.ink, colour.paper);
    say(ctx, across, width - ctx.measureText(across).width - 4, height - 6, colour.ink, colour.paper);
  }
  const wrap = (q) => q - 2 * Math.PI * Math.round(q / (2 * Math.PI));

  // ---- words and controls ----------------------------------------------------------------------------------------
  const words = reading();
  const report = () => {
    const share = (name) => `${Math.round((100 * energy(state[name])) / start())} %`;
    words.textContent = held
      ? `held at ${Math.round((state.actual[0] * 180) / Math.PI)}°: let go`
      : `${time.toFixed(1)} s · energy: world ${share("actual")}, Hamiltonian ${share("imagined")}, plain ${share("rival")}`;
  };
  let released = energy([model.get("angle"), 0]);
  const start = () => Math.max(released, 1e-9);
  const paint = () => {
    for (const picture of [swing, portrait, gauge]) picture.paint();
    report();
  };
  const hold = (q) => {
    held = true;
    hang(Math.max(-limit, Math.min(limit, q)));
    go.textContent = "Let go";
    paint();
  };
  const release = () => {
    if (Math.abs(state.actual[0]) < 0.05) hang(0.05);
    released = energy(state.actual);
    held = false;
    go.textContent = "Hold";
    paint();
  };
  const go = button("Let go", () => (held ? release() : hold(state.actual[0])));
  go.dataset.focus = "";
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2].map((s) => [String(s), `${s} s`]);
  el.append(
    row(
      go,
      choice("integrator", Object.entries(INTEGRATORS).map(([key, [name]]) => [key, name]), integrator, (key) => {
        integrator = key;
        hold(state.actual[0]);
      }),
      choice("step", steps, String(h), (value) => {
        h = Number(value);
        hold(state.actual[0]);
      }),
      choice("speed", [["1", "1×"], ["5", "5×"], ["20", "20×"]], "1", (value) => (speed = Number(value))),
    ),
    words,
    legend(who.map((name) => [name, names[name]])),
  );

  const picture = swing.element;
  picture.tabIndex = 0;
  const angle = (event) => {
    const at = picture.getBoundingClientRect();
    return Math.atan2(event.clientX - at.left - at.width / 2, event.clientY - at.top - at.height / 2);
  };
  picture.addEventListener("pointerdown", (event) => {
    picture.setPointerCapture(event.pointerId);
    hold(angle(event));
  });
  picture.addEventListener("pointermove", (event) => picture.hasPointerCapture(event.pointerId) && hold(angle(event)));
  picture.addEventListener("pointerup", release);
  picture.addEventListener("keydown", (event) => {
    const turn = { ArrowLeft: -0.05, ArrowRight: 0.05, ArrowDown: -0.05, ArrowUp: 0.05 }[event.key];
    if (turn) hold((held ? state.actual[0] : wrap(state.actual[0])) + turn);
    else if (event.key === "Enter" || event.key === " ") held ? release() : hold(state.actual[0]);
    else return;
    event.preventDefault();
  });

  // ---- time ------------------------------------------------------------------------------------------------------
  const advance = async () => {
    for (const name of ["imagined", "rival"]) state[name] = await INTEGRATORS[integrator][1](fields[name], state[name], h);
    const parts = Math.round(h / TRUE_STEP);
    for (let i = 0; i < parts; i++) state.actual = await INTEGRATORS.rk4[1](fields.actual, state.actual, h / parts);
    time += h;
    for (const name of who) {
      trails[name].push([...state[name]]);
      if (trails[name].length > TRAIL) trails[name].shift();
      powers[name].push(energy(state[name]) / start());
      if (powers[name].length > 4000) powers[name].shift();
    }
  };
  const stopClock = clock(el, async (seconds) => {
    if (held) return;
    owed = Math.min(owed + seconds * speed, 40 * h);
    for (; owed >= h && !held; owed -= h) await advance();
    paint();
  });
  const stopTheme = onTheme(() => {
    colour = colours(el);
    paint();
  });
  paint();
  el.wm = { nets, state: () => ({ state, time, held }) }; // for tests: what the figure holds
  return () => [stopClock, stopTheme, swing.stop, portrait.stop, gauge.stop].forEach((stop) => stop());
}

export default { render };

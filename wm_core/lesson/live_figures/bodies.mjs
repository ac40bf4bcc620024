// Bodies joined by springs, four times over: the world, and three networks that started where it did. Throw in another.
// All four panels look at one place, which goes where the world's centre of mass goes.
//
// Settings: strength, rest, softening (the springs'), h (seconds a step), bodies (at first: [x, y, px, py, mass] each), most (how
// many there may be), reach (half of what a panel shows), names (of the four).
// Networks: plain, antisymmetric and central, each q [most, 2], mass [most], charge [most] -> force [most, 2].
import { button, canvas, choice, clock, colours, element, legend, onTheme, openNetworks, reading, reducedMotion, row, say } from "./kit.mjs";

const PARTS = 5; // the world itself moves by steps this much smaller
const TRAIL = 60;
const NETWORK = { imagined: "central", third: "antisymmetric", rival: "plain" };
const FASTEST = 2;

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [strength, rest, softening, h, most, reach] = ["strength", "rest", "softening", "h", "most", "reach"].map((key) => model.get(key));
  const names = { actual: "the world", ...model.get("names") };
  const who = Object.keys(names);

  // ---- four worlds -----------------------------------------------------------------------------------------------
  const spring = (q) => {
    const force = q.map(() => [0, 0]);
    for (let i = 0; i < q.length; i++)
      for (let j = i + 1; j < q.length; j++) {
        const [x, y] = [q[j][0] - q[i][0], q[j][1] - q[i][1]];
        const pull = strength * (1 - rest / Math.hypot(x, y, softening));
        for (const [body, sign] of [[i, 1], [j, -1]]) {
          force[body][0] += sign * pull * x;
          force[body][1] += sign * pull * y;
        }
      }
    return force;
  };
  const ask = (net) => async (q) => {
    const flat = new Float32Array(2 * most), there = new Float32Array(most);
    q.forEach(([x, y], i) => flat.set([x, y], 2 * i));
    there.set(mass);
    const charge = new Float32Array(most).fill(1); // springs ignore it, but the networks have met 1 and -1 and never 0
    const answer = (await net({ q: [[most, 2], flat], mass: [[most], there], charge: [[most], charge] })).force;
    return q.map((_, i) => [answer[2 * i], answer[2 * i + 1]]);
  };
  const forceOf = Object.fromEntries(who.map((name) => [name, name === "actual" ? async (q) => spring(q) : ask(nets[NETWORK[name]])]));
  const momentum = ({ p }) => p.reduce(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
  const energy = ({ q, p }) => {
    let sum = 0;
    for (let i = 0; i < q.length; i++) {
      sum += (p[i][0] ** 2 + p[i][1] ** 2) / (2 * mass[i]);
      for (let j = i + 1; j < q.length; j++)
        sum += 0.5 * strength * (Math.hypot(q[j][0] - q[i][0], q[j][1] - q[i][1], softening) - rest) ** 2;
    }
    return sum;
  };

  let mass, worlds, scale, time, owed;
  const begin = async () => {
    const first = model.get("bodies");
    mass = first.map((body) => body[4]);
    scale = first.reduce((sum, [, , x, y]) => sum + Math.hypot(x, y), 0);
    worlds = {};
    for (const name of who) {
      const world = { q: first.map(([x, y]) => [x, y]), p: first.map(([, , x, y]) => [x, y]), trail: [] };
      world.force = await forceOf[name](world.q);
      Object.assign(world, { kept: momentum(world), start: energy(world) });
      worlds[name] = world;
    }
    time = owed = 0;
  };
  const add = async ([x, y], [vx, vy], heavy) => {
    if (mass.length >= most) return;
    const before = Object.fromEntries(who.map((name) => [name, energy(worlds[name])]));
    mass.push(heavy);
    scale += heavy * Math.hypot(vx, vy);
    for (const name of who) {
      const world = worlds[name];
      const taken = world.q.some(([a, b]) => Math.hypot(a - x, b - y) < 1e-3); // in one place a force has no direction
      world.q.push([x + (taken ? 2e-3 : 0), y]);
      world.p.push([heavy * vx, heavy * vy]);
      world.kept = [world.kept[0] + heavy * vx, world.kept[1] + heavy * vy]; // what it brings is no error
      world.start += energy(world) - before[name];
      world.force = await forceOf[name](world.q);
    }
  };
  const step = async (name, length) => {
    const world = worlds[name];
    const kick = () => world.p.forEach((p, i) => [0, 1].forEach((k) => (p[k] += (length / 2) * world.force[i][k])));
    kick();
    world.q.forEach((q, i) => [0, 1].forEach((k) => (q[k] += (length * world.p[i][k]) / mass[i])));
    world.force = await forceOf[name](world.q);
    kick();
  };
  const middle = ({ q }) => {
    const all = mass.reduce((sum, m) => sum + m, 0);
    return [0, 1].map((k) => q.reduce((sum, at, i) => sum + mass[i] * at[k], 0) / all);
  };
  const advance = async () => {
    for (const name of who) {
      if (name === "actual") for (let i = 0; i < PARTS; i++) await step(name, h / PARTS);
      else await step(name, h);
      worlds[name].trail.push([middle(worlds[name]), worlds[name].q.map((at) => [...at])]);
      if (worlds[name].trail.length > TRAIL) worlds[name].trail.shift();
    }
    time += h;
  };
  const astray = (name) => {
    const now = momentum(worlds[name]), { kept } = worlds[name];
    return Math.hypot(now[0] - kept[0], now[1] - kept[1]) / Math.max(scale, 1e-9);
  };
  const charged = (name) => energy(worlds[name]) / Math.max(worlds[name].start, 1e-9);
  await begin();

  // ---- pictures ----------------------------------------------------------------------------------------------------
  let colour = colours(el), aim, mark = [-0.7 * reach, 0.7 * reach], shown = false;
  const pad = element("div", {
    role: "application", tabindex: "0", style: "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(47%,9.5rem),1fr));gap:.6rem;border-radius:8px;cursor:crosshair",
    "aria-label": "Four worlds of bodies joined by springs. Drag to throw in a body: from where, and how fast. Arrow keys move a cross, Enter throws a body from there towards the middle, space stops and goes on.",
  });
  pad.dataset.focus = "";
  el.append(pad);
  let eye = middle(worlds.actual);
  const seen = (at) => at.map((part, k) => part - eye[k]), there = (at) => at.map((part, k) => part + eye[k]);
  const X = (width) => (place) => {
    const [x, y] = seen(place);
    return [width / 2 + (x / reach) * (width / 2), width / 2 - (y / reach) * (width / 2)];
  };
  const panels = who.map((name) =>
    canvas(pad, {
      label: `${names[name]}: its bodies, its momentum gone astray and its energy.`,
      height: (width) => width + 50, drag: true,
      draw(ctx, width, height) {
        const at = X(width), world = worlds[name];
        ctx.fillStyle = ctx.strokeStyle = colour.grid;
        ctx.lineWidth = 1;
        ctx.strokeRect(0.5, 0.5, width - 1, width - 1);
        ctx.save();
        ctx.beginPath();
        ctx.rect(0, 0, width, width);
        ctx.clip();
        for (let i = Math.ceil(eye[0] - reach); i <= eye[0] + reach; i++) // a mark for each unit of length, so that one sees the view go
          for (let j = Math.ceil(eye[1] - reach); j <= eye[1] + reach; j++) {
            const [x, y] = at([i, j]);
            ctx.fillRect(x - 1, y - 1, 2, 2);
          }
        if (world.q.length < 7) {
          ctx.beginPath();
          world.q.forEach((one, i) => world.q.slice(i + 1).forEach((other) => (ctx.moveTo(...at(one)), ctx.lineTo(...at(other)))));
          ctx.stroke();
        }
        ctx.strokeStyle = colour[name];
        ctx.globalAlpha = 0.35;
        ctx.beginPath();
        world.q.forEach((_, i) => world.trail.filter(([, all]) => all[i]).forEach(([, all], k) => ctx[k ? "lineTo" : "moveTo"](...at(all[i]))));
        ctx.stroke();
        ctx.globalAlpha = 1;
        ctx.fillStyle = colour[name];
        ctx.lineWidth = 2;
        world.q.forEach((body, i) => {
          ctx.beginPath();
          ctx.arc(...at(body), Math.max(3.5, 0.032 * width * Math.sqrt(mass[i])), 0, 2 * Math.PI);
          name === "actual" ? ctx.fill() : ctx.stroke();
        });
        ctx.strokeStyle = colour.ink;
        ctx.beginPath();
        world.trail.forEach(([centre], i) => ctx[i ? "lineTo" : "moveTo"](...at(centre)));
        ctx.stroke();
        const cross = ([x, y], size) => {
          ctx.beginPath();
          for (const turn of [1, -1]) {
            ctx.moveTo(x - size, y - turn * size);
            ctx.lineTo(x + size, y + turn * size);
          }
          ctx.stroke();
        };
        cross(at(middle(world)), 5);
        if (shown && !aim) {
          ctx.lineWidth = 1.3;
          ctx.setLineDash([3, 3]);
          ctx.beginPath();
          ctx.arc(...at(there(mark)), 8, 0, 2 * Math.PI);
          ctx.stroke();
          ctx.setLineDash([]);
        }
        if (aim) {
          ctx.beginPath();
          ctx.moveTo(...at(aim.from));
          ctx.lineTo(...at(aim.to));
          ctx.stroke();
          ctx.beginPath();
          ctx.arc(...at(aim.from), 0.032 * width * Math.sqrt(heavy), 0, 2 * Math.PI);
          ctx.stroke();
        }
        ctx.restore();
        const [x, y] = seen(middle(world));
        if (Math.max(Math.abs(x), Math.abs(y)) > reach) say(ctx, "gone", 8, 32, colour.ink, colour.paper);
        say(ctx, names[name], 8, 16, colour[name], colour.paper);
        meter(ctx, width, width + 14, "momentum", astray(name), 1, 0, `${astray(name).toFixed(2)}`, colour[name]);
        meter(ctx, width, width + 38, "energy", charged(name), 2, 1, `${Math.round(100 * charged(name))} %`, colour[name]);
      },
    }),
  );
  // A bar from nought to `full`, with a tick where it should be.
  function meter(ctx, width, y, what, value, full, wanted, words, shade) {
    const from = 79, to = width - 48, x = (share) => from + Math.min(Math.max(share / full, 0), 1) * (to - from);
    ctx.fillStyle = colour.grid;
    ctx.fillRect(from, y - 3, to - from, 6);
    ctx.fillStyle = shade;
    ctx.fillRect(from, y - 5, x(value) - from, 10);
    ctx.strokeStyle = colour.ink;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.moveTo(x(wanted), y - 8);
    ctx.lineTo(x(wanted), y + 8);
    ctx.stroke();
    say(ctx, what, 2, y + 4, colour.ink, colour.paper);
    say(ctx, words, to + 6, y + 4, colour.ink, colour.paper);
  }

  // ---- words and controls --------------------------------------------------------------------------------------------
  const words = reading();
  const paint = () => {
    eye = middle(worlds.actual);
    panels.forEach((panel) => panel.paint());
    const share = (name) => `${names[name].replace(/^the /, "")} ${astray(name).toFixed(2)}`;
    const full = mass.length >= most ? ", no room for more" : "";
    words.textContent = `${time.toFixed(1)} s · ${mass.length} bodies${full} · momentum gone astray: ${who.map(share).join(", ")}`;
  };
  let running = !reducedMotion(), speed = 1, heavy = 1;
  const orders = []; // what the reader asked for, done between two steps
  const go = button(running ? "Stop" : "Go on", () => {
    running = !running;
    go.textContent = running ? "Stop" : "Go on";
  });
  el.append(
    row(
      go,
      button("Start again", () => orders.push(begin)),
      button("Throw one in", () => orders.push(() => add(there(mark), inwards(), heavy))),
      choice("mass", [["0.5", "0.5"], ["1", "1"], ["2", "2"]], "1", (value) => (heavy = Number(value))),
      choice("speed", [["1", "1×"], ["4", "4×"]], "1", (value) => (speed = Number(value))),
    ),
    words,
    legend(who.map((name) => [name, names[name]])),
  );
  const inwards = () => {
    const length = Math.hypot(...mark) || 1;
    return mark.map((at) => (-0.8 * at) / length);
  };
  const place = (event, panel) => {
    const box = panel.element.getBoundingClientRect(), half = box.width / 2;
    return there([((event.clientX - box.left - half) / half) * reach, (-(event.clientY - box.top - half) / half) * reach]);
  };
  const clamp = (value) => Math.max(-0.95 * reach, Math.min(0.95 * reach, value));
  for (const panel of panels) {
    const picture = panel.element;
    picture.addEventListener("pointerdown", (event) => {
      const at = place(event, panel);
      if (Math.abs(seen(at)[1]) > reach) return; // on the meters
      picture.setPointerCapture(event.pointerId);
      aim = { from: at, to: at };
      paint();
    });
    picture.addEventListener("pointermove", (event) => {
      if (!aim || !picture.hasPointerCapture(event.pointerId)) return;
      aim.to = place(event, panel);
      paint();
    });
    picture.addEventListener("pointerup", () => {
      if (!aim) return;
      const { from, to } = aim, way = [to[0] - from[0], to[1] - from[1]];
      const slow = Math.min(1, FASTEST / (Math.hypot(...way) || 1)), weight = heavy;
      aim = undefined;
      orders.push(() => add(from, way.map((part) => part * slow), weight));
    });
    picture.addEventListener("pointercancel", () => (aim = undefined));
  }
  pad.addEventListener("keydown", (event) => {
    const [right, up] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key] ?? [];
    if (right !== undefined) {
      shown = true;
      mark = [clamp(mark[0] + 0.2 * right), clamp(mark[1] + 0.2 * up)];
    } else if (event.key === "Enter") {
      const weight = heavy;
      orders.push(() => add(there(mark), inwards(), weight));
    } else if (event.key === " ") go.click();
    else return;
    event.preventDefault();
    paint();
  });

  // ---- time ----------------------------------------------------------------------------------------------------------
  const stopClock = clock(el, async (seconds) => {
    while (orders.length) await orders.shift()();
    if (running && !aim) owed = Math.min(owed + seconds * speed, 8 * h);
    for (; running && !aim && owed >= h && !orders.length; owed -= h) await advance();
    paint();
  });
  const stopTheme = onTheme(() => {
    colour = colours(el);
    paint();
  });
  paint();
  el.wm = { nets, state: () => ({ worlds, mass, time, running, eye, left: orders.length, astray: Object.fromEntries(who.map((name) => [name, astray(name)])) }) }; // for tests
  return () => [stopClock, stopTheme, ...panels.map((panel) => panel.stop)].forEach((stop) => stop());
}

export default { render };

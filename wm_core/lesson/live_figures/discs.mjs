// Four discs in a bowl. Hide the past of a disc or nudge one: what a network imagines, beside what would really happen.
//
// Settings: history, future (frames), bowl, dt, substeps, reach (half the width of the picture, in lengths),
//           worlds: [{name, spring, when, films: [{start [4][4], pair [2], flicks [frames - 1][4][2]}]}], with nudges after frame when,
//           minds: [[name, words, colour]] in the order in which they are offered; for world w and mind m the network `${m}${w}`.
// Networks: history [9, history, 4, 9], hidden [9, 4] -> imagined [9, history + future, 4, 9]. Row 0 is the question; in row
//           1 + 2 disc + axis the last velocity of one disc is a little larger, which tells who moves whom.
import { button, canvas, choice, clock, colours, element, legend, onTheme, openNetworks, reading, row, say } from "./kit.mjs";

const DISCS = [0, 1, 2, 3], NAMES = "ABCD", ROWS = 9, WIDTH = 9; // nine questions at once; nine numbers in a slot
const STEP = 0.1, MOST = 1.2; // what one arrow key adds to a nudge, and the largest nudge, in lengths per second
const SMALL = 0.1; // the little more velocity by which influence is measured

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [history, future, bowl, dt, substeps, reach, worlds, minds] =
    ["history", "future", "bowl", "dt", "substeps", "reach", "worlds", "minds"].map((key) => model.get(key));
  const frames = history + future, now = history - 1, last = frames - 1;

  // ---- the world, as wm_core.worlds.coupled_discs has it -------------------------------------------------------------
  function play(nudge) {
    const { spring, when } = worlds[world], film = worlds[world].films[shown];
    const x = film.start.map((s) => s.slice(0, 2)), v = film.start.map((s) => s.slice(2)), h = dt / substeps;
    const [a, b] = film.pair;
    const kick = (by) => {
      const pull = x.map((at) => at.map((c) => -bowl * c));
      for (const axis of [0, 1]) {
        const tension = spring * (x[a][axis] - x[b][axis]);
        pull[a][axis] -= tension;
        pull[b][axis] += tension;
      }
      DISCS.forEach((d) => [0, 1].forEach((axis) => (v[d][axis] += by * pull[d][axis])));
    };
    const snap = () => DISCS.map((d) => [...x[d], ...v[d]]);
    const at = [snap()], path = [snap()]; // at each frame, and at each substep
    for (let t = 0; t < last; t++) {
      DISCS.forEach((d) => [0, 1].forEach((axis) => (v[d][axis] += film.flicks[t][d][axis] + (t === when ? nudge[d][axis] : 0))));
      for (let k = 0; k < substeps; k++) {
        kick(h / 2);
        DISCS.forEach((d) => [0, 1].forEach((axis) => (x[d][axis] += h * v[d][axis])));
        kick(h / 2);
        path.push(snap());
      }
      at.push(snap());
    }
    return { at, path };
  }

  // ---- the question and its answers -----------------------------------------------------------------------------------
  const still = () => DISCS.map(() => [0, 0]);
  let world = 0, shown = 0, mind = minds[0][0], chosen = 0, hidden = new Set(), nudge = still();
  let truth, before, imagined, unmoved, pull, time = null, asked = 0, colour = colours(el);
  const film = () => worlds[world].films[shown];
  const roles = () => [...film().pair, ...DISCS.filter((d) => !film().pair.includes(d))]; // A and B are the two that are joined
  const name = (d) => NAMES[roles().indexOf(d)];
  const shade = () => colour[minds.find(([key]) => key === mind)[2]];

  function question(pushed) {
    const { pair } = film(), { at } = play(pushed), atOnce = worlds[world].when === now; // then the push shows in a velocity
    const input = new Float32Array(ROWS * history * 4 * WIDTH);
    for (let r = 0; r < ROWS; r++) for (let t = 0; t < history; t++) for (const d of DISCS) {
      const slot = [...at[t][d], pair.includes(d) ? 1 : 0, ...DISCS.map((other) => (other === d ? 1 : 0))];
      if (t === now) for (const axis of [0, 1]) slot[2 + axis] += (atOnce ? pushed[d][axis] : 0) + (r === 1 + 2 * d + axis ? SMALL : 0);
      input.set(slot, ((r * history + t) * 4 + d) * WIDTH);
    }
    return input;
  }
  async function ask(pushed) {
    const mask = Float32Array.from({ length: ROWS * 4 }, (_, i) => (hidden.has(i % 4) ? 1 : 0));
    const input = { history: [[ROWS, history, 4, WIDTH], question(pushed)], hidden: [[ROWS, 4], mask] };
    const { imagined: out } = await nets[`${mind}${world}`](input);
    return (r, t, d) => out.slice(((r * frames + t) * 4 + d) * WIDTH, ((r * frames + t) * 4 + d) * WIDTH + 4);
  }
  async function again() {
    const turn = ++asked;
    [before, truth] = [play(still()), play(nudge)];
    const answer = await ask(nudge), calm = await ask(still());
    if (turn !== asked) return; // a newer question is on its way
    const all = (of) => Array.from({ length: frames }, (_, t) => DISCS.map((d) => of(0, t, d)));
    [imagined, unmoved] = [all(answer), all(calm)];
    for (let t = 0; t < history; t++) for (const d of DISCS) if (t === 0 || !hidden.has(d)) {
      [unmoved[t][d], imagined[t][d]] = [before.at[t][d], truth.at[t][d]]; // what was shown
    }
    // who moves whom: the mean length of the change over the future, for a unit of velocity
    pull = DISCS.map((from) => DISCS.map((to) => {
      let sum = 0;
      for (let t = history; t < frames; t++) for (const axis of [0, 1]) {
        sum += (distance(answer(1 + 2 * from + axis, t, to), answer(0, t, to)) / SMALL) ** 2;
      }
      return Math.sqrt(sum / future / 2);
    }));
    paint();
  }
  const distance = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
  const moved = (d) => [distance(truth.at[last][d], before.at[last][d]), distance(imagined[last][d], unmoved[last][d])];
  const nudged = () => DISCS.filter((d) => Math.hypot(...nudge[d]) > 1e-6);

  // ---- pictures ---------------------------------------------------------------------------------------------------------
  const grid = element("div", { style: "display:flex;flex-wrap:wrap;gap:.8rem;align-items:flex-start" });
  const pad = element("div", {
    tabindex: "0", role: "application", "data-focus": "", style: "flex:3 1 15rem;min-width:0;border-radius:8px",
    "aria-label": "The bowl from above. Arrow keys nudge the chosen disc, A to D choose one, space hides its past, or drag a disc.",
  });
  const aside = element("div", { style: "flex:2 1 11rem;min-width:0" });
  el.append(grid);
  grid.append(pad, aside);

  const view = canvas(pad, {
    label: "Four discs from above, with the paths that they take and the paths that the network imagines.",
    height: (width) => width, drag: true, style: "cursor:grab;border-radius:8px;",
    draw(ctx, side) {
      if (!imagined) return;
      const X = (c) => side / 2 + (c / reach) * (side / 2), at = (p) => [X(p[0]), X(p[1])];
      ctx.lineWidth = 1;
      ctx.strokeStyle = colour.grid;
      for (const r of [0.7, 1.4, 2.1]) {
        ctx.beginPath();
        ctx.arc(side / 2, side / 2, X(r) - side / 2, 0, 2 * Math.PI);
        ctx.stroke();
      }
      const here = DISCS.map((d) => at(truth.at[now][d]));
      link(ctx, ...film().pair.map((d) => here[d]), worlds[world].spring > 0);
      for (const d of DISCS) {
        const faint = d === chosen || hidden.has(d) || nudged().length ? 1 : 0.55;
        ctx.globalAlpha = faint;
        line(ctx, truth.path.map((s) => at(s[d])), colour.actual, [], 1.6);
        line(ctx, curve(d, hidden.has(d) ? 0 : now).map(at), shade(), [5, 4], 2.2);
        ctx.globalAlpha = 1;
      }
      if (time === null) influences(ctx, here);
      for (const d of DISCS) disc(ctx, d, here[d], at);
      if (time !== null) for (const d of DISCS) marks(ctx, d, at);
    },
  });

  function line(ctx, way, stroke, dash, width) {
    ctx.strokeStyle = stroke;
    ctx.lineWidth = width;
    ctx.setLineDash(dash);
    ctx.beginPath();
    way.forEach((p, i) => ctx[i ? "lineTo" : "moveTo"](...p));
    ctx.stroke();
    ctx.setLineDash([]);
  }
  // A curve through imagined places with the imagined velocities; the velocity at the start of the future is the nudged one.
  function curve(d, from) {
    const way = [];
    for (let t = from; t < last; t++) {
      const [p, q] = [[...imagined[t][d]], imagined[t + 1][d]];
      if (t === now && worlds[world].when === now && !hidden.has(d)) for (const axis of [0, 1]) p[2 + axis] += nudge[d][axis];
      for (let k = 0; k < 8; k++) way.push(hermite(p, q, k / 8));
    }
    return [...way, imagined[last][d].slice(0, 2)];
  }
  const hermite = (p, q, s) => [0, 1].map((axis) =>
    (1 + 2 * s) * (1 - s) ** 2 * p[axis] + s * (1 - s) ** 2 * dt * p[2 + axis] +
    s * s * (3 - 2 * s) * q[axis] + s * s * (s - 1) * dt * q[2 + axis]);

  function link(ctx, p, q, spring) {
    ctx.strokeStyle = colour.muted;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    if (spring) {
      const [dx, dy] = [q[0] - p[0], q[1] - p[1]], long = Math.hypot(dx, dy) || 1, turns = 16;
      ctx.moveTo(...p);
      for (let i = 1; i < turns; i++) {
        const off = (i % 2 ? 1 : -1) * 4, s = i / turns;
        ctx.lineTo(p[0] + s * dx - (off * dy) / long, p[1] + s * dy + (off * dx) / long);
      }
      ctx.lineTo(...q);
    } else {
      ctx.setLineDash([1, 6]);
      ctx.lineWidth = 3;
      ctx.moveTo(...p);
      ctx.lineTo(...q);
    }
    ctx.stroke();
    ctx.setLineDash([]);
  }
  // Arrows to the chosen disc, as thick as the others' influence on its imagined future.
  function influences(ctx, here) {
    for (const from of DISCS) {
      const weight = Math.min(pull[from][chosen], 1);
      if (from === chosen || weight < 0.02) continue;
      const [p, q] = [here[from], here[chosen]], [dx, dy] = [q[0] - p[0], q[1] - p[1]], long = Math.hypot(dx, dy) || 1;
      const bend = 0.18, mid = [(p[0] + q[0]) / 2 - bend * dy, (p[1] + q[1]) / 2 + bend * dx];
      const back = Math.hypot(q[0] - mid[0], q[1] - mid[1]) || 1, tip = [0, 1].map((i) => q[i] - ((q[i] - mid[i]) / back) * 17);
      const start = [0, 1].map((i) => p[i] + ((mid[i] - p[i]) / (Math.hypot(mid[0] - p[0], mid[1] - p[1]) || 1)) * 14);
      if (long < 34) continue; // they lie on each other
      ctx.globalAlpha = 0.85;
      ctx.strokeStyle = ctx.fillStyle = shade();
      ctx.lineWidth = 1 + 8 * weight;
      ctx.beginPath();
      ctx.moveTo(...start);
      ctx.quadraticCurveTo(...mid, ...tip);
      ctx.stroke();
      const [ux, uy] = [0, 1].map((i) => (tip[i] - mid[i]) / back), wide = 4 + 5 * weight;
      ctx.beginPath();
      ctx.moveTo(tip[0] + 5 * ux, tip[1] + 5 * uy);
      ctx.lineTo(tip[0] - 6 * ux - wide * uy, tip[1] - 6 * uy + wide * ux);
      ctx.lineTo(tip[0] - 6 * ux + wide * uy, tip[1] - 6 * uy - wide * ux);
      ctx.fill();
      ctx.globalAlpha = 1;
    }
  }
  function disc(ctx, d, place, at) {
    const dark = hidden.has(d);
    ctx.beginPath();
    ctx.arc(...place, 11, 0, 2 * Math.PI);
    ctx.fillStyle = dark ? colour.paper : colour.actual;
    ctx.fill();
    ctx.lineWidth = 2;
    ctx.strokeStyle = colour.actual;
    ctx.setLineDash(dark ? [2, 3] : []);
    ctx.stroke();
    ctx.setLineDash([]);
    if (d === chosen) {
      ctx.beginPath();
      ctx.arc(...place, 15.5, 0, 2 * Math.PI);
      ctx.strokeStyle = colour.ink;
      ctx.lineWidth = 1.5;
      ctx.stroke();
    }
    ctx.font = "600 13px system-ui, sans-serif";
    ctx.textAlign = "center";
    ctx.fillStyle = dark ? colour.ink : colour.paper;
    ctx.fillText(name(d), place[0], place[1] + 4.5);
    ctx.textAlign = "start";
    if (Math.hypot(...nudge[d]) > 1e-6) {
      const tip = at([0, 1].map((axis) => truth.at[now][d][axis] + 0.7 * nudge[d][axis]));
      const angle = Math.atan2(tip[1] - place[1], tip[0] - place[0]);
      line(ctx, [[place[0] + 13 * Math.cos(angle), place[1] + 13 * Math.sin(angle)], tip], colour.ink, [], 3);
      line(ctx, [-2.6, 2.6].map((turn) => [tip[0] + 9 * Math.cos(angle + turn), tip[1] + 9 * Math.sin(angle + turn)])
        .flatMap((p, i) => (i ? [tip, p] : [p])), colour.ink, [], 3);
    }
    if (time !== null) return;
    end(ctx, at(truth.at[last][d]), colour.actual, true);
    end(ctx, at(imagined[last][d]), shade(), false);
  }
  function end(ctx, place, paint, solid) {
    ctx.beginPath();
    ctx.arc(...place, solid ? 4 : 6.5, 0, 2 * Math.PI);
    ctx.fillStyle = ctx.strokeStyle = paint;
    ctx.lineWidth = 2.2;
    if (solid) return ctx.fill();
    ctx.setLineDash([4, 3]);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  function marks(ctx, d, at) { // where everything is at `time`, in frames
    end(ctx, at(truth.path[Math.min(Math.round(time * substeps), truth.path.length - 1)][d]), colour.actual, true);
    const from = hidden.has(d) ? 0 : now, way = curve(d, from);
    if (time >= from) end(ctx, at(way[Math.min(Math.round((time - from) * 8), way.length - 1)]), shade(), false);
  }

  // How far each disc ends from where it would have ended without the nudge.
  const bars = canvas(aside, {
    label: "For each disc how far the nudge moves it, really and as imagined.",
    height: (width) => (width > 260 ? Math.max(150, 0.5 * width) : Math.max(170, 0.9 * width)),
    draw(ctx, width, height) {
      if (!imagined) return;
      const order = roles(), found = order.map(moved), top = Math.max(0.5, ...found.flat()) * 1.1, low = height - 22;
      const Y = (value) => low - (value / top) * (low - 30), each = width / 4;
      say(ctx, "moved by the nudge, last frame / lengths", 0, 12, colour.ink, colour.paper);
      line(ctx, [[0, low], [width, low]], colour.grid, [], 1);
      for (const d of DISCS) found[d].forEach((value, i) => {
        const x = each * (d + 0.5) + (i ? 3 : -3 - each * 0.28), tall = Math.max(low - Y(value), 1.5);
        ctx.fillStyle = colour.actual;
        if (i === 0) ctx.fillRect(x, low - tall, each * 0.28, tall);
        else {
          ctx.strokeStyle = shade();
          ctx.lineWidth = 2;
          ctx.setLineDash([4, 3]);
          ctx.strokeRect(x + 1, low - tall, each * 0.28 - 2, tall);
          ctx.setLineDash([]);
        }
        say(ctx, value.toFixed(2), i ? x : x + each * 0.28 - 25, low - tall - 5, i ? shade() : colour.actual, colour.paper);
      });
      order.forEach((d, role) => {
        const dark = hidden.has(d);
        say(ctx, NAMES[role] + (dark ? " (hidden)" : ""), each * (role + 0.5) - (dark ? 26 : 4), height - 6, colour.ink, colour.paper);
      });
    },
  });

  // ---- words and controls ---------------------------------------------------------------------------------------------
  const words = reading();
  function report() {
    const parts = [], pushed = nudged();
    if (pushed.length) {
      const others = roles().map((d) => `${name(d)} ${moved(d)[0].toFixed(2)} (${moved(d)[1].toFixed(2)})`).join(", ");
      const who = pushed.map((d) => `${name(d)} nudged by ${Math.hypot(...nudge[d]).toFixed(2)}`).join(", ");
      parts.push(`${who} lengths/s. Moved in the last frame, really (imagined): ${others}.`);
      const unseen = pushed.filter((d) => hidden.has(d)).map(name);
      if (unseen.length) parts.push(`The past of ${unseen.join(", ")} is hidden, and the nudge with it.`);
    }
    for (const d of hidden) {
      let sum = 0;
      for (let t = 1; t < history; t++) sum += distance(imagined[t][d], truth.at[t][d]) / (history - 1);
      parts.push(`${name(d)}’s hidden past: imagined ${sum.toFixed(2)} lengths off.`);
    }
    const strongest = DISCS.filter((d) => d !== chosen).sort((a, b) => pull[b][chosen] - pull[a][chosen])[0];
    parts.push(`Whose velocity moves the imagined ${name(chosen)} most, after its own: ${name(strongest)}’s, ` +
      `by ${pull[strongest][chosen].toFixed(2)} s.`);
    words.textContent = parts.join(" ");
  }
  function paint() {
    view.paint();
    bars.paint();
    report();
    hide.textContent = `${hidden.has(chosen) ? "Show" : "Hide"} ${name(chosen)}’s past`;
    flick.textContent = nudged().length ? "No nudge" : `Nudge ${name(chosen)}`;
    picker.querySelector("select").value = name(chosen);
  }
  const choose = (d) => {
    chosen = d;
    paint();
  };
  const flip = () => {
    hidden.has(chosen) ? hidden.delete(chosen) : hidden.add(chosen);
    return again();
  };
  function push(d, to) {
    const long = Math.hypot(...to), limit = long > MOST ? MOST / long : 1;
    nudge[d] = to.map((c) => (Math.abs(c) < 1e-9 ? 0 : c * limit));
    return again();
  }
  const fresh = () => {
    [nudge, hidden, time] = [still(), new Set(), null];
    chosen = film().pair[0];
    return again();
  };
  const hide = button("Hide A’s past", flip);
  const flick = button("Nudge", () => {
    if (!nudged().length) return push(chosen, [0.5, -0.5]);
    nudge = still();
    return again();
  });
  const picker = choice("disc", [...NAMES].map((letter) => [letter, letter]), "A", (letter) => choose(roles()[NAMES.indexOf(letter)]));
  const key = element("div");
  const showKey = () => key.replaceChildren(legend([["actual", "what happens"], [minds.find(([key]) => key === mind)[2], "what the network imagines"]]));
  el.append(
    words,
    row(picker, hide, flick, button("Play", () => (time = 0)), button("Another film", () => {
      shown = (shown + 1) % worlds[world].films.length;
      return fresh();
    })),
    row(
      choice("network", minds.map(([key, title]) => [key, title]), mind, (value) => {
        mind = value;
        showKey();
        return again();
      }),
      choice("world", worlds.map(({ name }, i) => [String(i), name]), "0", (value) => {
        [world, shown] = [Number(value), 0];
        return fresh();
      }),
    ),
    key,
  );
  showKey();

  // ---- hands ----------------------------------------------------------------------------------------------------------
  const WAYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  pad.addEventListener("keydown", (event) => {
    const letter = NAMES.indexOf(event.key.toUpperCase());
    if (event.key in WAYS) push(chosen, nudge[chosen].map((c, i) => Math.round((c + WAYS[event.key][i]) * 100) / 100));
    else if (event.key === " " || event.key === "Enter") flip();
    else if (event.key.length === 1 && letter >= 0 && !event.ctrlKey && !event.metaKey && !event.altKey) choose(roles()[letter]);
    else return;
    event.preventDefault();
  });
  let grip = null;
  const place = (event) => {
    const box = view.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top].map((c) => (c / box.width * 2 - 1) * reach);
  };
  view.element.addEventListener("pointerdown", (event) => {
    view.element.setPointerCapture(event.pointerId);
    const at = place(event), near = DISCS.map((d) => distance(at, truth.at[now][d])), best = near.indexOf(Math.min(...near));
    if (near[best] < 0.5) choose(best); // else the chosen one is nudged, wherever one drags
    grip = { at, nudge: [...nudge[chosen]] };
  });
  view.element.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const at = place(event);
    push(chosen, grip.nudge.map((c, i) => c + (at[i] - grip.at[i]) / 0.7));
  });
  for (const name of ["pointerup", "pointercancel"]) view.element.addEventListener(name, () => (grip = null));

  const stopClock = clock(el, (seconds) => {
    if (time === null) return;
    time += seconds / dt;
    if (time > last + 1) time = null;
    view.paint();
  });
  const stopTheme = onTheme(() => {
    colour = colours(el);
    paint();
  });
  await fresh();
  el.wm = { // for tests: what the figure holds, and its hands
    state: () => ({ world, shown, mind, chosen, hidden: [...hidden], nudge, truth: truth.at, before: before.at, imagined, unmoved, pull }),
    ask: async (settings) => {
      ({ world = world, shown = shown, mind = mind, chosen = chosen, nudge = nudge } = settings);
      hidden = new Set(settings.hidden ?? hidden);
      await again();
    },
  };
  return () => [stopClock, stopTheme, view.stop, bars.stop].forEach((stop) => stop());
}

export default { render };

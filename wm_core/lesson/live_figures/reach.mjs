// Arrange a picture of how the table should look. The planner tries plans in imagination, and the robot does the first action.
//
// Settings: size, robot, puck (radii), reach, parts (the world's, as in wm_core/worlds/robot.py), papers: empty tables, each
//           size² greys; start, goal: [x, y, x, y] of robot and puck; horizon, samples, elites, iterations, spread, floor,
//           momentum (the planner's, as in wm_core/planning/cem.py); actions: how many after each press of Go.
// Networks: look, frame [1, size, size] -> z [1, dim], places [1, 4]
//           imagine, z [1, dim], actions [samples, horizon, 2], goal [1, dim] -> cost [samples], places [samples, horizon, 4]
//           landscape, z [1, dim], goal [1, dim] -> energy [1, side²] of first actions on a grid, row by row
import { button, canvas, choice, clock, colours, element, legend, onTheme, openNetworks, reading, reducedMotion, row, say } from "./kit.mjs";

const ROUND = 0.16, MOVE = 0.3; // seconds for which a round of the search and a move are shown

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [size, robotRadius, puckRadius, reach, parts, papers] = ["size", "robot", "puck", "reach", "parts", "papers"].map((key) => model.get(key));
  const [horizon, samples, elites, iterations] = ["horizon", "samples", "elites", "iterations"].map((key) => model.get(key));
  const [spread, floor, momentum, actions] = ["spread", "floor", "momentum", "actions"].map((key) => model.get(key));
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const touch = robotRadius + puckRadius;

  // ---- the world, as wm_core.worlds.robot has it ---------------------------------------------------------------------
  const inside = (at, radius) => at.map((c) => clamp(c, radius, size - radius));
  const shorten = (action) => action.map((c) => c * (reach / Math.max(Math.hypot(...action), reach)));
  function step(state, action) {
    const piece = shorten(action).map((c) => c / parts);
    for (let i = 0; i < parts; i++) state = move(state, piece);
    return state;
  }
  function move(state, piece) {
    const puck = state.slice(2), gone = inside([state[0] + piece[0], state[1] + piece[1]], robotRadius);
    const apart = [puck[0] - gone[0], puck[1] - gone[1]], distance = Math.hypot(...apart);
    const away = gone.map((c, i) => c + apart[i] * (touch / Math.max(distance, 1e-6)));
    const pushed = distance < touch ? inside(away, puckRadius) : puck;
    const free = Math.hypot(pushed[0] - gone[0], pushed[1] - gone[1]) > touch - 1e-3; // else the puck is held by a wall
    return free ? [...gone, ...pushed] : state;
  }
  function draw(state, paper) {
    const [x, y, px, py] = state;
    const cover = (i, cx, cy, radius) => clamp(radius + 0.5 - Math.hypot((i % size) + 0.5 - cx, Math.floor(i / size) + 0.5 - cy), 0, 1);
    return Float32Array.from(papers[paper], (grey, i) => {
      const dark = cover(i, px, py, puckRadius), bright = cover(i, x, y, robotRadius);
      const under = clamp(grey, 0, 1) * (1 - dark) + 0.05 * dark;
      return under * (1 - bright) + 0.95 * bright;
    });
  }

  // ---- the search, as wm_core.planning.cem has it ----------------------------------------------------------------------
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const numbers = horizon * 2;
  const bound = (plan) => {
    const shorter = [];
    for (let h = 0; h < horizon; h++) shorter.push(...shorten(plan.slice(2 * h, 2 * h + 2)));
    return shorter;
  };
  async function search(z, goal, start, { noise = () => Array.from({ length: samples * numbers }, normal), each = () => {} } = {}) {
    let mean = start ? bound(start) : Array(numbers).fill(0), std = Array(numbers).fill(spread);
    for (let round = 0; round < iterations; round++) {
      const drawn = noise(round);
      const plans = Array.from({ length: samples }, (_, s) => (s ? bound(mean.map((m, i) => m + std[i] * drawn[s * numbers + i])) : mean));
      const { cost } = await ask(z, plans, goal);
      const best = Array.from(cost.keys()).sort((a, b) => cost[a] - cost[b]).slice(0, elites);
      if ((await each({ round, plans, cost, best })) === false) return null;
      const centre = mean.map((_, i) => best.reduce((sum, s) => sum + plans[s][i], 0) / elites);
      const width = mean.map((_, i) => Math.sqrt(best.reduce((sum, s) => sum + (plans[s][i] - centre[i]) ** 2, 0) / elites));
      mean = bound(mean.map((m, i) => momentum * m + (1 - momentum) * centre[i]));
      std = std.map((s, i) => Math.max(momentum * s + (1 - momentum) * width[i], floor));
    }
    return mean;
  }
  const ask = (z, plans, goal) => nets.imagine({
    z: [[1, z.length], z], actions: [[samples, horizon, 2], Float32Array.from(plans.flat())], goal: [[1, goal.length], goal],
  });

  // ---- what happens ------------------------------------------------------------------------------------------------------
  let paper = 0, state = [...model.get("start")], goal = [...model.get("goal")], shown = state;
  let z, wanted, energy, plan = null, tried = null, imagined = [], trail = [[...state]], off = null;
  let done = 0, going = false, moving = "robot", busy = Promise.resolve(), version = 0, epoch = 0;

  const inTurn = (act) => (busy = busy.then(act, act));
  const see = async (at) => (await nets.look({ frame: [[1, size, size], draw(at, paper)] })).z;
  async function look() {
    const mine = ++version;
    const [now, then] = [await see(state), await see(goal)];
    const map = (await nets.landscape({ z: [[1, now.length], now], goal: [[1, then.length], then] })).energy;
    if (mine === version) [z, wanted, energy] = [now, then, map]; // else the goal has been moved since
    paint();
    return [now, then];
  }
  async function act() {
    const mine = epoch, gone = () => mine !== epoch; // a new table ends what is under way
    const [now, then] = await look();
    const found = await search(now, then, plan, { each: async (round) => {
      if (gone()) return false;
      tried = round;
      paint();
      if (!reducedMotion()) await pause(ROUND);
    } });
    if (gone()) return;
    const { places } = await ask(now, Array(samples).fill(found), then);
    if (gone()) return;
    imagined = Array.from({ length: horizon }, (_, h) => Array.from(places.slice(4 * h, 4 * h + 4)));
    const next = step(state, found.slice(0, 2)), from = state;
    if (!reducedMotion()) await over(MOVE, (share) => {
      if (gone()) return false;
      shown = from.map((c, i) => c + share * (next[i] - c));
      paint();
    });
    if (gone()) return;
    state = shown = next;
    trail.push([...state]);
    off = Math.hypot(state[0] - imagined[0][0], state[1] - imagined[0][1]);
    plan = [...found.slice(2), 0, 0];
    done += 1;
    if (done >= actions) halt();
    await look();
  }
  const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  async function over(seconds, show) {
    const begin = performance.now();
    for (let share = 0; share < 1;) {
      share = Math.min((performance.now() - begin) / (1000 * seconds), 1);
      if (show(share) === false) return;
      await pause(0.03);
    }
  }
  // Put the goal's robot or puck at a place; what would overlap is put beside.
  function want(which, at) {
    const first = which === "robot" ? 0 : 2, radius = first ? puckRadius : robotRadius;
    const other = goal.slice(2 - first, 4 - first);
    at = inside(at, radius);
    const apart = [at[0] - other[0], at[1] - other[1]], distance = Math.hypot(...apart);
    if (distance < touch) {
      at = inside(other.map((c, i) => c + (distance > 1e-6 ? apart[i] / distance : 1 - i) * (touch + 0.01)), radius);
      if (Math.hypot(at[0] - other[0], at[1] - other[1]) < touch) return; // no room between it and the wall
    }
    goal.splice(first, 2, ...at);
    done = 0;
    tried = null;
    paint();
    look();
  }

  // ---- pictures ------------------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const grid = element("div", { style: "display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.8rem;justify-items:center" });
  const pad = element("div", {
    tabindex: "0", role: "application", "data-focus": "", style: "width:100%;min-width:0;border-radius:8px",
    "aria-label": "The goal picture. Drag the robot or the puck to where it should be, or move it with the arrow keys.",
  });
  const panel = () => element("div", { style: "width:100%;min-width:0" });
  const [table, map] = [panel(), panel()];
  grid.append(pad, table, map);
  const fitted = new ResizeObserver(() => {
    const narrow = grid.clientWidth < 480;
    map.style.gridColumn = narrow ? "1 / -1" : "auto";
    map.style.maxWidth = narrow ? "15rem" : "none";
  });
  fitted.observe(grid);
  el.append(grid);

  const TITLE = 20;
  const panelOf = (parent, title, label, drawIt, drag = false) => canvas(parent, {
    label, drag, height: (width) => width + TITLE, style: drag ? "cursor:grab;" : "",
    draw(ctx, width) {
      say(ctx, title, 1, 13, colour.ink, colour.paper);
      ctx.save();
      ctx.translate(0, TITLE);
      ctx.beginPath();
      ctx.rect(0, 0, width, width);
      ctx.clip();
      drawIt(ctx, width, width / size);
      ctx.restore();
    },
  });
  const tile = element("canvas", { width: size, height: size });
  function picture(ctx, pixels, width) {
    const small = tile.getContext("2d"), image = small.createImageData(size, size);
    pixels.forEach((grey, i) => image.data.set([grey * 255, grey * 255, grey * 255, 255], 4 * i));
    small.putImageData(image, 0, 0);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(tile, 0, 0, width, width);
  }
  function ring(ctx, x, y, radius, stroke, dash, thick = 2.4) {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.setLineDash([]);
    ctx.lineWidth = thick + 2.4; // a rim that keeps the mark apart from any wallpaper
    ctx.strokeStyle = "rgb(255 255 255 / .85)";
    ctx.stroke();
    ctx.setLineDash(dash);
    ctx.lineWidth = thick;
    ctx.strokeStyle = stroke;
    ctx.stroke();
    ctx.setLineDash([]);
  }
  function dot(ctx, x, y, radius, fill) {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.lineWidth = 2.4;
    ctx.strokeStyle = "rgb(255 255 255 / .9)";
    ctx.stroke();
    ctx.fillStyle = fill;
    ctx.fill();
  }
  const goalView = panelOf(pad, "goal: drag me", "The goal picture.", (ctx, width, unit) => {
    picture(ctx, draw(goal, paper), width);
    const [x, y, radius] = moving === "robot" ? [goal[0], goal[1], robotRadius] : [goal[2], goal[3], puckRadius];
    ring(ctx, x * unit, y * unit, radius * unit, colour.ink, [2, 4], 1.6); // what the arrow keys move
  }, true);
  const tableView = panelOf(table, "the table", "The table with the robot, its way, and where the network imagines it.", (ctx, width, unit) => {
    picture(ctx, draw(shown, paper), width);
    const line = new Path2D();
    [...trail.slice(-40), shown].forEach(([x, y], i) => line[i ? "lineTo" : "moveTo"](x * unit, y * unit));
    for (const [thick, stroke] of [[5, "rgb(255 255 255 / .6)"], [2, colour.actual]]) {
      ctx.lineWidth = thick;
      ctx.strokeStyle = stroke;
      ctx.stroke(line);
    }
    dot(ctx, shown[0] * unit, shown[1] * unit, Math.max(3, 0.5 * unit), colour.actual);
    imagined.forEach(([x, y, px, py], h) => {
      ring(ctx, x * unit, y * unit, robotRadius * unit * (h ? 0.6 : 1), colour.imagined, [4, 3]);
      if (h === 0) ring(ctx, px * unit, py * unit, puckRadius * unit, colour.imagined, [2, 4], 1.6);
    });
  });
  const mapView = panelOf(map, "energy of first actions", "The energy of each first action, dark where it is low, and the plans that are tried.", (ctx, width) => {
    if (!energy) return;
    const side = Math.sqrt(energy.length), cell = width / side, low = Math.min(...energy), high = Math.max(...energy);
    energy.forEach((value, i) => {
      const grey = 255 * ((value - low) / Math.max(high - low, 1e-9));
      ctx.fillStyle = `rgb(${grey} ${grey} ${grey})`;
      ctx.fillRect((i % side) * cell, Math.floor(i / side) * cell, cell + 0.5, cell + 0.5);
    });
    const unit = ((side - 1) * cell) / (2 * reach), X = (c) => width / 2 + c * unit;
    ctx.beginPath();
    ctx.arc(X(0), X(0), reach * unit, 0, 2 * Math.PI);
    ctx.lineWidth = 1.5;
    ctx.strokeStyle = "rgb(128 128 128)";
    ctx.stroke();
    if (!tried) return;
    const kept = new Set(tried.best);
    tried.plans.forEach(([x, y], s) => kept.has(s) || dot(ctx, X(x), X(y), 1.8, colour.rival));
    for (const s of kept) ring(ctx, X(tried.plans[s][0]), X(tried.plans[s][1]), 4, colour.imagined, []);
  });

  const words = reading();
  const between = (first) => Math.hypot(state[first] - goal[first], state[first + 1] - goal[first + 1]);
  function paint() {
    for (const view of [goalView, tableView, mapView]) view.paint();
    const count = trail.length - 1;
    words.textContent = `After ${count} ${count === 1 ? "action" : "actions"} the robot is ${between(0).toFixed(1)} pixels from its place in the picture, the puck ${between(2).toFixed(1)} from its own.`
      + (energy ? ` Lowest energy of an action: ${Math.min(...energy).toFixed(3)}.` : "")
      + (off === null ? "" : ` The last action was imagined to within ${off.toFixed(1)} pixels.`);
  }

  // ---- controls ------------------------------------------------------------------------------------------------------------
  const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  pad.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    const first = moving === "robot" ? 0 : 2, by = keys[event.key];
    want(moving, [goal[first] + by[0], goal[first + 1] + by[1]]);
  });
  let held = null; // what the pointer drags, and how far from its centre
  const place = (event) => {
    const at = goalView.element.getBoundingClientRect();
    return [((event.clientX - at.left) / at.width) * size, ((event.clientY - at.top - TITLE) / at.width) * size];
  };
  goalView.element.addEventListener("pointerdown", (event) => {
    const [x, y] = place(event);
    const onPuck = Math.hypot(x - goal[2], y - goal[3]) < puckRadius;
    const onRobot = Math.hypot(x - goal[0], y - goal[1]) < robotRadius;
    moving = keep.value = onPuck && !onRobot ? "puck" : "robot";
    const first = moving === "robot" ? 0 : 2;
    held = onPuck || onRobot ? [goal[first] - x, goal[first + 1] - y] : [0, 0];
    goalView.element.setPointerCapture(event.pointerId);
    if (!(onPuck || onRobot)) want(moving, [x, y]);
    else paint();
  });
  goalView.element.addEventListener("pointermove", (event) => held && want(moving, place(event).map((c, i) => c + held[i])));
  for (const end of ["pointerup", "pointercancel"]) goalView.element.addEventListener(end, () => (held = null));

  const go = button("Go", () => (going ? halt() : start()));
  function start() {
    going = true;
    done = 0;
    go.textContent = "Pause";
  }
  function halt() {
    going = false;
    go.textContent = "Go";
  }
  function another() {
    epoch++;
    paper = (paper + 1) % papers.length;
    const anywhere = (radius) => [0, 1].map(() => radius + (size - 2 * radius) * Math.random());
    do state = [...anywhere(robotRadius), ...anywhere(puckRadius)]; while (Math.hypot(state[0] - state[2], state[1] - state[3]) < touch);
    goal = [...state];
    do goal.splice(0, 2, ...anywhere(robotRadius)); while (Math.hypot(goal[0] - goal[2], goal[1] - goal[3]) < touch + 0.5 || between(0) < 6);
    [shown, plan, tried, imagined, trail, off, done] = [state, null, null, [], [[...state]], null, 0];
    return look();
  }
  const choose = choice("Arrow keys move", [["robot", "the robot"], ["puck", "the puck"]], moving, (value) => {
    moving = value;
    paint();
  });
  const keep = choose.querySelector("select");
  el.append(
    words,
    row(go, button("One action", () => { halt(); inTurn(act); }), button("New table", () => { halt(); another(); }), choose),
    legend([["actual", "the robot"], ["imagined", "imagined after the plan's actions; in the map, plans kept"], ["rival", "plans tried"]]),
  );

  const stopClock = clock(el, () => (going ? inTurn(act) : undefined));
  const stopTheme = onTheme(() => {
    colour = colours(el);
    paint();
  });
  await look();
  el.wm = { // for tests
    nets, draw, step, search, want, act: () => inTurn(act),
    state: () => ({ state, goal, z: [...z], wanted: [...wanted], energy: [...energy], imagined, off, done, going }),
  };
  return () => [stopClock, stopTheme, ...[goalView, tableView, mapView].map((view) => view.stop), () => fitted.disconnect()].forEach((stop) => stop());
}

export default { render };

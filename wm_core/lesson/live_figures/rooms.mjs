// Two rooms and a door. Drag the dot, the goal, the wall and the door; at every step a planner tries paths in imagination, and the
// dot takes the first steps of the chosen one.
//
// Settings: world: size, blob, thick, door, border, reach, noise, margin, as in wm_core/worlds/rooms.py; wall_x, door_y; start,
//           goal: [x, y] in pixels; steps: how many a drive has; near: how close to the goal counts, in pixels;
//           costs, planners, engines, intervals, samples, horizons: the choices there are, from CHOICES below or numbers. One
//           with a single choice is not shown; chosen: {cost, planner, engine, levels, interval, samples, horizon} at first, else
//           the first of each; along: "sum" or "last", which imagined places count; stride: in a sum every stride-th counts (1);
//           search: iterations, spread, floor, momentum, temperature, shrink, smooth, as in wm_core/planning; share: of the samples
//           that are elites; reach: the longest action that is tried, else the world's (walks to learn from have none above 1.8);
//           high: the same for the second level, with samples, reach, horizon and lasts, as in wm_core/planning/subgoals.py; below:
//           how far the first level plans then, if not as far as the chosen horizon.
// Networks, where an engine is "network" (z may have any shape behind its first axis; n, k and m are whatever was exported, and best
// so that a round of the search is one call: m = n k). wm_core.jepa.two_rooms_export makes the first three:
//           encode, frame [1, 2, size, size] -> z [1, dim], place [1, 2] in pixels
//           imagine, z [n, dim], actions [n, k, 2] -> path [n, k, dim], places [n, k, 2]
//           value (for the cost "value"), z [m, dim], goal [1 or m, dim] -> steps to go [m]
//           propose (for two levels), z [n, dim], actions [n, k, any] -> path [n, k, dim], places [n, k, 2]
import { button, canvas, choice, clock, colours, element, legend, onTheme, openNetworks, reading, reducedMotion, row } from "./kit.mjs";
import { painter } from "./rooms_picture.mjs";
import { apart, planner } from "./rooms_plan.mjs";
import { generator, twoRooms } from "./rooms_world.mjs";

const PACE = 0.075, ROUND = 0.16; // seconds for which a step, and a round of the search, are shown
const CALM = 0.2; // and a step where the reader wants little motion
const TAP = 8; // pixels that a finger may move between down and up
const CHOICES = {
  cost: ["Cost", { plain: "distance", value: "learned value", path: "path length" }],
  planner: ["Planner", { cem: "CEM", mppi: "MPPI" }],
  engine: ["Imagined by", { true: "the true rules", network: "the network" }],
  levels: ["Levels", { one: "one level", two: "two levels" }],
  interval: ["Plans again", { 1: "every step" }, (n) => `every ${n} steps`],
  samples: ["Samples", {}, (n) => `${n} plans`],
  horizon: ["Horizon", {}, (n) => `${n} steps`],
};

const SANS = "var(--wm-sans, system-ui, sans-serif)", CENTRED = "text-align:center;color:var(--wm-muted, #5c606a)";
const NOTE = `margin:.4rem 0 0;font:500 .88rem/1.4 ${SANS};${CENTRED}`;
let figures = 0; // on this page
const counted = (n, things) => `${n} ${things}${n === 1 ? "" : "s"}`;

async function render({ model, el }) {
  const nets = Object.keys(model.get("models")).length ? await openNetworks(model) : {};
  const [settings, limit, near, along] = ["world", "steps", "near", "along"].map((key) => model.get(key));
  const options = Object.fromEntries(["cost", "planner", "engine", "interval", "horizon"].map((key) => [key, model.get(`${key}s`)]));
  options.samples = model.get("samples");
  options.levels = nets.propose ? ["one", "two"] : ["one"];
  const chosen = Object.fromEntries(Object.entries(options).map(([key, all]) => [key, model.get("chosen")?.[key] ?? all[0]]));

  // ---- the world and what may be moved in it ---------------------------------------------------------------------------
  let wallX = model.get("wall_x"), doorY = model.get("door_y"), world = twoRooms(settings, wallX, doorY);
  const clear = (place) => world.clear(place, settings.margin);
  let start = clear(model.get("start")), goal = clear(model.get("goal")), far = world.pathLength(goal);
  let at = start, shown = start, trail = [start], pieces = [], gaps = [], first = null; // first: the step that reached the goal
  let plan = null, reveal = Infinity, driving = false, epoch = 0, drives = 0, nudge = generator(1), event = "";

  // ---- planning ----------------------------------------------------------------------------------------------------------
  const makePlan = planner(nets, { ...settings, along, stride: model.get("stride"), search: model.get("search"), high: model.get("high") });
  // Plan from where things are now. Of many requests in a row only the last is worth the work.
  let thinking = Promise.resolve(), requests = 0;
  function think(mean) {
    const mine = ++requests;
    thinking = thinking.then(async () => {
      if (mine !== requests) return;
      const noise = generator(1e6 * drives + trail.length);
      const made = await makePlan({ world, at, goal, chosen: { ...chosen }, start: mean, before: plan, noise });
      made.stale = mine !== requests; // something moved meanwhile: worth a look, not to be done
      plan = made;
      paint();
    }).catch((error) => {
      halt();
      tell(`The planner stopped: ${error.message}`);
    });
    return thinking;
  }
  // The map of the cost is drawn anew when the goal, the walls or the cost are other ones; the network takes a while for it.
  let mapped = 0;
  async function survey() {
    const mine = ++mapped, gone = () => mine !== mapped || !mapping;
    const made = mapping ? await makePlan.map({ world, goal, chosen: { ...chosen }, gone }) : null;
    if (mine !== mapped) return;
    map = made;
    paint();
  }
  const chartAgain = () => survey().catch((error) => tell(`The map stopped: ${error.message}`));
  async function settled() {
    for (let last; last !== thinking;) await (last = thinking);
  }

  // ---- what happens --------------------------------------------------------------------------------------------------------
  async function act() {
    const mine = epoch, gone = () => mine !== epoch; // whoever moves the dot or the wall ends what is under way
    await settled();
    if (gone()) return;
    if (!plan || plan.stale) return halt(); // the planner failed, and has said so
    const doing = plan, i = doing.age, next = world.step(at, doing.actions.subarray(2 * i, 2 * i + 2), nudge), from = at;
    const begin = performance.now();
    for (let share = 0; share < 1;) {
      await new Promise((resolve) => setTimeout(resolve, 16));
      if (gone()) return;
      share = Math.min((performance.now() - begin) / (1000 * (reducedMotion() ? CALM : PACE)), 1);
      if (!reducedMotion()) shown = from.map((c, d) => c + share * (next[d] - c));
      paint();
    }
    if (i === 0) pieces.push([doing.from]);
    pieces.at(-1).push(doing.places[i]);
    gaps.push(apart(doing.places[i], next));
    trail.push((at = shown = next));
    doing.age++;
    if (first === null && apart(at, goal) < near) first = trail.length - 1;
    const steps = trail.length - 1, count = counted(steps, "step"), left = apart(at, goal), stuck = still();
    if (driving && first !== null && (left < 1 || left >= apart(from, goal))) {
      halt();
      tell(`At the goal after ${counted(first, "step")}.`);
    } else if (driving && steps >= limit) {
      halt();
      tell(`${count} are over: ${left.toFixed(1)} px from the goal${stuck ? ", and stuck" : ""}.`);
    } else tell(stuck && left >= near ? "It has hardly moved for 25 steps: stuck." : driving ? "" : `${count} done.`);
    if (doing !== plan || doing.stale || doing.age >= Math.min(chosen.interval, doing.horizon)) {
      await think(doing === plan && !doing.stale ? doing.actions.slice(2 * doing.age) : null);
    }
    paint();
  }
  const still = () => trail.length > 25 && apart(trail.at(-26), at) < 4;
  function forget() { // the past ends here, and what is under way with it
    epoch++;
    [shown, trail, pieces, gaps, first] = [at, [at], [], [], null];
    nudge = generator(++drives);
    tell("");
  }
  function changed() {
    if (plan) plan.stale = true;
    reveal = Infinity;
    paint();
    if (mapping) chartAgain();
    return think(null);
  }
  const replay = () => settled().then(() => (reveal = driving || reducedMotion() ? Infinity : 0)); // show the search, round by round
  // Put something at a place: the dot, the goal, the wall (left and right) or the door (up and down).
  function put(what, [x, y]) {
    const limits = (c, low, high) => Math.min(high, Math.max(low, c)); // whole pixels, as in the layouts that networks know
    if (what === "wall") wallX = Math.round(limits(x, 20, settings.size - 21));
    if (what === "door") doorY = Math.round(limits(y, 10, settings.size - 11));
    if (what === "wall" || what === "door") world = twoRooms(settings, wallX, doorY);
    if (what === "goal") goal = [x, y];
    if (what === "dot") start = at = clear([x, y]);
    if (what !== "goal") [at, start] = [what === "door" && !inWall(at) ? at : clear(at), clear(start)];
    [goal, first] = [clear(goal), null];
    far = world.pathLength(goal);
    if (what !== "goal") forget();
    return changed();
  }
  const inWall = ([x]) => Math.abs(x - wallX) <= settings.thick / 2;

  // ---- pictures --------------------------------------------------------------------------------------------------------------
  const scene = painter(settings);
  let colour = colours(el), moving = "goal", hover = null, map = null, mapping = false; // map: the cost of places, if it is shown
  const body = element("div", { style: "display:flex;flex-wrap:wrap;gap:.9rem 1.1rem;align-items:flex-start" });
  const pad = element("div", {
    tabindex: "0", role: "application", "data-focus": "", style: "border-radius:8px", "aria-describedby": `wm-rooms-${++figures}`,
    "aria-label": "Two rooms. Drag the goal, the dot, the wall or the door, or move what is chosen with the arrow keys. "
      + "With wall and door chosen, left and right move the wall, up and down the door.",
  });
  const left = element("div", { style: "flex:5 1 17rem;min-width:0" }, pad), aside = element("div");
  const texts = element("div", { style: "flex:1 0 100%;min-width:0;order:1" }), notes = element("div", { style: "flex:1 0 100%;min-width:0;order:3" });
  body.append(left, aside, texts, notes);
  el.append(body);
  const fitted = new ResizeObserver(() => { // beside the rooms, or below them and the words
    const narrow = body.clientWidth < 500;
    aside.style.cssText = narrow
      ? "flex:1 0 100%;order:2;display:grid;grid-template-columns:1fr 1fr;gap:.5rem .8rem"
      : "flex:1 1 12.5rem;min-width:0;display:grid;gap:.45rem";
    for (const label of aside.querySelectorAll("label")) {
      label.style.cssText += narrow ? "flex-direction:column;align-items:stretch;gap:.15rem" : "flex-direction:row;align-items:center;justify-content:space-between";
      label.querySelector("select").style.width = narrow ? "100%" : "8.6rem";
    }
  });
  fitted.observe(body);

  const view = canvas(pad, {
    label: "Two rooms from above, with the paths that the planner imagines and the way that the dot has gone.",
    height: (width) => width, style: "cursor:grab;border-radius:8px;",
    draw: (ctx, width) => scene.draw(ctx, width, { colour, world, wallX, goal, near, moving, hover, plan, reveal, trail, pieces, shown, map }),
  });

  // ---- words -------------------------------------------------------------------------------------------------------------------
  const words = reading();
  words.id = `wm-rooms-${figures}`;
  const news = element("div", { role: "status", style: `min-height:1.4em;font:650 .95rem/1.4 ${SANS};text-align:center` });
  const effort = element("div", { style: `font:500 .92rem/1.35 ${SANS};font-variant-numeric:tabular-nums;${CENTRED}` });
  function tell(sentence) {
    if (sentence !== event) news.textContent = event = sentence;
  }
  const where = (place) => `(${place.map((c) => c.toFixed(0)).join(", ")})`;
  function paint() {
    view.paint();
    const steps = trail.length - 1, mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length, left = apart(at, goal), way = far(at);
    words.textContent = `The dot at ${where(at)}, the goal at ${where(goal)}, the door at ${where([wallX, doorY])}: `
      + (way - left < 0.05 ? `${left.toFixed(1)} px to go, with nothing in the way.`
        : `${left.toFixed(1)} px to go in a straight line, ${way.toFixed(1)} px on foot, round the wall.`)
      + (steps ? ` Over ${counted(steps, "step")} the imagined places were ${mean.toFixed(1)} px from the actual ones on average.` : "");
    if (!plan) return;
    const { rounds, tried, breaches, transitions, ms } = plan;
    effort.textContent = reveal < rounds.length
      ? `Round ${Math.floor(reveal) + 1} of ${rounds.length}: ${tried.samples} plans tried, the best ${tried.elites} in orange.`
      : `One plan: ${transitions.toLocaleString("en")} imagined steps, ${ms.toFixed(0)} ms.`
        + (breaches.length ? " In imagination it goes through the wall." : "");
  }

  // ---- controls ------------------------------------------------------------------------------------------------------------------
  const selects = {};
  function select(key, value) {
    chosen[key] = value;
    if (selects[key]) selects[key].value = String(value);
  }
  // What only a network can do needs the network; say so, and see to it.
  function agree(key) {
    const latent = [chosen.cost === "value" && "the learned value", chosen.levels === "two" && "the second level"].filter(Boolean);
    if (chosen.engine !== "true" || !latent.length) return "";
    if (key !== "engine" && options.engine.includes("network")) {
      select("engine", "network");
      return `The network imagines now: ${latent.join(" and ")} can judge only its latents.`;
    }
    select("levels", "one");
    if (chosen.cost === "value") select("cost", options.cost.find((kind) => kind !== "value") ?? "plain");
    return `Without the network there is no use for ${latent.join(" and ")}, which judge its latents.`;
  }
  for (const [key, [label, names, name = String]] of Object.entries(CHOICES)) {
    if (options[key].length < 2) continue;
    const typed = (text) => options[key].find((value) => String(value) === text);
    const made = choice(label, options[key].map((value) => [String(value), names[value] ?? name(value)]), String(chosen[key]), (text) => {
      chosen[key] = typed(text);
      tell(agree(key) || (mapping ? terraces() : ""));
      changed().then(replay);
    });
    selects[key] = made.querySelector("select");
    aside.append(made);
  }
  const MOVES = { goal: "the goal", dot: "the dot", wall: "wall and door" };
  const arrows = choice("Arrow keys", Object.entries(MOVES), moving, (value) => {
    moving = value;
    paint();
  });
  aside.append(arrows);
  function terraces() {
    const dark = colour.ink.match(/[\d.]+/)[0] > 127, kind = chosen.cost === "plain" ? "distance" : CHOICES.cost[1][chosen.cost];
    return `Each terrace is a level of the ${kind} to the goal, the ${dark ? "lighter" : "darker"} the farther.`;
  }
  const drive = button("Drive", () => (driving ? halt() : go()));
  function go() {
    if (trail.length > limit || (first !== null && apart(at, goal) < near)) back();
    [driving, reveal] = [true, Infinity];
    tell("");
    drive.textContent = "Pause";
  }
  function halt() {
    driving = false;
    drive.textContent = "Drive";
  }
  function back() {
    halt();
    at = start;
    forget();
    return changed();
  }
  let acting = Promise.resolve();
  const inTurn = () => (acting = acting.then(act, act));
  const once = button("One step", () => {
    halt();
    const before = plan;
    return inTurn().then(() => (plan === before ? null : replay()));
  });
  const chart = button("Cost map", () => {
    mapping = !mapping;
    chart.setAttribute("aria-pressed", mapping);
    chart.style.borderColor = mapping ? "var(--wm-ink, #23262e)" : "var(--wm-grid, #dcd8ce)";
    tell(mapping ? terraces() : "");
    return chartAgain();
  });
  chart.setAttribute("aria-pressed", false);
  left.append(row(drive, once, button("Put back", back), chart));
  const key = legend([["muted", "every plan tried"], ["imagined", "the best plans, and the chosen one"], ["actual", "where the dot went"]]);
  const marks = "In the ring it has arrived. Grey rungs join what was imagined to what happened; a cross is where the chosen plan goes through the wall.";
  texts.append(effort, words, news);
  notes.append(key, element("div", { style: NOTE }, marks + (options.levels.length > 1 ? " Diamonds say where to be soon." : "")));

  // The pointer takes what is nearest; on empty ground it brings the goal.
  function under(place) {
    const reach = Math.max(3, scene.pixels(20)), [x, y] = place, inDoor = Math.abs(y - doorY) < settings.door + 1;
    const ways = [["goal", apart(place, goal)], ["dot", apart(place, at)]].filter(([, d]) => d < Math.max(reach, near)).sort((a, b) => a[1] - b[1]);
    return ways[0]?.[0] ?? (Math.abs(x - wallX) < Math.max(settings.thick, reach * 0.7) ? (inDoor ? "door" : "wall") : null);
  }
  const place = (pointer) => {
    const box = view.element.getBoundingClientRect();
    return scene.place(pointer.clientX - box.left, pointer.clientY - box.top);
  };
  let held = null; // what the pointer drags, how far from where it was taken, and where a finger touched empty ground
  function point(over) {
    if (over === hover) return;
    hover = over;
    view.element.style.cursor = { goal: "grab", dot: "grab", wall: "ew-resize", door: "ns-resize" }[hover] ?? "crosshair";
    view.paint();
  }
  // A finger on what can be moved moves it, one on empty ground scrolls the page.
  view.element.addEventListener("touchstart", (touch) => {
    if (touch.touches.length === 1 && under(place(touch.touches[0]))) touch.preventDefault();
  }, { passive: false });
  view.element.addEventListener("pointerdown", (pointer) => {
    if (pointer.button || held) return;
    const spot = place(pointer), over = under(spot), what = over ?? "goal", from = { goal, dot: at, wall: [wallX, doorY], door: [wallX, doorY] }[what];
    held = { what, by: over ? from.map((c, i) => c - spot[i]) : [0, 0], id: pointer.pointerId };
    if (!over && pointer.pointerType !== "mouse") return void (held.tap = [pointer.clientX, pointer.clientY]);
    moving = arrows.querySelector("select").value = what === "door" ? "wall" : what;
    view.element.setPointerCapture(pointer.pointerId);
    if (what === "dot") halt();
    if (!over) put("goal", spot);
    else paint();
  });
  view.element.addEventListener("pointermove", (pointer) => {
    const spot = place(pointer);
    if (!held) return point(under(spot));
    if (pointer.pointerId === held.id && !held.tap) put(held.what, spot.map((c, i) => c + held.by[i]));
  });
  view.element.addEventListener("pointerup", (pointer) => {
    if (pointer.pointerId !== held?.id) return;
    const { tap } = held, moved = tap && apart([pointer.clientX, pointer.clientY], tap);
    held = null;
    if (tap && moved < TAP) put("goal", place(pointer));
    replay();
  });
  view.element.addEventListener("pointercancel", ({ pointerId }) => pointerId === held?.id && (held = null));
  view.element.addEventListener("pointerleave", () => held || point(null));
  const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  pad.addEventListener("keydown", (pressed) => {
    const by = keys[pressed.key];
    if (!by || pressed.ctrlKey || pressed.altKey || pressed.metaKey) return; // Alt and left is the browser's way back
    pressed.preventDefault();
    if (moving === "dot") halt();
    if (moving === "wall") put(by[0] ? "wall" : "door", [wallX + by[0], doorY + by[1]]);
    else put(moving, (moving === "goal" ? goal : at).map((c, i) => c + by[i]));
  });

  const stopClock = clock(el, (seconds) => {
    if (driving) return inTurn();
    if (!plan || reveal >= plan.rounds.length) return;
    reveal += seconds / ROUND;
    paint();
  });
  const stopTheme = onTheme(() => {
    colour = colours(el);
    paint();
  });
  agree();
  await think(null);
  replay(); // the first thing to be seen is a search
  el.wm = { // for tests
    nets, put, act: inTurn, settled, survey, makePlan,
    state: () => ({ at, start, goal, wallX, doorY, trail, gaps, first, driving, chosen, event, plan, map }),
  };
  return () => [stopClock, stopTheme, view.stop, () => fitted.disconnect()].forEach((stop) => stop());
}

export default { render };

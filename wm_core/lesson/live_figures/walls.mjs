// Two rooms and a door. From wherever the dot is put, straight walks go out in all directions: as they are, and as a network imagines
// them that saw the room once. What goes through the wall in imagination alone is marked, and counted.
//
// Settings: world: size, blob, thick, door, border, reach, noise, margin, as in wm_core/worlds/rooms.py; wall_x, door_y;
//           start: [x, y] in pixels; stride: the length of a step, in pixels;
//           minds: [[key, words], ...], the networks that there are to choose from, the first at first.
// Networks, for each key: encode_KEY, frame [1, 2, size, size] -> z [1, dim], place [1, 2] in pixels
//           imagine_KEY, z [n, dim], actions [n, k, 2] -> path [n, k, dim], places [n, k, 2]; n walks of k steps are shown
import { button, canvas, choice, clock, colours, element, legend, onTheme, openNetworks, reading, reducedMotion, row } from "./kit.mjs";
import { twoRooms } from "./rooms_world.mjs";

const PACE = 11; // steps a second in which the walks grow
const NUDGE = 1; // pixels by which an arrow key moves the dot
const MARGIN = 1.6; // pixels of the outer wall that are drawn

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [settings, wallX, doorY, stride, minds] = ["world", "wall_x", "door_y", "stride", "minds"].map((key) => model.get(key));
  const world = twoRooms(settings, wallX, doorY), { size } = settings;
  const [walks, steps] = nets[`imagine_${minds[0][0]}`].shapes.actions;
  const ways = Array.from({ length: walks }, (_, i) => [0, 1].map((d) => stride * (d ? Math.sin : Math.cos)((2 * Math.PI * i) / walks)));
  const actions = Float32Array.from({ length: walks * steps * 2 }, (_, i) => ways[Math.floor(i / (2 * steps))][i % 2]);

  // ---- what is, and what is imagined -----------------------------------------------------------------------------------
  let at = world.clear(model.get("start"), settings.margin), mind = minds[0][0], scene = null, grown = steps;
  function follow(from, way) {
    const path = [from];
    for (let i = 0; i < steps; i++) path.push(world.step(path.at(-1), way));
    return path;
  }
  // The step after which a walk is beyond the wall, seen from where it began; -1 if it never is.
  const side = (from) => (from[0] < wallX ? 1 : -1);
  const beyond = (path, from) => path.findIndex(([x]) => side(from) * (x - wallX) > settings.thick / 2);
  let thinking = Promise.resolve(), requests = 0;
  function think() {
    const mine = ++requests; // of many requests in a row only the last is worth the work
    thinking = thinking.then(async () => {
      if (mine !== requests) return;
      const from = at, frame = Float32Array.from(world.draw(from));
      const seen = await nets[`encode_${mind}`]({ frame: [[1, 2, size, size], frame] }), dim = seen.z.length;
      const z = Float32Array.from({ length: walks * dim }, (_, i) => seen.z[i % dim]);
      const { places } = await nets[`imagine_${mind}`]({ z: [[walks, dim], z], actions: [[walks, steps, 2], actions] });
      const fan = ways.map((way, i) => {
        const actual = follow(from, way);
        const imagined = [[...seen.place], ...Array.from({ length: steps }, (_, t) => [...places.slice(2 * (i * steps + t), 2 * (i * steps + t) + 2)])];
        const crosses = beyond(actual, from) >= 0, leak = crosses ? -1 : beyond(imagined, from);
        return { actual, imagined, crosses, leak, gap: Math.hypot(...[0, 1].map((d) => actual.at(-1)[d] - imagined.at(-1)[d])) };
      });
      scene = { from, fan, mind };
      paint();
    }).catch((error) => (words.textContent = `The network stopped: ${error.message}`));
    return thinking;
  }
  function put(place, grow = false) {
    at = world.clear(place, settings.margin);
    grown = grow && !reducedMotion() ? 0 : steps;
    return think();
  }

  // ---- the picture -------------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const corner = world.low - MARGIN, span = size - 1 - 2 * corner;
  const pad = element("div", {
    tabindex: "0", role: "application", "data-focus": "", style: "border-radius:8px;max-width:30rem;margin:0 auto",
    "aria-label": "Two rooms. Drag the dot, or move it with the arrow keys.",
  });
  el.append(pad);
  const view = canvas(pad, {
    label: "Two rooms from above. Walks go out from the dot in all directions, actual ones in blue and imagined ones in orange.",
    height: (width) => width, drag: true, style: "cursor:grab;border-radius:8px;",
    draw(ctx, width) {
      const unit = width / span, X = (c) => (c - corner) * unit;
      const line = (path, until) => {
        ctx.beginPath();
        path.slice(0, Math.floor(until) + 1).forEach(([x, y], i) => ctx[i ? "lineTo" : "moveTo"](X(x), X(y)));
        if (until < path.length - 1) { // the step that is being taken
          const [a, b] = [path[Math.floor(until)], path[Math.floor(until) + 1]], share = until % 1;
          ctx.lineTo(...[0, 1].map((d) => X(a[d] + share * (b[d] - a[d]))));
        }
        ctx.stroke();
      };
      ctx.fillStyle = colour.muted;
      ctx.globalAlpha = 0.55;
      ctx.beginPath();
      ctx.rect(0, 0, width, width);
      ctx.roundRect(X(world.low), X(world.low), X(world.high) - X(world.low), X(world.high) - X(world.low), 2);
      ctx.fill("evenodd");
      for (const [from, to] of [[world.low, world.top], [world.bottom, world.high]]) {
        ctx.fillRect(X(world.left), X(from), X(world.right) - X(world.left), X(to) - X(from));
      }
      ctx.globalAlpha = 1;
      if (!scene) return;
      ctx.lineWidth = 1.6;
      for (const { actual } of scene.fan) {
        ctx.strokeStyle = colour.actual;
        ctx.globalAlpha = 0.75;
        line(actual, grown);
      }
      for (const { imagined, leak } of scene.fan) {
        const through = leak >= 0 && leak <= grown;
        [ctx.strokeStyle, ctx.globalAlpha, ctx.lineWidth] = [colour.imagined, through ? 1 : 0.85, through ? 2.6 : 1.6];
        ctx.setLineDash([4, 3]);
        line(imagined, grown);
        ctx.setLineDash([]);
        if (through) { // a cross where it comes out of the wall
          const [x, y] = imagined[leak].map(X);
          ctx.lineWidth = 2.4;
          for (const d of [-1, 1]) {
            ctx.beginPath();
            ctx.moveTo(x - 4, y - 4 * d);
            ctx.lineTo(x + 4, y + 4 * d);
            ctx.stroke();
          }
        }
      }
      ctx.globalAlpha = 1;
      const spot = (place, fill) => {
        ctx.beginPath();
        ctx.arc(...place.map(X), 6, 0, 2 * Math.PI);
        ctx.fillStyle = fill;
        ctx.fill();
        ctx.lineWidth = 2;
        ctx.strokeStyle = colour.paper;
        ctx.stroke();
      };
      spot(at, colour.actual);
    },
  });

  // ---- words ---------------------------------------------------------------------------------------------------------------
  const words = reading();
  const where = (place) => `(${place.map((c) => c.toFixed(0)).join(", ")})`;
  function paint() {
    view.paint();
    if (!scene) return;
    const { fan, from } = scene, held = fan.filter(({ crosses }) => !crosses);
    const leaks = held.filter(({ leak }) => leak >= 0).length, passed = fan.length - held.length;
    const missed = fan.filter(({ crosses, imagined }) => crosses && beyond(imagined, from) < 0).length;
    const gap = fan.reduce((sum, walk) => sum + walk.gap, 0) / fan.length;
    const door = passed
      ? `${passed} ${passed === 1 ? "goes" : "go"} through the door, ${missed ? `${missed} of them not` : "also"} in imagination. `
      : "None goes through the door. ";
    const wall = `Of the other ${held.length}, imagination sends ${leaks || "none"} through the wall. `;
    words.textContent = `${fan.length} walks of ${steps} steps from ${where(from)}. ${door}${wall}They end ${gap.toFixed(1)} px from where they are imagined to end, on average.`;
  }

  // ---- controls --------------------------------------------------------------------------------------------------------------
  const keys = { ArrowLeft: [-NUDGE, 0], ArrowRight: [NUDGE, 0], ArrowUp: [0, -NUDGE], ArrowDown: [0, NUDGE] };
  pad.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    event.preventDefault();
    const [dx, dy] = keys[event.key], wanted = [at[0] + dx, at[1] + dy];
    const stuck = Math.abs(world.clear(wanted, settings.margin)[0] - at[0]) < 1e-6;
    if (stuck && dx && side(at) === Math.sign(dx)) wanted[0] = wallX + Math.sign(dx) * (settings.thick / 2 + settings.margin); // across
    put(wanted);
  });
  const place = (event) => {
    const box = view.element.getBoundingClientRect(), unit = box.width / span;
    return [(event.clientX - box.left) / unit + corner, (event.clientY - box.top) / unit + corner];
  };
  let dragging = false;
  view.element.addEventListener("pointerdown", (event) => {
    view.element.setPointerCapture(event.pointerId);
    dragging = true;
    put(place(event));
  });
  view.element.addEventListener("pointermove", (event) => dragging && put(place(event)));
  for (const end of ["pointerup", "pointercancel"]) view.element.addEventListener(end, () => (dragging = false));
  const chooser = choice("Imagined by", minds, mind, (value) => {
    mind = value;
    put(at, true);
  });
  const again = button("Walk again", () => put(at, true));
  el.append(
    words,
    row(...(minds.length > 1 ? [chooser] : []), again),
    legend([["actual", "what happens"], ["imagined", "what the network imagines"]]),
  );

  const stopClock = clock(el, (seconds) => {
    if (grown >= steps || !scene) return;
    grown = Math.min(grown + PACE * seconds, steps);
    view.paint();
  });
  const stopTheme = onTheme(() => {
    colour = colours(el);
    paint();
  });
  await put(at, true);
  el.wm = { nets, world, put, settled: () => thinking, state: () => ({ at, mind, scene, grown }) }; // for tests
  return () => [stopClock, stopTheme, view.stop].forEach((stop) => stop());
}

export default { render };

// Drive a dot through a room. The network sees one picture, then only the pushes; both dots are drawn.
//
// Settings: size, blob, edge, reach (the world's, as in wm_core/worlds/dot_room.py), rooms: empty rooms, each size² greys.
// Networks: look, frame [1, size, size] -> z [1, dim], position [1, 2]
//           imagine, z [1, dim], action [1, 2] -> next_z [1, dim], position [1, 2]
import { button, canvas, clock, colours, element, legend, onTheme, openNetworks, reading, row, say } from "./kit.mjs";

const PUSH = 0.08; // one key press, in room sides
const BEAT = 0.11; // seconds between pushes while a key, a button or the pointer is held

async function render({ model, el }) {
  const nets = await openNetworks(model);
  const [size, blob, edge, reach, rooms] = ["size", "blob", "edge", "reach", "rooms"].map((key) => model.get(key));
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  // ---- the world, as wm_core.worlds.dot_room has it ----------------------------------------------------------------
  const walk = (at, push) => at.map((c, i) => clamp(c + push[i], edge, 1 - edge));
  function draw(at, room) {
    const bump = (c) => Array.from({ length: size }, (_, i) => Math.exp(-0.5 * ((((i + 0.5) / size - c) * size) / blob) ** 2));
    const [across, down] = at.map(bump);
    return Float32Array.from(rooms[room], (grey, i) => clamp(grey + down[Math.floor(i / size)] * across[i % size], 0, 1));
  }

  let room = 0, actual = [0.5, 0.5], imagined, z, seen, ways, drift, hidden = false, busy = Promise.resolve();

  async function look() {
    seen = draw(actual, room);
    const answer = await nets.look({ frame: [[1, size, size], seen] });
    z = answer.z;
    imagined = [...answer.position];
    ways = { actual: [[...actual]], imagined: [[...imagined]] };
    drift = [distance()];
    paint();
  }
  async function push(by) {
    actual = walk(actual, by);
    const answer = await nets.imagine({ z: [[1, z.length], z], action: [[1, 2], Float32Array.from(by)] });
    z = answer.next_z;
    imagined = [...answer.position];
    ways.actual.push([...actual]);
    ways.imagined.push([...imagined]);
    drift.push(distance());
    paint();
  }
  const distance = () => Math.hypot(actual[0] - imagined[0], actual[1] - imagined[1]);
  const inTurn = (act) => (busy = busy.then(act));

  // ---- pictures ------------------------------------------------------------------------------------------------------
  let colour = colours(el);
  const grid = element("div", { style: "display:flex;flex-wrap:wrap;gap:.8rem;align-items:flex-start" });
  const pad = element("div", {
    tabindex: "0", role: "application", "data-focus": "", style: "flex:4 1 14rem;min-width:0;border-radius:8px",
    "aria-label": "The room. Push the dot with the arrow keys, or drag towards where it should go.",
  });
  const aside = element("div", { style: "flex:1 1 6.5rem;min-width:0" });
  el.append(grid);
  grid.append(pad, aside);

  const tile = element("canvas", { width: size, height: size }); // a picture of size × size pixels, to be enlarged
  function picture(ctx, pixels, x, y, side) {
    const small = tile.getContext("2d"), image = small.createImageData(size, size);
    pixels.forEach((grey, i) => image.data.set([grey * 255, grey * 255, grey * 255, 255], 4 * i));
    small.putImageData(image, 0, 0);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(tile, x, y, side, side);
  }
  const view = canvas(pad, {
    label: "The room from above, with the actual and the imagined dot.", height: (width) => width, drag: true,
    style: "cursor:crosshair;border-radius:8px;",
    draw(ctx, side) {
      const X = (c) => c * side;
      picture(ctx, draw([-9, -9], room), 0, 0, side);
      if (!z) return;
      trail(ctx, ways.imagined, X, colour.imagined, [5, 4]);
      if (!hidden) trail(ctx, ways.actual, X, colour.actual, []);
      if (!hidden) dot(ctx, X(actual[0]), X(actual[1]), side * 0.03, false);
      dot(ctx, X(imagined[0]), X(imagined[1]), side * 0.043, true);
    },
  });
  // What the network saw, one frame and nothing since, and how far it is off: side by side on a phone, else one below the other.
  const record = canvas(aside, {
    label: "The one frame that the network saw, and its drift in pixels after each push.",
    height: (width) => (width > 230 ? 0.42 * width : Math.max(1.8 * width, view.element.clientWidth)),
    draw(ctx, width, height) {
      if (!z) return;
      const beside = width > height, small = beside ? height - 20 : width;
      say(ctx, "it saw this", 0, 11, colour.ink, colour.paper);
      picture(ctx, seen, 0, 18, small);
      if (beside) chart(ctx, small + 14, 0, width - small - 14, height);
      else chart(ctx, 0, small + 30, width, height - small - 30);
    },
  });
  function trail(ctx, way, X, stroke, dash) {
    const line = new Path2D();
    way.slice(-60).forEach(([x, y], i) => line[i ? "lineTo" : "moveTo"](X(x), X(y)));
    ctx.globalAlpha = 0.6; // a rim of the page's ground keeps the line apart from any wallpaper
    ctx.strokeStyle = colour.paper;
    ctx.lineWidth = 5;
    ctx.stroke(line);
    ctx.globalAlpha = 1;
    ctx.strokeStyle = stroke;
    ctx.lineWidth = 2;
    ctx.setLineDash(dash);
    ctx.stroke(line);
    ctx.setLineDash([]);
  }
  function dot(ctx, x, y, radius, ring) {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
    ctx.lineWidth = ring ? 6 : 4;
    ctx.strokeStyle = "rgb(255 255 255 / .9)"; // a rim that keeps the mark apart from any wallpaper
    ctx.stroke();
    if (ring) {
      ctx.setLineDash([5, 3.5]);
      ctx.lineWidth = 3.2;
      ctx.strokeStyle = colour.imagined;
      ctx.stroke();
      ctx.setLineDash([]);
    } else {
      ctx.fillStyle = colour.actual;
      ctx.fill();
    }
  }
  function chart(ctx, x, y, width, height) {
    const low = y + height - 18, top = Math.max(0.1, ...drift), n = Math.max(drift.length - 1, 15);
    ctx.strokeStyle = colour.grid;
    ctx.lineWidth = 1;
    ctx.strokeRect(x + 0.5, y + 18.5, width - 1, low - y - 19);
    ctx.strokeStyle = colour.imagined;
    ctx.lineWidth = 2;
    ctx.beginPath();
    drift.forEach((d, i) => ctx[i ? "lineTo" : "moveTo"](x + 3 + (i / n) * (width - 6), low - 3 - (d / top) * (low - y - 30)));
    ctx.stroke();
    say(ctx, "drift / pixels", x, y + 11, colour.ink, colour.paper);
    say(ctx, (top * size).toFixed(1), x + 5, y + 32, colour.muted, colour.paper);
    say(ctx, `${n} pushes`, x + width - ctx.measureText(`${n} pushes`).width, low + 14, colour.muted, colour.paper);
  }

  const words = reading();
  const paint = () => {
    view.paint();
    record.paint();
    const pushes = drift.length - 1, off = drift.at(-1);
    words.textContent = `${pushes} ${pushes === 1 ? "push" : "pushes"} since the one look: off by ${(off * size).toFixed(1)} pixels, ${(100 * off).toFixed(0)} % of the room`;
  };

  // ---- controls -------------------------------------------------------------------------------------------------------
  const ways4 = { ArrowLeft: [-PUSH, 0], ArrowRight: [PUSH, 0], ArrowUp: [0, -PUSH], ArrowDown: [0, PUSH] };
  const held = new Set(); // arrow names that are down, by key or by button
  let target = null; // where the pointer pulls to
  pad.addEventListener("keydown", (event) => {
    if (!(event.key in ways4)) return;
    event.preventDefault();
    if (!held.has(event.key)) inTurn(() => push(ways4[event.key])); // the first push at once, more while it is held
    held.add(event.key);
  });
  pad.addEventListener("keyup", (event) => held.delete(event.key));
  pad.addEventListener("blur", () => held.clear());
  const place = (event) => {
    const at = view.element.getBoundingClientRect(), side = at.height;
    return [clamp((event.clientX - at.left) / side, 0, 1), clamp((event.clientY - at.top) / side, 0, 1)];
  };
  view.element.addEventListener("pointerdown", (event) => {
    view.element.setPointerCapture(event.pointerId);
    target = place(event);
  });
  view.element.addEventListener("pointermove", (event) => target && (target = place(event)));
  for (const end of ["pointerup", "pointercancel"]) view.element.addEventListener(end, () => (target = null));

  const arrows = { ArrowLeft: ["←", "Push left"], ArrowUp: ["↑", "Push up"], ArrowDown: ["↓", "Push down"], ArrowRight: ["→", "Push right"] };
  const pads = Object.entries(arrows).map(([key, [sign, title]]) => {
    const made = button(sign, (event) => event.detail === 0 && inTurn(() => push(ways4[key])), { title }); // detail 0: the keyboard
    made.addEventListener("pointerdown", () => {
      inTurn(() => push(ways4[key]));
      held.add(key);
    });
    for (const end of ["pointerup", "pointerleave", "pointercancel"]) made.addEventListener(end, () => held.delete(key));
    return made;
  });
  const hide = button("Hide the world", () => {
    hidden = !hidden;
    hide.textContent = hidden ? "Show the world" : "Hide the world";
    paint();
  });
  const another = () => {
    room = (room + 1) % rooms.length;
    actual = [0, 1].map(() => edge + (1 - 2 * edge) * Math.random());
    return look();
  };
  el.append(
    words,
    row(...pads),
    row(button("Look again", () => inTurn(look)), button("New room", () => inTurn(another)), hide),
    legend([["actual", "what happens"], ["imagined", "what the network imagines"]]),
  );

  let waited = 0;
  const stopClock = clock(el, (seconds) => {
    waited += seconds;
    if (waited < BEAT || !(held.size || target)) return;
    waited = 0;
    let by = [0, 0];
    for (const key of held) by = by.map((c, i) => c + ways4[key][i]);
    if (target) by = target.map((c, i) => clamp(c - actual[i], -PUSH, PUSH));
    by = by.map((c) => clamp(c, -reach, reach));
    if (Math.hypot(...by) > 0.004) return inTurn(() => push(by));
  });
  const stopTheme = onTheme(() => {
    colour = colours(el);
    paint();
  });
  await look();
  el.wm = { nets, draw, walk, push: (by) => inTurn(() => push(by)), state: () => ({ actual, imagined, drift }) }; // for tests
  return () => [stopClock, stopTheme, view.stop, record.stop].forEach((stop) => stop());
}

export default { render };

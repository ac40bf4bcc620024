// The picture of two rooms: what was tried in faint strands, what was chosen, what was done, and what may be dragged.
import { say } from "./kit.mjs";

const MARGIN = 1.6; // pixels of the world outside the room that are drawn
const NOW = 64, EARLIER = 20, BEST = 16; // strands that are drawn at most, of this round, of each before, of the best
const LEVELS = 14, TILE = 110; // terraces of a map of costs, and the pixels along its side

function polyline(ctx, points) {
  ctx.beginPath();
  points.forEach(([x, y], i) => ctx[i ? "lineTo" : "moveTo"](x, y));
  ctx.stroke();
}
function fillDisc(ctx, x, y, radius) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fill();
}

// `draw(ctx, width, scene)` paints all; `place(x, y)` is where on the canvas something is in the world, `pixels(c)` how long there.
export function painter({ size, border }) {
  const corner = border + 0.5 - MARGIN, span = size - 1 - 2 * corner;
  let unit = 1, terraces = null; // the map as a picture, drawn once
  const X = (c) => (c - corner) * unit, onCanvas = (points) => points.map(([x, y]) => [X(x), X(y)]);

  function disc(ctx, [x, y], radius, fill, stroke, dash = []) {
    ctx.beginPath();
    ctx.arc(X(x), X(y), radius, 0, 2 * Math.PI);
    ctx.lineWidth = 2;
    ctx.setLineDash(dash);
    ctx.strokeStyle = stroke;
    ctx.stroke();
    ctx.setLineDash([]);
    if (!fill) return;
    ctx.fillStyle = fill;
    ctx.fill();
  }
  // The map of costs as terraces, the darker the farther from the goal: between its places it is interpolated.
  function terrain(ctx, { map, colour, world }) {
    if (terraces?.map !== map || terraces.ink !== colour.ink) {
      const tile = document.createElement("canvas"), inner = tile.getContext("2d"), { side, cost } = map;
      tile.width = tile.height = TILE;
      const low = Math.min(...cost), high = Math.max(...cost), image = inner.createImageData(TILE, TILE);
      const ink = colour.ink.match(/[\d.]+/g).map(Number);
      for (let i = 0; i < TILE * TILE; i++) {
        const [x, y] = [i % TILE, Math.floor(i / TILE)].map((c) => (c / (TILE - 1)) * (side - 1));
        const [a, b] = [Math.min(Math.floor(x), side - 2), Math.min(Math.floor(y), side - 2)], [u, v] = [x - a, y - b], at = b * side + a;
        const value = (1 - v) * ((1 - u) * cost[at] + u * cost[at + 1]) + v * ((1 - u) * cost[at + side] + u * cost[at + side + 1]);
        const level = Math.min(Math.floor((LEVELS * (value - low)) / Math.max(high - low, 1e-9)), LEVELS - 1);
        image.data.set([ink[0], ink[1], ink[2], 255 * 0.027 * level], 4 * i);
      }
      inner.putImageData(image, 0, 0);
      terraces = { map, ink: colour.ink, tile };
    }
    ctx.drawImage(terraces.tile, X(world.low), X(world.low), X(world.high) - X(world.low), X(world.high) - X(world.low));
  }
  function room(ctx, width, { colour, world, wallX, moving, hover }) {
    const low = X(world.low), high = X(world.high), [left, right] = [X(world.left), X(world.right)], middle = X(wallX);
    ctx.fillStyle = colour.muted;
    ctx.globalAlpha = 0.55;
    ctx.beginPath();
    ctx.roundRect(0, 0, width, width, 8);
    ctx.roundRect(low, low, high - low, high - low, 2);
    ctx.fill("evenodd");
    const parts = [[low, X(world.top)], [X(world.bottom), high]];
    for (const [top, bottom] of parts) {
      ctx.clearRect(left, top, right - left, Math.max(bottom - top, 0));
      ctx.fillRect(left, top, right - left, Math.max(bottom - top, 0));
    }
    ctx.globalAlpha = 1;
    ctx.fillStyle = colour.paper; // three dots on the wall, and two arrows in the door: these can be moved
    const [top, bottom] = parts[0][1] - parts[0][0] > parts[1][1] - parts[1][0] ? parts[0] : parts[1];
    for (const by of [-6, 0, 6]) fillDisc(ctx, middle, (top + bottom) / 2 + by, 1.7);
    ctx.strokeStyle = hover === "door" || moving === "wall" ? colour.ink : colour.muted;
    ctx.lineWidth = 1.6;
    for (const [y, way] of [[X(world.top) + 7, -1], [X(world.bottom) - 7, 1]]) {
      polyline(ctx, [[middle - 4, y - 3.5 * way], [middle, y], [middle + 4, y - 3.5 * way]]);
    }
  }
  function aim(ctx, { goal, near, colour, moving }) {
    disc(ctx, goal, near * unit, null, colour.ink, moving === "goal" ? [] : [2, 3]);
    ctx.fillStyle = colour.ink;
    ctx.fillRect(X(goal[0]) - 4, X(goal[1]) - 0.75, 8, 1.5);
    ctx.fillRect(X(goal[0]) - 0.75, X(goal[1]) - 4, 1.5, 8);
    say(ctx, "goal", X(goal[0]) - 12, X(goal[1]) + 16, colour.ink, colour.paper);
  }
  // What was tried: the plans of the round in grey, fewer and fainter those of the rounds before, and the best of the round in orange.
  function strands(ctx, { plan: { rounds, horizon, from, age }, reveal, colour, world }) {
    const upTo = Math.min(Math.floor(reveal), rounds.length - 1), faded = 1 - 0.7 * Math.min(age / Math.min(horizon, 8), 1);
    const strand = ({ places }, s) => {
      const line = [from];
      for (let i = s * horizon; i < (s + 1) * horizon; i++) line.push([places[2 * i], places[2 * i + 1]]);
      polyline(ctx, onCanvas(line));
    };
    ctx.save();
    ctx.beginPath();
    ctx.rect(X(world.low), X(world.low), (world.high - world.low) * unit, (world.high - world.low) * unit);
    ctx.clip();
    ctx.strokeStyle = colour.muted;
    ctx.lineWidth = 0.8;
    for (const [r, round] of rounds.slice(0, upTo + 1).entries()) {
      const many = round.places.length / horizon / 2, shown = r === upTo ? NOW : EARLIER, apart = Math.ceil(many / shown);
      ctx.globalAlpha = faded * (r === upTo ? 0.34 : 0.16);
      for (let s = 0; s < many; s += apart) strand(round, s);
    }
    ctx.strokeStyle = colour.imagined;
    ctx.lineWidth = 1.1;
    ctx.globalAlpha = 0.55 * faded;
    for (const s of rounds[upTo].best.slice(0, BEST)) strand(rounds[upTo], s);
    ctx.restore();
  }
  // What was done, beside what was imagined of it; rungs join the two where they are apart.
  function past(ctx, { pieces, trail, shown, colour }) {
    ctx.lineWidth = 1;
    ctx.strokeStyle = colour.muted;
    let step = 0;
    for (const piece of pieces) for (const guess of piece.slice(1)) polyline(ctx, onCanvas([guess, trail[++step]]));
    ctx.lineWidth = 1.8;
    ctx.setLineDash([3, 3.5]);
    ctx.strokeStyle = colour.imagined;
    for (const piece of pieces) polyline(ctx, onCanvas(piece));
    ctx.setLineDash([]);
    ctx.lineWidth = 2.6;
    ctx.strokeStyle = colour.actual;
    polyline(ctx, onCanvas([...trail, shown]));
    if (trail.length > 1) disc(ctx, trail[0], 4, null, colour.actual);
  }
  function future(ctx, { plan: { places, from, age, subgoals, breaches }, colour }) {
    const left = [age ? places[age - 1] : from, ...places.slice(age)];
    for (const [wide, stroke, alpha] of [[6, colour.paper, 0.75], [2.6, colour.imagined, 1]]) {
      ctx.lineWidth = wide;
      ctx.strokeStyle = stroke;
      ctx.globalAlpha = alpha;
      polyline(ctx, onCanvas(left));
    }
    ctx.fillStyle = colour.imagined;
    for (const [x, y] of left.slice(1)) fillDisc(ctx, X(x), X(y), 2.6);
    for (const [wide, stroke] of [[6, colour.paper], [2.6, colour.ink]]) { // where it goes through the wall
      ctx.lineWidth = wide;
      ctx.strokeStyle = stroke;
      for (const [x, y] of onCanvas(breaches)) for (const way of [-6, 6]) polyline(ctx, [[x - 6, y - way], [x + 6, y + way]]);
    }
    for (const [x, y] of subgoals) {
      ctx.save();
      ctx.translate(X(x), X(y));
      ctx.rotate(Math.PI / 4);
      for (const [wide, stroke] of [[5, colour.paper], [2.2, colour.imagined]]) {
        ctx.lineWidth = wide;
        ctx.strokeStyle = stroke;
        ctx.strokeRect(-5, -5, 10, 10);
      }
      ctx.restore();
    }
  }

  function draw(ctx, width, scene) {
    const { plan, reveal, shown, moving, colour, map } = scene;
    unit = width / span;
    if (map) terrain(ctx, scene);
    room(ctx, width, scene);
    aim(ctx, scene);
    if (plan) strands(ctx, scene);
    past(ctx, scene);
    if (plan && reveal >= plan.rounds.length) future(ctx, scene);
    disc(ctx, shown, Math.max(5.5, 1.3 * unit), colour.actual, colour.paper);
    if (moving === "dot") disc(ctx, shown, Math.max(9, 2 * unit), null, colour.ink, [2, 3]);
  }
  return { draw, place: (x, y) => [x, y].map((c) => c / unit + corner), pixels: (c) => c / unit };
}

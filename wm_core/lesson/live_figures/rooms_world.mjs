// Two rooms and a door, and the searches that plan in them: shared by the figures that do.

// A generator of random numbers that can be started again (mulberry32), so that the same question gets the same answer.
export function generator(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()); // a normal number
}

// ---- the world, as wm_core.worlds.two_rooms and wm_core.worlds.planar have it ----------------------------------------
const GAP = 1e-3, FAR = 1e3;
const NEVER = 1e30; // the cost of a plan that cannot be judged

// `wallX` and `doorY` are where the wall and the door are; the other settings are the world's own.
export function twoRooms({ size, blob, thick, door, border, reach, noise }, wallX, doorY) {
  const low = border + 0.5, high = size - 1 - border - 0.5, left = wallX - thick / 2, right = wallX + thick / 2;
  const walls = [
    [left, -FAR, right, doorY - door], [left, doorY + door, right, FAR],
    [-FAR, -FAR, low, FAR], [high, -FAR, FAR, FAR], [-FAR, -FAR, FAR, low], [-FAR, high, FAR, FAR],
  ];
  const faces = Float64Array.from(walls.flat());
  let share = 2; // of the last step that met a wall: how much of it is free
  function meet(x, y, dx, dy) {
    const sx = Math.abs(dx) < 1e-9 ? 1e-9 : dx, sy = Math.abs(dy) < 1e-9 ? 1e-9 : dy;
    share = 2;
    for (let i = 0; i < faces.length; i += 4) {
      const ax = (faces[i] - x) / sx, bx = (faces[i + 2] - x) / sx, ay = (faces[i + 1] - y) / sy, by = (faces[i + 3] - y) / sy;
      const enterX = ax < bx ? ax : bx, enterY = ay < by ? ay : by, enter = enterX < enterY ? enterY : enterX;
      if (enter < 0 || enter >= share || enter >= (ax < bx ? bx : ax) || enter >= (ay < by ? by : ay)) continue;
      share = enter;
    }
    return share <= 1;
  }
  // What touches a wall is moved out of it through the nearest face, to a gap from it; in a corner, away from both walls.
  function loosen(x, y) {
    let left = 0, up = 0, right = 0, down = 0;
    for (let i = 0; i < faces.length; i += 4) {
      const a = x - faces[i] + GAP, b = y - faces[i + 1] + GAP, c = faces[i + 2] - x + GAP, d = faces[i + 3] - y + GAP;
      const least = Math.min(a, b, c, d);
      if (least <= 0) continue;
      if (least === a) left = Math.max(left, a);
      else if (least === b) up = Math.max(up, b);
      else if (least === c) right = Math.max(right, c);
      else down = Math.max(down, d);
    }
    return [x + right - left, y + down - up];
  }
  const slide = (x, y, dx, dy) => (meet(x, y, dx, dy) ? loosen(x + dx * share, y + dy * share) : null);
  // The dot after an action. With a generator of normal numbers a collision nudges it; without one it does not.
  function step([x, y], [ax, ay], random) {
    const by = reach / Math.max(Math.hypot(ax, ay), reach), stop = slide(x, y, ax * by, ay * by);
    if (!stop) return [x + ax * by, y + ay * by];
    if (!random) return stop;
    const dx = noise * random(), dy = noise * random();
    return slide(...stop, dx, dy) ?? [stop[0] + dx, stop[1] + dy];
  }

  // The shortest way to a goal from anywhere: straight from corner to corner (Lozano-Pérez & Wesley, 1979).
  const bends = walls.slice(0, 2).flatMap(([x0, y0, x1, y1]) =>
    [[x0 - GAP, y0 - GAP], [x1 + GAP, y0 - GAP], [x0 - GAP, y1 + GAP], [x1 + GAP, y1 + GAP]]);
  const straight = ([ax, ay], [bx, by]) => (meet(ax, ay, bx - ax, by - ay) ? Infinity : Math.hypot(bx - ax, by - ay));
  const between = bends.map((a) => bends.map((b) => straight(a, b)));
  bends.forEach((_, k) => between.forEach((row) => row.forEach((_, j) => (row[j] = Math.min(row[j], row[k] + between[k][j])))));
  function pathLength(goal) {
    const last = bends.map((bend) => straight(bend, goal));
    const ways = bends.map(([x, y], i) => ({ x, y, ahead: Math.min(...bends.map((_, j) => between[i][j] + last[j])) }))
      .filter(({ ahead }) => ahead < Infinity).sort((a, b) => a.ahead - b.ahead);
    const [gx, gy] = goal;
    return ([x, y]) => {
      if (!meet(x, y, gx - x, gy - y)) return Math.hypot(gx - x, gy - y);
      let shortest = Infinity;
      for (const way of ways) {
        const dx = way.x - x, dy = way.y - y, length = Math.sqrt(dx * dx + dy * dy) + way.ahead;
        if (length < shortest && !meet(x, y, dx, dy)) shortest = length;
      }
      return shortest;
    };
  }

  // What a network sees: the dot in the first channel, the walls in the second.
  function draw([x, y]) {
    const frame = new Float32Array(2 * size * size), last = size - 1 - border;
    const bump = (c) => Array.from({ length: size }, (_, i) => Math.exp(-0.5 * ((i - c) / blob) ** 2));
    const [across, down] = [bump(x), bump(y)];
    for (let j = 0; j < size; j++) {
      for (let i = 0; i < size; i++) {
        const inside = i >= border && i <= last && j >= border && j <= last;
        const edge = i === border || i === last || j === border || j === last;
        const wall = Math.abs(i - wallX) < thick / 2 && Math.abs(j - doorY) > door && j >= border && j <= last;
        frame[j * size + i] = down[j] * across[i];
        frame[(size + j) * size + i] = (inside && edge) || wall ? 1 : 0;
      }
    }
    return frame;
  }

  // The nearest place that is at least `margin` from every wall.
  function clear([x, y], margin) {
    const within = (c) => Math.min(high - margin, Math.max(low + margin, c));
    const gone = thick / 2 + margin - Math.abs(x - wallX);
    return [within(gone > 0 ? x + (x < wallX ? -gone : gone) : x), within(y)];
  }
  // The nearest free place, as wm_core.worlds.planar.clear finds it. What a network imagines may lie in a wall; from there no wall
  // is in the way, and a path length would be too short.
  const free = ([x, y]) => loosen(x, y);
  // Where a straight line passes the middle of the wall beside the door; null where it does not. Only imagination does so.
  function breach([ax, ay], [bx, by]) {
    if (ax < wallX === bx < wallX) return null;
    const y = ay + ((wallX - ax) / (bx - ax)) * (by - ay);
    return Math.abs(y - doorY) < door || y < low || y > high ? null : [wallX, y];
  }
  return { low, high, left, right, walls, step, pathLength, draw, clear, free, breach, top: doorY - door, bottom: doorY + door };
}

// ---- the searches ------------------------------------------------------------------------------------------------------
// "cem", as wm_core.planning.cem has it: fit the next normal distribution to the best plans (Rubinstein, 1999).
// "mppi", as wm_core.planning.mppi: move the mean to the average of all plans, weighted by exp(-cost / temperature), and shrink
// the width (Williams et al., 2017). The temperature is in standard deviations of the round's costs, so that it means the same
// for pixels and for latents.
//
// `noise(i)` is the i-th normal number of the search; `smooth` is the correlation of an action's noise with the next action's.
// `ask(plans)` answers {cost: one number a plan, ...}; plans are Float32Arrays of `horizon` × `dims` numbers side by side. A plan
// whose cost is no number, or infinite, is never among the best. `each(round)` sees every round, and the search waits for it.
export async function search(
  { planner, horizon, samples, elites, iterations, spread, floor = 0.05, momentum = 0.1, temperature = 0.3, shrink = 0.9, smooth = 0, reach, dims = 2 },
  { start, noise, ask, each = () => {} },
) {
  const numbers = horizon * dims, fresh = Math.sqrt(1 - smooth ** 2);
  const bound = (plans) => { // shortens every action in place to at most `reach`
    for (let i = 0; i < plans.length; i += dims) {
      let square = 0;
      for (let d = 0; d < dims; d++) square += plans[i + d] ** 2;
      const by = reach / Math.max(Math.sqrt(square), reach);
      if (by < 1) for (let d = 0; d < dims; d++) plans[i + d] *= by;
    }
    return plans;
  };
  function scatter(mean, std, round) {
    const plans = new Float32Array(samples * numbers), drawn = new Float64Array(numbers);
    for (let s = 0, at = 0; s < samples; s++) {
      for (let i = 0; i < numbers; i++, at++) {
        const number = noise(round * plans.length + at);
        drawn[i] = i < dims ? number : smooth * drawn[i - dims] + fresh * number;
        plans[at] = mean[i] + std[i] * drawn[i];
      }
    }
    bound(plans).set(mean); // the first plan is the mean, so that a search can only get worse by what the refit averages
    return plans;
  }
  let mean = bound(Float64Array.from({ length: numbers }, (_, i) => start?.[i] ?? 0)), std = new Float64Array(numbers).fill(spread);
  for (let round = 0; round < iterations; round++) {
    const plans = scatter(mean, std, round), answer = await ask(plans), { cost } = answer;
    for (const i of cost.keys()) if (!(Math.abs(cost[i]) < Infinity)) cost[i] = NEVER;
    const best = Array.from(cost.keys()).sort((a, b) => cost[a] - cost[b]).slice(0, elites);
    await each({ round, plans, best, ...answer });
    const next = new Float64Array(numbers), width = new Float64Array(numbers);
    if (planner === "mppi") {
      const finite = cost.filter((c) => c < NEVER), many = Math.max(finite.length, 1), centre = finite.reduce((sum, c) => sum + c, 0) / many;
      const heat = temperature * Math.max(Math.sqrt(finite.reduce((sum, c) => sum + (c - centre) ** 2, 0) / many), 1e-30);
      const weights = cost.map((c) => Math.exp((cost[best[0]] - c) / heat)), total = weights.reduce((sum, w) => sum + w, 0);
      weights.forEach((w, s) => next.forEach((_, i) => (next[i] += (w / total) * plans[s * numbers + i])));
      mean = bound(next);
      std = std.map((c) => c * shrink);
    } else {
      for (const s of best) next.forEach((_, i) => (next[i] += plans[s * numbers + i] / elites));
      for (const s of best) next.forEach((c, i) => (width[i] += (plans[s * numbers + i] - c) ** 2 / elites));
      mean = bound(next.map((c, i) => momentum * mean[i] + (1 - momentum) * c));
      std = std.map((c, i) => Math.max(momentum * c + (1 - momentum) * Math.sqrt(width[i]), floor));
    }
  }
  return mean;
}

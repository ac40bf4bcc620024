# %% [markdown]
# # A pendulum that keeps its energy
#
# You will train two networks on the same noisy swings, see one of them gain energy from nowhere, and build the one whose energy has nowhere to drift.
#
# It takes about a minute on two idle CPU cores; networks this small gain nothing from a GPU. You need to know what a derivative is, and to have
# trained a small network.

# %%
from dataclasses import replace

import torch

from wm_core.artefacts import export_onnx
from wm_core.lesson import claim, scale, scale_name
from wm_core.lesson import check, colour, explore, figure, live, pretty, show, source, table
from wm_core.metrics.energy import worst_energy_error
from wm_core.metrics.intervals import mean_and_range
from wm_core.nets.ensemble import EnsembleMLP
from wm_core.physics.flow import Flow
from wm_core.physics.hamiltonian import ExportedField, HamiltonianNetwork, PlainField, field_loss
from wm_core.physics.integrators import INTEGRATORS, explicit_euler, leapfrog, rk4, symplectic_euler, yoshida4
from wm_core.physics.integrators import simulate, symplectic_defect
from wm_core.physics.swings import PENDULUM_SURVEY, SPRING_SURVEY, Survey, Swings, starts
from wm_core.training import Shuffled, fit
from wm_core.worlds.oscillators import Bead, Pendulum, Spring

settings = scale(tiny=dict(steps=500, clean=500, seeds=8), full=dict(steps=500, clean=6000, seeds=32))
SEEDS = tuple(range(settings["seeds"]))
torch.set_num_threads(1)  # networks this small run faster on one core than on two

# %% [markdown]
# ## The question
#
# Someone has measured a pendulum, many times, for three seconds each: its angle $q$ and its momentum $p$. The measured states are
# off by 0.1 (standard deviation), where a swing reaches about 2 to either side. For each we are also told the exact rate of change,
# which no camera would give. Can a network learn the pendulum from this, well enough to swing it for a minute?
#
# The set-up, a kind one, is that of [Greydanus, Dzamba and Yosinski (2019)](https://arxiv.org/abs/1906.01563). The pendulum's energy is
# $H = p^2 + 3(1-\cos q)$, in units in which the mass is one half. Drop it, and it should come back to the height it was dropped from, every time.

# %%
pendulum = Pendulum()
swings = PENDULUM_SURVEY.measure(pendulum, SEEDS)  # one set of 25 trajectories per seed

q, p = swings.x[0].T
fig, ax = figure(width=4.2, height=3.6)
ax.plot(q, p, ".", color=colour("actual"), markersize=2.5)
ax.quiver(q[::14], p[::14], *swings.dx[0, ::14].T, color=colour("muted"), width=0.004, scale=60)
ax.set(xlabel="angle q / rad", ylabel="momentum p", aspect="equal")
show(fig, caption="What was measured: states with noise (dots), and their rates of change (some arrows). A swing is "
                  "a loop, run clockwise. Apart from noise nothing was measured within 1.1 of rest: remember the hole.",
     alt="A ring of scattered points in the plane of angle and momentum, with arrows that run clockwise.")

# %% [markdown]
# The simplest thing is to learn the arrows: a network that takes a state to its rate of change. Eight of them, each on measurements
# of its own, train side by side in a few seconds. Then we drop the pendulum in each and follow its arrows in small steps.

# %%
def untrained(kind, seeds, **options):
    """One network per seed: 64 + 64 tanh units, then an energy (HamiltonianNetwork) or the field itself (PlainField)."""
    return kind(EnsembleMLP((2, 64, 64, 1 if kind is HamiltonianNetwork else 2), seeds), **options)


def train(kind, data, rate, decay=1e-3, seeds=SEEDS, steps=settings["steps"], **options):
    model = untrained(kind, seeds, **options)
    fit(
        model, lambda m, batch: field_loss(m, *batch),
        Shuffled(*data, size=data[0].shape[1] // 360 * 60, dim=1),  # a sixth of the data
        steps=steps, learning_rate=rate, optimiser=torch.optim.Adam, weight_decay=decay,
        clip=None, precision="float32", title=kind.__name__,
    )
    return model.cpu().double()


plain = train(PlainField, swings, rate=1.6e-2)

# %%
@torch.no_grad()
def energies(model, system, x, seconds=20.0, h=0.05):
    """The TRUE energy along the paths that a model imagines: (time, members, starts)."""
    return system.energy(simulate(rk4, model, x, h, round(seconds / h)))


drop = torch.tensor([1.8, 0.0], dtype=torch.float64).expand(len(SEEDS), 1, 2)
wander = energies(plain, pendulum, drop, seconds=60)[..., 0]

fig, ax = figure(width=5.2, height=3)
time = torch.arange(len(wander)) * 0.05
ax.plot(time, wander, color=colour("rival"), linewidth=1)
ax.plot(time, wander[0, :1].expand(len(time)), color=colour("actual"), label="the world")
ax.plot([], [], color=colour("rival"), label="eight plain networks")
ax.set(xlabel="time / s", ylabel="true energy", ylim=(0, None))
ax.legend(loc="upper left")
show(fig, caption="The pendulum is dropped from 1.8 rad and nobody touches it again. Some networks lift it, some "
                  "brake it. None keeps it.",
     alt="The world's energy is a flat line. Eight other lines fan out from it, up and down, over sixty seconds.")

# %% [markdown]
# Nobody pushed. The energy came from a small error made the same way at every step, and nothing in a plain network objects to that. We
# are going to build one that objects.
#
# ## Play
#
# Same measurements, same size, one change that the next section explains. It trains almost as fast.

# %%
hamiltonian = train(HamiltonianNetwork, swings, rate=4e-3)


def drops(seeds, nearest=0.5, farthest=1.5):
    """Fifteen states per seed, so far away from rest."""
    return torch.stack([starts(15, nearest, farthest, torch.Generator().manual_seed(1000 + seed)) for seed in seeds])


lots = drops(SEEDS)
worst = {
    "Hamiltonian network": worst_energy_error(energies(hamiltonian, pendulum, lots)).mean(1),
    "plain network": worst_energy_error(energies(plain, pendulum, lots)).mean(1),
}
typical = int(worst["plain network"].argsort()[len(SEEDS) // 2])  # neither the luckiest nor the unluckiest

# %%
at = drop[0].float()
networks = {
    "hnn": export_onnx(ExportedField(hamiltonian, typical), {"x": at}, ["dx"]),
    "mlp": export_onnx(ExportedField(plain, typical), {"x": at}, ["dx"]),
}
poster, ax = figure(width=4.4, height=3.4)
path = simulate(rk4, pendulum, drop[0], 0.05, 66)[:, 0]
ax.plot(*path.T, color=colour("actual"))
ax.plot(*path[0], "o", color=colour("actual"), markersize=10)
ax.set(xlabel="angle / rad", ylabel="momentum", title="drag it up, and let go")
live("pendulum", model=networks, poster=poster, mass=pendulum.mass, weight=pendulum.weight, angle=1.8, limit=2.3,
     caption="Drag the pendulum and let go. Blue is the world; orange and violet are the two networks. Speed it up "
             "twentyfold and watch the energies. Then change the integrator to explicit Euler, and see that a good "
             "network does not save a bad step.",
     alt="Three pendulums on one pivot, their paths in the plane of angle and momentum, and their energies over time.")

# %% [markdown]
# For one swing you can hardly tell them apart. After a few you can. Then drop it from 40°, inside the hole where nothing was
# measured, and look at what orange keeps and what it does not: it keeps its height, and gets out of step with blue. We come back to
# that.
#
# ## The idea
#
# ![Diagram: the plain network takes the state to its rate of change directly; the Hamiltonian network takes the state to one number, the energy, whose slopes, turned by a quarter, are the rate of change](../../book/_static/diagrams/hamiltonian.svg)
#
# A plain network answers with two numbers, $\dot q$ and $\dot p$, and nothing ties one to the other. A *Hamiltonian network*
# answers with one number, an energy $H(q, p)$. Its slopes give the motion: the slope along $p$ moves the angle; the slope along
# $q$, with a minus sign, moves the momentum. Think of a hill whose height is the energy. A plain network draws arrows on the map. A
# Hamiltonian network draws the hill, and walks along its contour lines. Whoever follows a contour neither climbs nor descends on
# *that* hill, however wrong it is. On the true hill they go up and down a little, and come back with the contour.
#
# ## The mathematics
#
# Write the state as $x = (q, p)$, the pair of slopes as $\nabla H = (\partial H/\partial q, \partial H/\partial p)$, and let
# $\Omega = \begin{pmatrix}0&1\\-1&0\end{pmatrix}$. It turns a vector by a quarter, clockwise. Hamilton's equations are
#
# $$ \dot q = \frac{\partial H}{\partial p}, \qquad \dot p = -\frac{\partial H}{\partial q}, \qquad\text{or}\qquad \dot x = \Omega\,\nabla H(x). $$
#
# Along any motion that obeys them (`HamiltonianNetwork.field`),
#
# $$ \frac{dH}{dt} = \nabla H\cdot\dot x = \nabla H\cdot \Omega\,\nabla H = 0, $$
#
# because a vector is perpendicular to its own quarter turn. Nothing here asks that $H$ be the *right* energy. So three things must
# be kept apart. The learned energy $H_\theta$ is kept exactly, in continuous time. The true energy is kept as well as the
# *contours* of $H_\theta$ follow its own. And a computer takes steps, which is a third thing. Training asks only for the rates of
# change at the $N$ measured states (`field_loss`):
#
# $$ \mathcal L = \frac1N\sum_n\tfrac12\big\lVert \Omega\,\nabla H_\theta(x_n) - \dot x_n\big\rVert^2. $$
#
# Now the steps. Each takes $(q, p)$ to the state $(q', p')$ a short time $h$ later. The first idea, *explicit Euler*, reads both
# derivatives at the old point: $q' = q + h\,\dot q(q,p)$ and $p' = p + h\,\dot p(q,p)$. On a unit oscillator, $H =
# \tfrac12(q^2+p^2)$, the new energy is
#
# $$ \tfrac12\big((q+hp)^2 + (p-hq)^2\big) = (1+h^2)\,\tfrac12\big(q^2+p^2\big): $$
#
# on this oscillator it grows at every step, and no network is to blame. *Symplectic Euler* moves $p$ first and lets $q$ move with
# the *new* $p$. That small change makes the step an area-preserving map of the plane, and a map that spirals everything outward
# makes areas larger. In general, let $M$ be the matrix of derivatives of the new state with respect to the old, the step's
# Jacobian. The step is **symplectic** if $M^\top\Omega M = \Omega$ (`symplectic_defect`). For one coordinate that says that areas
# are kept; for more, $\Omega$ has unit matrices in place of the ones. If the step is small enough, a symplectic map follows, almost
# exactly and for extremely long times, the motion of a slightly different energy ([Hairer, Lubich & Wanner,
# 2006](https://doi.org/10.1007/3-540-30666-8)). So the true energy's error stays bounded instead of growing. Bounded is not small.
#
# A *kick* changes $p$ by the force; a *drift* changes $q$ by the velocity. Both need an energy that is a part of $p$ plus a part of
# $q$, as the pendulum's is.
#
# Half a kick, a drift and half a kick give *leapfrog*. Its order is two: the error shrinks with the second power of $h$. Three
# leapfrogs, the middle one backwards in time, cancel each other's leading error and give order four ([Yoshida,
# 1990](https://doi.org/10.1016/0375-9601(90)90092-3)):
#
# $$ h_1 = h_3 = \frac{h}{2-2^{1/3}}, \qquad h_2 = h - 2h_1. $$
#
# *Runge-Kutta*, last, reads the derivative four times a step and averages. It is of order four and not symplectic. On an oscillator
# of frequency $\omega$ each step multiplies the energy by about $1-(h\omega)^6/72$: next to nothing while $h\omega$ is small.
#
# ## The code

# %%
source(HamiltonianNetwork.field, HamiltonianNetwork.gradient, explicit_euler, symplectic_euler, leapfrog, yoshida4,
       rk4)

# %% [markdown]
# ## The experiment
#
# **First the steps alone**, on the true pendulum, with no network anywhere. If the mathematics is right, explicit Euler should gain
# energy whatever the step size, the symplectic ones should oscillate and come back, and Runge-Kutta should be very good and slowly
# get worse. Move the slider.

# %%
release = torch.tensor([[torch.pi / 4, 0.0]], dtype=torch.float64)


def walk(step, h, seconds):
    """Relative error of the true energy along a path."""
    H = pendulum.energy(simulate(step, pendulum, release, h, round(seconds / h)))[:, 0]
    return torch.arange(len(H)) * h, (H - H[0]) / H[0]


def drift(step):
    fig, ax = figure(width=5.2, height=3.2)
    looks = (("rival", "-"), ("third", "-"), ("muted", "-"), ("ink", "-"), ("ink", ":"))
    for (name, method), (shade, line) in zip(INTEGRATORS.items(), looks):
        t, error = walk(method, step, 40)
        ax.plot(t, error, line, color=colour(shade), linewidth=1.3, label=name)
    ax.set(xlabel="time / s", ylabel="energy error / initial energy", ylim=(-0.35, 0.65))
    ax.legend(ncols=2, loc="upper left", fontsize=8)
    return fig


explore(drift, step=[0.02, 0.05, 0.1, 0.2, 0.3], alt="Energy error of five integrators over forty seconds.",
        caption="Step in seconds. Explicit Euler leaves the picture at every step size. The symplectic methods breathe "
                "and return; at 0.3 s symplectic Euler's breath is deep. There Runge-Kutta loses a fifth in 40 s.")

# %% [markdown]
# Now the orders. Halve the step, and the error in the state after five seconds should shrink by 2, 4 or 16. The slope on
# logarithmic axes is the order. Beside it stands the *defect*, the largest entry by which $M^\top\Omega M$ misses $\Omega$ in one
# step of 0.1 s, the worst of a hundred random states.

# %% tags=["nbval-check-output"]
truth = simulate(yoshida4, pendulum, release, 0.0025, 2000)[-1]  # the state after 5 s, to about 1e-10


def order(step, steps):
    """The slope of log error over log h, the error being that of the state after 5 s."""
    ends = [simulate(step, pendulum, release, h, round(5 / h))[-1] for h in steps]
    error = torch.stack([(end - truth).norm() for end in ends]).log()
    h = torch.tensor(steps, dtype=torch.float64).log()
    return float(((h - h.mean()) * (error - error.mean())).sum() / (h - h.mean()).square().sum())


fine, coarse = (0.001, 0.0005), (0.05, 0.025, 0.0125)
anywhere = starts(100, 0.1, 2.5, torch.Generator().manual_seed(0))
measured = {
    name: [order(step, fine if name == "explicit Euler" else coarse),
           float(symplectic_defect(step, pendulum, anywhere, 0.1).max())]
    for name, step in INTEGRATORS.items()
}
table(["step", "order", "largest defect"], [[name, *values] for name, values in measured.items()])

# %% [markdown]
# A warning about names. The following update is sometimes printed as "symplectic Euler". The order of its two lines suggests it. But both
# derivatives were read at the old point, so it is explicit Euler, and the defect says so.

# %%
def impostor(system, x, h):
    q, p = x.chunk(2, -1)
    dq, dp = system.velocity(p), system.force(q)  # both read here ...
    p = p + h * dp
    q = q + h * dq  # ... so this q never sees the new p
    return torch.cat([q, p], -1)


defects = [float(symplectic_defect(step, pendulum, anywhere, 0.1).max()) for step in (impostor, symplectic_euler)]
same = bool(torch.allclose(impostor(pendulum, anywhere, 0.1), explicit_euler(pendulum, anywhere, 0.1)))
print(f"the impostor is explicit Euler: {same};  defects: {defects[0]:.1e} and {defects[1]:.1e}")

# %% [markdown]
# **Now the networks.** For each seed we drop fifteen pendulums, from 0.5 to 1.5 away from rest, which is mostly in the hole. Both
# networks swing them for twenty seconds in Runge-Kutta steps of 0.05 s, whose own error is too small to matter, and we note the
# largest error of the *true* energy as a share of the initial one. The spring, $H = q^2 + p^2$, measured between 0.1 and 1 from
# rest, gets the same drops, so that about half of them start outside what was measured; the later table starts it inside. Each kind
# of network has the learning rate that gave its field the least error on measurements held out; nothing was chosen by energy. (Had
# it been, a quarter of the plain network's rate would have cut its error by a third.)
#
# Why Runge-Kutta, after all that? A learned $H_\theta(q, p)$ has no separate force and velocity, so leapfrog cannot take a step
# with it. The *implicit midpoint* rule can, and is symplectic for any energy; it is in the live figure. One could also learn
# $T(p) + U(q)$, which is one more assumption, and the bead below breaks it.
#
# If the argument is right, the Hamiltonian network wins by a wide margin, since an error in a contour map is undone when the
# contour closes, and does not add up from swing to swing. In our run of the original authors' code (not on this page; one seed, two
# layers of 200 units, 2000 steps) their Hamiltonian network reaches 0.037 on the spring and 0.059 on the pendulum, their plain
# network 0.37 and 0.31.

# %% tags=["nbval-check-output"]
spring = Spring()
bounces = SPRING_SURVEY.measure(spring, SEEDS)
springs = {"Hamiltonian network": train(HamiltonianNetwork, bounces, 4e-3),
           "plain network": train(PlainField, bounces, 1.6e-2)}
for name, model in springs.items():
    worst[f"{name}, spring"] = worst_energy_error(energies(model, spring, lots)).mean(1)

named = {name if "," in name else f"{name}, pendulum": mean_and_range(error.tolist())
         for name, error in worst.items()}
table(["largest energy error over 20 s, mean of 15 starts", f"mean (least to greatest of {len(SEEDS)} seeds)"],
      [[name, spread] for name, spread in named.items()], digits=2)

# %% tags=["hide-input"]
panels = []
kept = energies(hamiltonian, pendulum, drop, seconds=60)[..., 0]
for H, name, shade in ((kept, "Hamiltonian network", "imagined"), (wander, "plain network", "rival")):
    fig, ax = figure(width=3.3, height=2.8)
    ax.plot(torch.arange(len(H)) * 0.05, H / H[0], color=colour(shade), linewidth=1)
    ax.axhline(1, color=colour("actual"), linewidth=1.5)
    ax.set(title=name, xlabel="time / s", ylabel="true energy / initial", ylim=(0, 2.2))
    panels.append(fig)
show(*panels, caption="The true energy over a minute of eight networks of each kind, dropped from 1.8 rad. The left "
                      "ones stay, to within a few percent: their hills are not quite the true hill.",
     alt="Left: eight lines that wobble about one. Right: eight lines that fan out.")

# %% [markdown]
# On the pendulum the worst Hamiltonian network is better than the best plain one. On the spring the luckiest plain network draws
# level with the unluckiest Hamiltonian one; the means are an order of magnitude apart. The single runs of the authors' code lie
# within the range of our seeds. Our plain network does worse on the pendulum than theirs; against theirs the margin would still be
# more than sixfold.
#
# **And the honest half.** Energy is one thing one may want to know. *Where is the pendulum now* is another. Contours say where the
# pendulum goes; how steep the hill is says how fast. A hill can have the right contours and the wrong steepness, so a kept height
# promises no clock. We measure the *phase* error, by how much the direction in the $(q, p)$ plane is off after twenty seconds,
# which is six or seven swings, 40 to 46 rad; guessing would be off by 1.6 on average. We measure the field's own error too; by that
# measure Greydanus and colleagues report that theirs was no better than the plain one on the pendulum. And we do it with noise and
# without, in the ring where the pendulum was measured and in the hole where it was not.

# %%
@torch.no_grad()
def examine(model, system, x):
    """Largest energy error over 20 s, mean squared field error, phase error at 20 s: means over starts and seeds."""
    imagined, truth = (simulate(rk4, thing, x, 0.05, 400) for thing in (model, system))
    turn = torch.atan2(imagined[..., 1], imagined[..., 0]) - torch.atan2(truth[..., 1], truth[..., 0])
    turn = torch.atan2(turn.sin(), turn.cos()).abs()[-1].mean()  # wrapped to half a turn
    field = (model.field(x) - system.field(x)).square().mean()
    return [float(worst_energy_error(system.energy(imagined)).mean()), float(field), float(turn)]


def without_noise(system, survey):
    """Both kinds of network, three seeds each, on clean measurements."""
    clean = replace(survey, noise=0.0).measure(system, SEEDS[:3])
    options = dict(decay=0.0, seeds=SEEDS[:3], steps=settings["clean"])
    return train(HamiltonianNetwork, clean, 8e-3, **options), train(PlainField, clean, 1.6e-2, **options)

# %% tags=["nbval-check-output"]
ring, inside = drops(SEEDS, 1.4, 2.2), drops(SEEDS, 0.5, 1.0)
clean_pendulum, clean_spring = without_noise(pendulum, PENDULUM_SURVEY), without_noise(spring, SPRING_SURVEY)
trials = {
    "noisy pendulum, in the ring": (pendulum, (hamiltonian, plain), ring),
    "noisy pendulum, in the hole": (pendulum, (hamiltonian, plain), lots),
    "noisy spring": (spring, tuple(springs.values()), inside),
    "clean pendulum, in the ring": (pendulum, clean_pendulum, ring[:3]),
    "clean pendulum, in the hole": (pendulum, clean_pendulum, lots[:3]),
    "clean spring": (spring, clean_spring, inside[:3]),
}
found = {name: [examine(model, system, x) for model in pair] for name, (system, pair, x) in trials.items()}
table(["Hamiltonian / plain", "energy error", "field error", "phase error / rad"],
      [[name, *(f"{pretty(a, 2, zeros=True)} / {pretty(b, 2, zeros=True)}" for a, b in zip(*pair))]
       for name, pair in found.items()])

# %% [markdown]
# Read it row by row. *In the ring* the Hamiltonian network wins every column. A pendulum's period depends on its height, so a
# network that gets the height wrong gets the time wrong too. *In the hole* nothing was measured, and both guess. With noise the
# Hamiltonian network guesses better in every column, though its clock, more than a radian off, is little better than chance.
# Without noise the plain network guesses the arrows there better, and keeps the better time. The Hamiltonian network still keeps
# its height: a wrong hill has closed contours too. *On the noisy spring* the energy is far better and the clock is not: both are
# lost, for a reason that the Notes give. On the clean spring it is ahead, as yet: *At scale* trains longer.
#
# So in every row the structure keeps the energy better. Whether it also tells the time depends on the data.
#
# ## The evidence

# %%
slopes = {"explicit Euler": 1, "symplectic Euler": 1, "leapfrog": 2, "Yoshida 4": 4, "Runge-Kutta 4": 4}
claim("The measured orders differ from 1, 1, 2, 4, 4 by at most",
      max(abs(measured[n][0] - k) for n, k in slopes.items()), "<=", 0.1)
claim("The symplectic steps' largest defect of MᵀΩM = Ω",
      max(measured[n][1] for n in ("symplectic Euler", "leapfrog", "Yoshida 4")), "<=", 1e-12)
claim("The impostor's defect is not zero", defects[0], ">=", 1e-3)
long = pendulum.energy(simulate(yoshida4, pendulum, release, 0.05, 20_000))
claim("Yoshida, h = 0.05 s: largest energy error over 1000 s", float(worst_energy_error(long)), "<=", 2e-5)
mean = {name: float(error.mean()) for name, error in worst.items()}
claim("Hamiltonian network, spring, noise 0.1: largest true-energy error, mean of the seeds",
      mean["Hamiltonian network, spring"], "<=", 0.037)
claim("Spring, noise 0.1: the Hamiltonian network's energy error over the plain one's",
      mean["Hamiltonian network, spring"] / mean["plain network, spring"],
      "<=", 0.2)
claim("Hamiltonian network, pendulum, noise 0.1: largest true-energy error, mean of the seeds",
      mean["Hamiltonian network"], "<=", 0.059)
claim("Pendulum, noise 0.1: the Hamiltonian network's energy error over the plain one's",
      mean["Hamiltonian network"] / mean["plain network"], "<=", 0.2)


def over(name, column):
    """The plain network's error over the Hamiltonian network's."""
    return found[name][1][column] / found[name][0][column]


claim("Noisy pendulum, in the ring: the plain network's phase error over the Hamiltonian's",
      over("noisy pendulum, in the ring", 2), ">=", 2)
claim("Clean pendulum, in the hole: the plain network's energy error over the Hamiltonian's",
      over("clean pendulum, in the hole", 0), ">=", 3)
claim("Clean pendulum, in the hole: the plain network's phase error over the Hamiltonian's",
      over("clean pendulum, in the hole", 2), "<=", 1)
claim("Noisy spring: the Hamiltonian network's own phase error at 20 s / rad", found["noisy spring"][0][2], ">=", 1)

# %% [markdown]
# ## What breaks
#
# **Friction.** A contour line closes; a damped pendulum spirals in. No hill has contours that spiral. What does the network do when it is asked
# for one? We measure pendulums with friction 0.3, without noise, from everywhere. Then we give a third network a friction to learn:
# $\dot p = -\partial H/\partial q - r\,\partial H/\partial p$.

# %%
damped = Pendulum(friction=0.3)
decay = Survey(nearest=0.2, farthest=2.3, points=45, noise=0.0).measure(damped, (0,))
models = {
    "Hamiltonian": train(HamiltonianNetwork, decay, 8e-3, 0.0, (0,), 300),
    "plain": train(PlainField, decay, 3.2e-2, 0.0, (0,), 300),
    "Hamiltonian + friction": train(HamiltonianNetwork, decay, 8e-3, 0.0, (0,), 300, damped=True),
}
x = starts(15, 0.2, 2.3, torch.Generator().manual_seed(5))[None]
left = {"the world": float((energies(damped, damped, x)[-1] / energies(damped, damped, x)[0]).mean())}
for name, model in models.items():
    H = energies(model, damped, x)
    left[name] = float((H[-1] / H[0]).mean())
learned = models["Hamiltonian + friction"].friction.item()
table(["who swings", "energy left after 20 s / initial"], [[name, share] for name, share in left.items()])
print(f"the learned friction: r = {learned:.4f}")

# %% [markdown]
# The Hamiltonian network keeps its own energy, because it can do nothing else, and so nearly all of the true one is left, on
# average over the paths. On each path it goes up and down a good deal: the learned hill has tilted to fit what it can of the
# friction. What it cannot fit is that areas shrink. The plain network has no such scruple and is right. The third is right too, and
# can name the friction, which was 0.3 for $p$: with $\partial H/\partial p = 2p$ that is $r = 0.15$.
#
# **Wrong coordinates.** A bead slides in a bowl $y = x^2/2$. Its momentum is $p = (1+x^2)\,\dot x$: up the wall, the same speed
# along $x$ means more. Suppose we measure positions and *velocities*, as one would. Hamilton's equations do not hold for $(x, v)$:
# if $\dot x = \partial H/\partial v$ is to be $v$, then $H = v^2/2 + U(x)$, and the acceleration may not depend on $v$. The bead's
# does.

# %%
bead = Bead()
two = SEEDS[:2]
told = Survey(nearest=0.3, farthest=1.8, noise=0.0).measure(bead, two)
speeds = bead.in_velocity(told.x)
in_velocity = Swings(speeds, bead.velocity_field(speeds))
right = train(HamiltonianNetwork, told, 1.6e-2, 0.0, two)
wrong = train(HamiltonianNetwork, in_velocity, 1.6e-2, 0.0, two)
neither = train(PlainField, in_velocity, 3.2e-2, 0.0, two)
same = train(PlainField, told, 3.2e-2, 0.0, two)

x = torch.stack([starts(15, 0.3, 1.5, torch.Generator().manual_seed(seed)) for seed in two])


@torch.no_grad()
def bead_error(model, x, back=lambda state: state):
    """Largest true-energy error over 20 s; `back` turns the model's coordinates into (x, p)."""
    return float(worst_energy_error(bead.energy(back(simulate(rk4, model, x, 0.05, 400)))).mean())


bowl = {
    "Hamiltonian, (x, momentum)": bead_error(right, x),
    "plain, (x, momentum)": bead_error(same, x),
    "Hamiltonian, (x, velocity)": bead_error(wrong, bead.in_velocity(x), bead.in_momentum),
    "plain, (x, velocity)": bead_error(neither, bead.in_velocity(x), bead.in_momentum),
}
table(["network, coordinates", "largest energy error over 20 s"], [[name, error] for name, error in bowl.items()],
      digits=2)

# %% [markdown]
# In the right coordinates the structure helps; in the wrong ones it is a wrong assumption, firmly held, and a network without
# assumptions does as well or better. The same goes for pixels: before a Hamiltonian network can help there, something has to find
# the coordinates.
#
# **A trap in the measure.** A common wrong answer is to rank models by energy error alone. Here are plain networks on the spring,
# with a little weight decay and with far too much.

# %%
lazy = []
for weight in (1e-3, 0.32):
    model = train(PlainField, Swings(bounces.x[:3], bounces.dx[:3]), 1.6e-2, weight, SEEDS[:3], steps=300)
    lazy.append([f"weight decay {weight:g}", *examine(model, spring, lots[:3])[:2]])
table(["plain network, spring", "energy error", "field error"], lazy, digits=2)

# %% [markdown]
# The second keeps energy perfectly. It has learned not to move. Read an energy error beside the error of the field, always.
#
# **Where actions enter.** A push changes the momentum: $\dot p = -\partial H/\partial q + g\,u$ with a gain $g$ that is learned
# too. Energy is no longer kept, and should not be. The learned energy must change by exactly the work done, $\int g\,u\,\dot
# q\,dt$. That makes the network a world model in the book's sense: state and action in, next state out (`Flow` has `encode`,
# `predict` and `rollout`).

# %%
generator = torch.Generator().manual_seed(3)
states = starts(1200, 0.1, 2.0, generator)[None]
pushes = 3 * torch.rand(1, 1200, 1, generator=generator, dtype=torch.float64) - 1.5
measured_states = (states + 0.1 * torch.randn(states.shape, generator=generator)).float()
driven = train(HamiltonianNetwork, (measured_states, pendulum.field(states, pushes).float(), pushes.float()), 8e-3,
               seeds=(0,), driven=True)

t = torch.arange(400, dtype=torch.float64) * 0.05
u = 0.4 * torch.sin(1.2 * t)[None, None, :, None]  # a gentle periodic push, held for 0.05 s at a time
x = torch.tensor([[[0.9, 0.0]]], dtype=torch.float64)
with torch.no_grad():
    path, truth = (torch.cat([x, Flow(model, h=0.05).rollout(x, u)[0]], 1) for model in (driven, pendulum))
    gain = driven.gain.item()
    work = (gain * u[0, 0, :, 0] * path[0, :, 0].diff()).cumsum(0)
    change = driven.energy(path)[0] - driven.energy(path)[0, 0]

# %% tags=["hide-input"]
fig, ax = figure(width=5.2, height=2.8)
ax.plot(t, pendulum.energy(truth)[0, 1:], color=colour("actual"), label="true energy, the world")
ax.plot(t, pendulum.energy(path)[0, 1:], "--", color=colour("imagined"), label="true energy, imagined")
ax.plot(t, work + pendulum.energy(x)[0], ":", color=colour("muted"), label="initial + work done, imagined")
ax.set(xlabel="time / s", ylabel="energy", ylim=(0, None))
ax.legend(fontsize=8)
show(fig, caption="A driven pendulum. The energy goes up and down with the work of the pushes. The imagined "
                  "pendulum balances its books, and falls out of step after a dozen seconds. Its learned gain "
                  "is 3 % low, for want of training.",
     alt="Three curves of energy over twenty seconds that coincide at first and part near the end.")

# %%
claim("Friction: share of its energy that the Hamiltonian network keeps for 20 s (the world keeps under 0.01)",
      left["Hamiltonian"], ">=", 0.8)
claim("With a friction to learn: the learned r is off 0.15 by", abs(learned - 0.15), "<=", 0.01)
claim("Bead: the Hamiltonian network's energy error in velocity over that in momentum coordinates",
      bowl["Hamiltonian, (x, velocity)"] / bowl["Hamiltonian, (x, momentum)"], ">=", 2)
claim("The plain network that has learned not to move has energy error", lazy[-1][1], "<=", 1e-3)
claim("Driven: learned gain is off 1 by", abs(gain - 1), "<=", 0.05)
claim("Driven: change of the learned energy minus work done, at most", float((change[1:] - work).abs().max()), "<=",
      1e-4)

# %% [markdown]
# ## At scale
#
# Eight seeds leave room for luck. `make full L=physics/hamiltonian` trains 32 of each kind on the noisy pendulum, and three of each
# on clean measurements twelve times as long as here. The noisy ones were kept; here they are, let go again from such states as
# before. The clean columns are quoted from the run's own notes.

# %%
from wm_core.artefacts import load, published, save

shelf = {"Hamiltonian": ("hamiltonian", HamiltonianNetwork, hamiltonian), "plain": ("plain_field", PlainField, plain)}
if scale_name() == "full":
    for k, (label, (system, _, trained)) in enumerate(shelf.items()):
        claims = {"energy error, noisy pendulum, mean of the seeds": float(worst[f"{label} network"].mean())}
        for name, pair in found.items():
            claims |= {f"{name}: {what}": value for what, value in zip(("energy", "field", "phase"), pair[k])}
        save(f"book/_static/models/{system}", trained, system=system, config=settings, seed=0, claims=claims)

rows, off = [], []
for label, (system, kind, _) in shelf.items():
    kept = load(published(system))
    members = range(kept.manifest.config["seeds"])
    many = kept.into(untrained(kind, members).double())
    again = worst_energy_error(energies(many, pendulum, drops(members))).mean(1)
    off.append(abs(float(again.mean()) / kept.manifest.claims["energy error, noisy pendulum, mean of the seeds"] - 1))
    told = kept.manifest.claims
    places = ("pendulum, in the ring: phase", "pendulum, in the hole: energy", "pendulum, in the hole: field",
              "spring: energy")
    rows.append([label, mean_and_range(again.tolist()), *(told[f"clean {place}"] for place in places)])
table(["network", f"noisy pendulum, {len(members)} seeds: energy", "clean ring: phase / rad", "clean hole: energy",
       "clean hole: field", "clean spring: energy"], rows, digits=2)
print(kept.manifest.provenance())
claim("The kept networks' energy error, measured again, differs from what their manifests say by the share", max(off),
      "<=", 0.02)

# %% [markdown]
# The Hamiltonian mean stays where eight seeds put it; the plain one comes down by a quarter. Clean and longer trained, the two
# fields in the hole are equally good, and still the plain network's energy error there is more than twenty times the other's, and
# its clock in the ring five times as far off. On the clean spring, which swings at one frequency whatever its height, little is
# left of the gain.
#
# ## Exercises
#
# **1. Leapfrog.** Fill in the step. The check compares it with the library's and, where they differ, asks whether yours is
# symplectic and what went wrong.

# %% tags=["exercise"]
def my_leapfrog(system, x, h):
    """One step of size h: half a kick, a drift, half a kick."""
    q, p = x.chunk(2, -1)
    p = p + ...
    q = q + ...
    p = p + ...
    return torch.cat([q, p], -1)


check("physics/hamiltonian/leapfrog", my_leapfrog)

# %% tags=["solution"]
def my_leapfrog(system, x, h):
    """One step of size h: half a kick, a drift, half a kick."""
    q, p = x.chunk(2, -1)
    p = p + h / 2 * system.force(q)
    q = q + h * system.velocity(p)
    p = p + h / 2 * system.force(q)
    return torch.cat([q, p], -1)


check("physics/hamiltonian/leapfrog", my_leapfrog)

# %% [markdown]
# **2. From a hill to a motion.** Given a function that returns the energy of states (..., 2), return the rate of change. Mind the
# minus sign, and which slope moves what.

# %% tags=["exercise"]
def motion(energy, x):
    """The time derivative (dq/dt, dp/dt) that Hamilton's equations give at the states x."""
    x = x.detach().requires_grad_()
    slope_q, slope_p = torch.autograd.grad(energy(x).sum(), x)[0].unbind(-1)
    return torch.stack([..., ...], -1)


check("physics/hamiltonian/motion", motion)

# %% tags=["solution"]
def motion(energy, x):
    """The time derivative (dq/dt, dp/dt) that Hamilton's equations give at the states x."""
    x = x.detach().requires_grad_()
    slope_q, slope_p = torch.autograd.grad(energy(x).sum(), x)[0].unbind(-1)
    return torch.stack([slope_p, -slope_q], -1)


check("physics/hamiltonian/motion", motion)

# %% [markdown]
# **3. More of the same.** Twice the trajectories, `replace(PENDULUM_SURVEY, trajectories=50)`, and the same fifteen drops. Which
# gets smaller, the Hamiltonian network's energy error or its phase error? Guess, then measure with `train` and `examine`.

# %% tags=["exercise"]
gets_smaller = ...  # "energy", "phase", "both" or "neither"
check("physics/hamiltonian/more_data", gets_smaller)

# %% tags=["solution"]
gets_smaller = "energy"  # "energy", "phase", "both" or "neither"
check("physics/hamiltonian/more_data", gets_smaller)

# %% [markdown]
# ## Notes
#
# **Where this comes from.** Hamiltonian networks are by Greydanus, Dzamba and Yosinski, 2019
# ([paper](https://arxiv.org/abs/1906.01563), [entry](../../book/bibliography.md#greydanus2019)), and so are both systems and their
# noise. Pushes that enter with a learned gain are Zhong, Dey and Chakraborty's ([entry](../../book/bibliography.md#zhong2020)), and
# so is friction beside a learned energy ([entry](../../book/bibliography.md#zhong2020b)); another way to it is Sosanya and
# Greydanus's ([entry](../../book/bibliography.md#sosanya2022)). Leapfrog is Störmer's, and Verlet's in molecular dynamics, 1967
# ([entry](../../book/bibliography.md#verlet1967)); the fourth-order triple is Forest and Ruth's
# ([entry](../../book/bibliography.md#forest1990)) and Yoshida's, 1990 ([paper](https://doi.org/10.1016/0375-9601(90)90092-3),
# [entry](../../book/bibliography.md#yoshida1990)). The theory of steps that keep structure is the book of Hairer, Lubich and Wanner
# ([entry](../../book/bibliography.md#hairer2006)). Symplectic recurrent networks learn through the steps, without measured
# derivatives ([entry](../../book/bibliography.md#chen2020)); SympNets learn the step itself and are symplectic whatever their
# weights ([entry](../../book/bibliography.md#jin2020)); Lagrangian networks do with velocities what a Hamiltonian one does with
# momenta ([entry](../../book/bibliography.md#cranmer2020)).
#
# **Where popular accounts go wrong.** "Energy is guaranteed" is true of the *learned* energy, in *continuous* time. The "symplectic
# Euler" of many tutorials is explicit Euler. Measuring the learned energy along the learned path shows nothing at all: it is
# constant by construction, also for a network that has learned nothing.
#
# **What this chapter does not show.** One degree of freedom, states that are measured and not seen, and exact derivatives, which
# are kind to every method. The noise lies on the networks' inputs, and regression on noisy inputs is pulled flat. On the noisy
# spring the learned clock therefore runs about 5 % slow, for both kinds of network, and ten times the data hardly mend it. (We
# measured that; it is not on this page.)

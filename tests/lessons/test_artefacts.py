"""Every published network loads, and does what its manifest says that it does."""

import json

import pytest
import torch
from torch import nn

from benchmarks.two_clocks import ways_known
from benchmarks.two_clocks_models import of_artefact
from tools.paths import ROOT
from wm_core.artefacts import load
from wm_core.generative.mae import MAE
from wm_core.generative.pixel_predictor import PixelPredictor
from wm_core.jepa.action_jepa import ActionJEPA
from wm_core.jepa.byol import BYOL
from wm_core.jepa.causal_jepa import CausalJEPA, whole_past
from wm_core.jepa.h_jepa_kept import kept_clocks
from wm_core.jepa.i_jepa import IJEPA
from wm_core.jepa.le_jepa import LeJEPA
from wm_core.jepa.next_moment import NextMoment, surprise
from wm_core.jepa.two_rooms_kept import cost_shelf, kept_models, shelf
from wm_core.jepa.v_jepa import VJEPA
from wm_core.jepa.vl_jepa import VLJEPA, TokenVLM, YDecoder
from wm_core.metrics.energy import worst_energy_error
from wm_core.metrics.probe import LinearClassifier, LinearProbe
from wm_core.nets.encoders import ConvEncoder, ConvTokens
from wm_core.nets.ensemble import EnsembleMLP
from wm_core.nets.places import PlaceEncoder
from wm_core.nets.slots import SlotAutoencoder
from wm_core.nets.vit import TokenPredictor, ViT
from wm_core.physics.graph_network import untrained
from wm_core.physics.grid_equations import KleinGordon
from wm_core.physics.hamiltonian import HamiltonianNetwork, PlainField
from wm_core.physics.integrators import rk4, simulate
from wm_core.physics.particles import System, fly
from wm_core.physics.spinn import SPINN
from wm_core.physics.swings import starts
from wm_core.physics.vortex import VortexProblem
from wm_core.worlds.captions import ask
from wm_core.worlds.coupled_discs import CoupledDiscs, apart
from wm_core.worlds.dot_room import DotRoom
from wm_core.worlds.events import EVENTS, pairs
from wm_core.worlds.grouped import seen_along
from wm_core.worlds.language import ANSWER_LENGTH, QUESTION_LENGTH, VOCABULARY, understand
from wm_core.worlds.moving_shapes import MovingShapes
from wm_core.worlds.oscillators import Pendulum
from wm_core.worlds.particles import Particles
from wm_core.worlds.robot import RobotTable
from wm_core.worlds.shapes import Shapes
from wm_core.worlds.stage import Stage
from wm_core.worlds.two_rooms import TwoRooms

MODELS = ROOT / "book/_static/models"


def energy_error(kept, kind, outputs):
    """Largest true-energy error over 20 s, mean over starts and members."""
    members = range(kept.manifest.config["seeds"])
    model = kept.into(kind(EnsembleMLP((2, 64, 64, outputs), members)).double())
    drops = [starts(15, 0.5, 1.5, torch.Generator().manual_seed(1000 + seed)) for seed in members]
    path = simulate(rk4, model, torch.stack(drops), 0.05, 400)
    return worst_energy_error(Pendulum().energy(path)).mean()


def dot_error(kept, model, positions):
    """Mean distance after fifteen pushes from one look, in room sides."""
    model = kept.into(model)
    test = DotRoom().episodes(512, 15, torch.Generator().manual_seed(78))
    z = model.encode(test.frames[:, 0])
    guess = positions(model, torch.cat([z[:, None], model.rollout(z, test.actions)], 1))[:, -1]
    return (guess - test.positions[:, -1]).norm(dim=-1).mean()


def read_off(model, z):
    """Positions by a linear probe fitted on episodes of its own."""
    held_out = DotRoom().episodes(512, 6, torch.Generator().manual_seed(77))
    latents = model.encode(held_out.frames).flatten(0, 1)
    return LinearProbe(latents, held_out.positions.flatten(0, 1), ridge=1e-3)(z)


def find_in_drawing(model, z):
    """Positions of the dot in the model's own drawings."""
    return DotRoom().find_dot(model.decode(z))


def size_read(kept, model):
    """How much of a shape's size a linear probe reads off the mean token: R²."""
    encoder = kept.into(model).eval().encoder
    world = Shapes(radii=(0.2, 0.3), margin=0.3, turn=0.15, texture=0.08, detail=0.05, detail_over="all")
    seen, fresh = (world.draw(n, torch.Generator().manual_seed(seed)) for n, seed in ((2000, 1), (1000, 2)))
    with torch.no_grad():
        z, test = (torch.cat([encoder(some) for some in s.images.split(250)]).mean(1) for s in (seen, fresh))
    return LinearProbe(z, seen.radius[:, None]).r2(test, fresh.radius[:, None])


def kind_read(kept, model=LeJEPA, dim=16):
    """How often a linear probe reads a shape's kind off the encoder of the chapter on LeJEPA."""
    encoder = ConvEncoder(16)
    encoder = kept.into(model(encoder, encoder.features, dim)).eval().encoder
    world = Shapes(radii=(0.2, 0.3), margin=0.3, turn=0.15, texture=0.08, detail=0.05, detail_over="all")
    seen, fresh = (world.draw(2000, torch.Generator().manual_seed(seed)) for seed in (2, 3))
    with torch.no_grad():
        z, test = (torch.cat([encoder(some) for some in s.images.split(500)]) for s in (seen, fresh))
    return LinearClassifier(z, seen.kind, 4).accuracy(test, fresh.kind)


def parts(out=None):
    """The encoder of the chapter on I-JEPA, and its predictor or decoder."""
    encoder = ViT(size=24, patch=4, dim=64, depth=3)
    return encoder, TokenPredictor(encoder, dim=64, depth=2, heads=2, out=out)


def tubelets():
    """The encoder of the chapter on V-JEPA."""
    return ViT(size=24, patch=6, frames=8, dim=64, depth=3)


def motion_read(kept, model):
    """How often a linear probe reads the motion off the mean tokens of a clip's four moments."""
    encoder = kept.into(model).eval().encoder
    world = MovingShapes(texture=0.1)
    seen, fresh = (world.clips(n, torch.Generator().manual_seed(seed)) for n, seed in ((2000, 2), (1000, 3)))
    with torch.no_grad():
        tokens = (torch.cat([encoder(some) for some in clips.frames.split(250)]) for clips in (seen, fresh))
        z, test = (each.unflatten(1, (4, 16)).mean(2).flatten(1) for each in tokens)
    return LinearClassifier(z, seen.motion, 4, 1e-3).accuracy(test, fresh.motion)


def robot_read(kept):
    """How much of a robot's place a linear probe reads off the latent that has watched films: R²."""
    encoder, mark = PlaceEncoder(), "encoder."
    encoder.load_state_dict({name.removeprefix(mark): w for name, w in kept.weights.items() if name.startswith(mark)})
    seen, fresh = (RobotTable().episodes(n, 15, torch.Generator().manual_seed(s)) for n, s in ((200, 2), (300, 3)))
    places, actual = (films.states[..., :2].flatten(0, 1) for films in (seen, fresh))
    read = LinearProbe(encoder(seen.frames).flatten(0, 1), places, ridge=1e-4)
    return read.r2(encoder(fresh.frames).flatten(0, 1), actual)


def pairs_told_apart(kept, **how):
    """The share of pairs, of six kinds, in which the impossible clip surprises more."""
    model = NextMoment(ViT(patch=8, frames=2, dim=64, depth=2, heads=4), **how)
    model, won = kept.into(model).eval(), []
    for number, event in enumerate(EVENTS):
        test = pairs(Stage(texture=0.05), 150, torch.Generator().manual_seed(50 + number), event)
        possible, impossible = (surprise(model, clips).mean((1, 2)) for clips in (test.possible, test.impossible))
        won.append((impossible > possible).float().mean())
    return torch.stack(won).mean()


SIZES = {"words": len(VOCABULARY), "question": QUESTION_LENGTH, "answer": ANSWER_LENGTH}


def answering(kept):
    """VL-JEPA's eye, its two encoders, and the decoder of embeddings, as they were kept together."""
    parts = {
        "eye": ConvTokens(),
        "model": VLJEPA(ConvTokens(), **SIZES, answer_depth=0, out=32),
        "writer": YDecoder(len(VOCABULARY), ANSWER_LENGTH, out=32, dim=48),
    }
    return kept.into(nn.ModuleDict(parts)).eval()


def in_words(eye, write):
    """How often what is written about a picture says the right one of 216 scenes."""
    scenes = Shapes(detail=0.05).draw(1000, torch.Generator().manual_seed(2))
    asked = ask(scenes, torch.Generator().manual_seed(5), ["scene"])
    said = write(eye(scenes.images[:500]), asked.question[:500])
    return (understand(said) == asked.meaning[:500]).float().mean()


def written_from_meanings(kept):
    """The same of VL-JEPA: its expected embedding, put into words."""
    parts = answering(kept)
    return in_words(parts["eye"], lambda seen, question: parts["writer"].answer(parts["model"](seen, question)))


def written_by_tokens(kept):
    """The same of its rival, which sees through the same eye."""
    eye = answering(load(MODELS / "vl_jepa"))["eye"]
    return in_words(eye, kept.into(TokenVLM(ConvTokens(), **SIZES)).eval().answer)


def hidden_past(kept):
    """How far off the hidden past of a joined disc is: root mean square, in lengths."""
    widths = {name: 9 for name in ("objects", "future", "tokens", "alone", "objects gusts", "future gusts")}
    widths |= {"objects films": 19, "future films": 19}
    nets = {name: CausalJEPA(width, alone=name == "alone") for name, width in widths.items()}
    model = kept.into(torch.nn.ModuleDict({**nets, "eyes": SlotAutoencoder()}))["objects"].eval()
    world = CoupledDiscs()
    test = world.episodes(500, 7, torch.Generator().manual_seed(2))
    slots, joined, each = world.slots(test.states, test.pairs), apart(test.pairs)[:, 1], torch.arange(500)
    hidden = whole_past(torch.nn.functional.one_hot(joined, 4).bool(), 4)
    error = (model(slots[:, :4], hidden) - slots)[each, 1:4, joined, :2]
    return error.square().sum(-1).mean().sqrt()


def imagined_in_rooms(kept, fixed=True):
    """How far off the dot is imagined after sixteen steps of a walk through two rooms, in pixels: seed 0."""
    config, world = kept.manifest.config, TwoRooms(fixed=fixed)
    mind = kept.into(shelf(config["seeds"], **config.get("sizes", {})))[0].eval()
    generator = torch.Generator().manual_seed(5)
    layout = world.layouts(300, generator)
    actions, places = world.wander(layout, 90, generator)
    z = mind["model"].encode(world.draw(layout, places[:, 30:31])[:, 0])
    imagined = mind["reader"](mind["model"].rollout(z, actions[:, 30:46]))
    return (imagined[:, -1] - places[:, 46]).norm(dim=-1).mean()


def way_across_the_wall(kept):
    """Rank correlation of the first cost of random layouts with the way on foot, over pairs with the wall between them."""
    config, world, generator = kept.manifest.config, TwoRooms(), torch.Generator().manual_seed(8)
    cost = kept.into(cost_shelf(config["seeds"], config["sizes"]))["random"][0]
    layout = world.layouts(2000, generator)
    here, there = world.anywhere(layout, generator), world.anywhere(layout, generator)
    model = kept_models("two_rooms_random")[0][0]["model"]
    z = seen_along(model.encode, world, layout, torch.stack([here, there], 1))
    apart = world.room(layout, here[:, None])[:, 0] != world.room(layout, there[:, None])[:, 0]
    foot = world.path_length(layout, here[:, None], there)[:, 0]
    ranks = [each[apart].argsort().argsort().double() for each in (cost.steps(z[:, 0], z[:, 1]), foot)]
    return torch.corrcoef(torch.stack(ranks))[0, 1]


def distance_on_level_2(kept):
    """The correlation of plain distances of level 2's latents with the way on foot, in the fixed layout of two rooms: seed 0."""
    clocks, _ = kept_clocks(MODELS / kept.manifest.system)
    return ways_known(of_artefact(clocks[0], 0), "sub-goals", learned=False)


def swarms_off(kept):
    """How far the central networks' bodies are, on average, from where they should be after 5 s."""
    shelf = nn.ModuleDict({kind: untrained(kind, (0, 1, 2)) for kind in ("plain", "antisymmetric", "central")})
    world, h = Particles(), 0.05
    x, bodies = world.start(16, 5, torch.Generator().manual_seed(7))
    imagined = fly(System(kept.into(shelf)["central"].double(), bodies), x.expand(3, *x.shape), h, 100)[-1]
    truth = fly(System(world, bodies), x, h / 4, 400)[-1]
    return (imagined - truth)[..., :2].norm(dim=-1).mean()


VORTICES = VortexProblem(low=0.02, high=0.2, duration=3.0)
HEADLINES = {
    "spinn": (
        "Klein-Gordon, speed set too",
        lambda kept: KleinGordon(velocity=True).error(kept.into(SPINN())),
    ),
    "particles": ("central: off after 5 s", swarms_off),
    "h_jepa": ("level 2, distance and way, seed 0", distance_on_level_2),
    "two_rooms_costs": ("random, from a roadmap, seed 0: across the wall", way_across_the_wall),
    "two_rooms_fixed": ("error after 16 steps, seed 0, px", imagined_in_rooms),
    "two_rooms_random": ("error after 16 steps, seed 0, px", lambda kept: imagined_in_rooms(kept, fixed=False)),
    "next_moment": ("features, seed 0, all", pairs_told_apart),
    "next_moment_pixels": ("pixels, seed 0, all", lambda kept: pairs_told_apart(kept, wanted="pixels", kind="l2")),
    "causal_jepa": ("objects, seed 0, hidden past, joined", hidden_past),
    "vl_jepa": ("VL-JEPA, seed 0, in words", written_from_meanings),
    "token_vlm": ("tokens, seed 0, in words", written_by_tokens),
    "v_jepa_2_ac": ("robot's place read, R²", robot_read),
    "v_jepa": (
        "V-JEPA, by moment",
        lambda kept: motion_read(kept, VJEPA(encoder := tubelets(), TokenPredictor(encoder))),
    ),
    "video_mae": (
        "VideoMAE, by moment",
        lambda kept: motion_read(kept, MAE(encoder := tubelets(), TokenPredictor(encoder, out=2 * 3 * 6 * 6))),
    ),
    "i_jepa": ("I-JEPA, seed 0, linear, size", lambda kept: size_read(kept, IJEPA(*parts()))),
    "mae": ("MAE, seed 0, linear, size", lambda kept: size_read(kept, MAE(*parts(out=48)))),
    "mae_blocks": ("MAE, blocks, linear, size", lambda kept: size_read(kept, MAE(*parts(out=48)))),
    "le_jepa": ("kind, seed 0", kind_read),
    "le_jepa_six": ("kind, seed 0", lambda kept: kind_read(kept, dim=6)),
    "le_jepa_small_weight": ("kind, seed 0", kind_read),
    "vicreg": ("kind, seed 0", kind_read),
    "byol": ("kind, seed 0", lambda kept: kind_read(kept, BYOL)),
    "action_jepa": (
        "error after 15 pushes, seed 0",
        lambda kept: dot_error(kept, ActionJEPA(action_scale=DotRoom().reach), read_off),
    ),
    "pixel_predictor": (
        "error after 15 pushes, seed 0",
        lambda kept: dot_error(kept, PixelPredictor(action_scale=DotRoom().reach), find_in_drawing),
    ),
    "hamiltonian": (
        "energy error, noisy pendulum, mean of the seeds",
        lambda kept: energy_error(kept, HamiltonianNetwork, 1),
    ),
    "pinn_vortex": ("viscosity 0.06: velocity", lambda kept: VORTICES.errors(kept.into(VORTICES.network()), 0.06)[0]),
    "plain_field": (
        "energy error, noisy pendulum, mean of the seeds",
        lambda kept: energy_error(kept, PlainField, 2),
    ),
}


@pytest.mark.parametrize("system", sorted(path.name for path in MODELS.iterdir() if path.is_dir()))
def test_the_headline_claim_holds_again(system):
    claim, measure = HEADLINES[system]  # a new artefact needs a line above
    kept = load(MODELS / system)
    with torch.no_grad():
        assert float(measure(kept)) == pytest.approx(kept.manifest.claims[claim], rel=0.02)


def test_every_artefact_says_where_it_comes_from():
    for folder in MODELS.iterdir():
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["system"] == folder.name
        assert len(manifest["commit"]) == 40, "trained outside a checkout"
        assert manifest["config"]
        assert manifest["claims"]


def test_all_artefacts_together_stay_small():
    assert sum(file.stat().st_size for file in MODELS.rglob("*") if file.is_file()) < 30e6

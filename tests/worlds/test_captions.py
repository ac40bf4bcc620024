"""Captioned scenes: answers agree with what is drawn, and streams change where they say."""

import pytest
import torch

from wm_core.worlds.captions import CHANGES, LARGE, ask, naming, stream, truth
from wm_core.worlds.drawing import COLOURS, KINDS, Look
from wm_core.worlds.language import MEANINGS, NAMES, QUESTIONS, SUBJECTS, VOCABULARY, paraphrases, understand
from wm_core.worlds.shapes import Shapes


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def scenes():
    return Shapes().draw(2000, seeded(0))


@pytest.fixture(scope="module")
def pairs():
    return Shapes(objects=(1, 3)).draw(2000, seeded(0))


def test_every_answer_is_true_of_its_scene_shape_by_shape(scenes):
    asked = ask(scenes, seeded(1))
    for i in range(len(scenes.kind)):
        x, y = scenes.position[i].tolist()
        expected = {
            "colour": COLOURS[scenes.colour[i]],
            "kind": KINDS[scenes.kind[i]],
            "place": f"{('top', 'middle', 'bottom')[(y >= 0.4) + (y >= 0.6)]} {('left', 'centre', 'right')[(x >= 0.4) + (x >= 0.6)]}",
            "side": "left half" if x < 0.5 else "right half",
            "height": "top half" if y < 0.5 else "bottom half",
            "size": "large" if scenes.radius[i] >= LARGE else "small",
        }
        expected["scene"] = f"{expected['colour']} {expected['kind']}, {expected['place']}"
        name = QUESTIONS[asked.kind[i]]
        assert MEANINGS[asked.meaning[i]].name == f"{name}: {expected[name]}"
    assert torch.equal(understand(asked.answer), asked.meaning)


def test_what_lies_on_a_border_belongs_to_what_follows():
    question = torch.tensor(
        [QUESTIONS.index("place")] * 4 + [QUESTIONS.index("side")] * 2 + [QUESTIONS.index("size")] * 2
    )
    below = 0.5 - 1e-6
    position = torch.tensor(
        [[0.4, 0.4], [0.3999, 0.6], [0.6, 0.3999], [0.5999, 0.5999], [0.5, 0], [below, 1], [0, 0], [0, 0]]
    )
    radius = torch.tensor([0.1] * 6 + [LARGE, LARGE - 1e-6])
    meaning = truth(question, torch.zeros(8, dtype=torch.long), torch.zeros(8, dtype=torch.long), position, radius)
    names = [MEANINGS[m].name.split(": ")[1] for m in meaning]
    assert names == [
        "middle centre", "bottom left", "top right", "middle centre", "right half", "left half", "large", "small",
    ]  # fmt: skip


def test_questions_and_places_are_even(scenes):
    asked = ask(scenes, seeded(1))
    assert (torch.bincount(asked.kind, minlength=7) / 2000 - 1 / 7).abs().max() < 0.03
    place = ask(scenes, seeded(1), ["place"]).meaning
    assert (place.unique(return_counts=True)[1] / 2000 - 1 / 9).abs().max() < 0.03


def test_only_the_questions_and_templates_that_are_wanted_come(scenes):
    asked = ask(scenes, seeded(1), ["kind", "size"], [4, 5])
    assert {QUESTIONS[k] for k in asked.kind.unique()} == {"kind", "size"}
    said = VOCABULARY.decode(asked.answer)
    assert all(line in paraphrases(int(m))[4:] for line, m in zip(said, asked.meaning, strict=True))


def test_seeds_repeat(scenes):
    first, again, other = (ask(scenes, seeded(s)) for s in (3, 3, 4))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first.question, other.question)


def test_among_several_shapes_exactly_one_fits_the_name(pairs):
    asked = ask(pairs, seeded(2))
    lines, count = VOCABULARY.decode(asked.question), pairs.visible.sum(1)
    for i, line in enumerate(lines):
        seen = [o for o in range(3) if pairs.visible[i, o]]
        subject = max((s for s in SUBJECTS if s in line), key=len)
        x = pairs.position[i, :, 0]
        if subject == "shape":
            fits = seen
        elif subject == "leftmost shape":
            fits = [o for o in seen if x[o] == x[seen].min()]
        elif subject == "rightmost shape":
            fits = [o for o in seen if x[o] == x[seen].max()]
        elif subject in KINDS:
            fits = [o for o in seen if KINDS[pairs.kind[i, o]] == subject]
        else:
            fits = [o for o in seen if f"{COLOURS[pairs.colour[i, o]]} shape" == subject]
        assert fits == [int(asked.about[i])]
        assert (subject == "shape") == (count[i] == 1)
    one = pairs.position[torch.arange(2000), asked.about]
    factors = (f[torch.arange(2000), asked.about] for f in (pairs.kind, pairs.colour))
    radius = pairs.radius[torch.arange(2000), asked.about]
    assert torch.equal(asked.meaning, truth(asked.kind, *factors, one, radius))
    assert {0, 1, 2} == set(asked.about.tolist())


def test_no_question_gives_its_answer_away(pairs):
    asked = ask(pairs, seeded(2), ["colour", "kind", "scene"])
    for line, kind in zip(VOCABULARY.decode(asked.question), asked.kind, strict=True):
        told = {"colour": COLOURS, "kind": KINDS, "scene": COLOURS + KINDS}[QUESTIONS[kind]]
        assert not set(line.split()) & set(told)


def test_whichever_shapes_there_are_one_can_be_named(pairs):
    for question in range(len(QUESTIONS)):
        names = naming(pairs, torch.full((2000,), question))
        assert names.flatten(1).any(1).all()
        assert not names[~pairs.visible].any()


def test_questions_that_do_not_exist_are_refused(scenes):
    with pytest.raises(ValueError, match=r"questions: got \['age'\]"):
        ask(scenes, seeded(0), ["age"])


@pytest.fixture(scope="module")
def films():
    return stream(40, 60, 6, seeded(0))


def test_a_stream_changes_where_it_says_and_only_there(films):
    assert films.frames.shape == (40, 60, 3, 24, 24)
    assert (films.event.sum(1) == 6).all()
    assert not films.event[:, :4].any()
    new = films.meaning.diff(dim=1) != 0
    assert torch.equal(new, films.event[:, 1:])
    moments = films.event.nonzero()[:, 1].view(40, 6)
    assert (moments.diff(dim=1) >= 4).all()


def test_one_thing_changes_at_a_time_and_it_is_the_one_named(films):
    values = torch.tensor([m.values if len(m.values) == 3 else (-1, -1, -1) for m in MEANINGS])[films.meaning]
    differs = values.diff(dim=1) != 0  # kind, colour, place: the order of CHANGES
    named = films.change[:, 1:, None] == torch.arange(len(CHANGES))
    assert torch.equal(differs, named)
    assert (films.change >= 0).eq(films.event).all()
    counts = torch.bincount(films.change[films.event], minlength=3) / 240
    assert (counts - 1 / 3).abs().max() < 0.1
    assert films.meaning[:, 0].unique().numel() > 30


def test_between_events_little_moves_and_at_events_the_picture_jumps(films):
    step = films.track.position.diff(dim=1).norm(dim=-1)
    quiet = ~films.event[:, 1:]
    assert step[quiet].max() < 0.02
    assert step[films.change[:, 1:] == CHANGES.index("place")].min() > 0.1
    clean = stream(40, 60, 6, seeded(0), look=Look())
    jump = clean.frames.diff(dim=1).abs().mean((-1, -2, -3))
    assert jump[~quiet].mean() > 10 * jump[quiet].mean()


def test_the_shape_is_where_the_meaning_says_in_every_frame(films):
    scene = torch.full_like(films.meaning, QUESTIONS.index("scene"))
    place = torch.tensor([m.values[-1] for m in MEANINGS])[films.meaning]
    column, row = place % 3, place // 3
    for axis, cell in ((0, column), (1, row)):
        where = films.track.position[..., axis]
        assert ((where - 0.3 - 0.2 * cell).abs() <= 0.06 + 1e-6).all()
    colour = (films.track.hue * 6).round().long() % 6
    assert torch.equal(truth(scene, films.track.kind, colour, films.track.position, films.track.radius), films.meaning)
    assert len(NAMES["place"]) == 9


def test_streams_repeat_and_noise_is_each_frames_own():
    first, again, other = (stream(2, 20, 2, seeded(s)) for s in (1, 1, 2))
    assert torch.equal(first.frames, again.frames)
    assert not torch.equal(first.frames, other.frames)
    still = stream(2, 20, 1, seeded(1), wander=0.0)
    assert (still.frames.diff(dim=1) != 0).flatten(2).any(-1).all()


def test_the_tightest_stream_that_fits_is_made_and_a_tighter_one_refused():
    tight = stream(3, 12, 3, seeded(0), apart=3)
    assert tight.event.sum() == 9
    exact = stream(1, 10, 3, seeded(0), apart=3)
    assert exact.event[0].nonzero()[:, 0].tolist() == [3, 6, 9]
    with pytest.raises(ValueError, match="frames: got 9 for 3 events 3 apart"):
        stream(1, 9, 3, seeded(0), apart=3)
    with pytest.raises(ValueError, match=r"wander: got 0.1"):
        stream(1, 20, 2, seeded(0), wander=0.1)

"""VL-JEPA and its rival: shapes, where gradients go, what collapses and what does not, and what no writer of tokens can beat."""

import math

import pytest
import torch
import torch.nn.functional as F

from wm_core.jepa.vl_jepa import VLJEPA, TokenVLM, YDecoder, look, token_loss, vl_jepa_loss
from wm_core.metrics.retrieval import mean_cosine
from wm_core.nets.text import PAD
from wm_core.nets.vit import ViT
from wm_core.objectives.info_nce import alignment_and_uniformity
from wm_core.worlds.captions import ask
from wm_core.worlds.language import ANSWER_LENGTH, MEANINGS, QUESTION_LENGTH, VOCABULARY, paraphrases
from wm_core.worlds.shapes import Shapes

SIZES = (len(VOCABULARY), QUESTION_LENGTH, ANSWER_LENGTH)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return ViT(dim=16, depth=1, heads=2).requires_grad_(False)


@pytest.fixture
def model(encoder):
    return VLJEPA(encoder, *SIZES, dim=16, answer_dim=16, out=12)


@pytest.fixture
def rival(encoder):
    return TokenVLM(encoder, *SIZES, dim=16)


@pytest.fixture
def batch(encoder):
    generator = torch.Generator().manual_seed(0)
    scenes = Shapes().draw(24, generator)
    asked = ask(scenes, generator)
    return look(encoder, scenes.images, 10), asked.question, asked.answer


def collapse(model):
    """One vector for whatever comes, on both sides."""
    with torch.no_grad():
        for layer in (model.out, model.answers.out):
            layer.weight.zero_()
            layer.bias.copy_(torch.arange(1.0, 13.0))


def test_shapes(model, rival, batch):
    seen, question, answer = batch
    assert seen.shape == (24, 36, 16)
    assert model(seen, question).shape == model.answers(answer).shape == (24, 12)
    assert rival(*batch).shape == (24, ANSWER_LENGTH, len(VOCABULARY))
    assert rival.answer(seen, question).shape == (24, ANSWER_LENGTH)


def test_looking_is_the_encoder_without_gradient_however_many_at_a_time(encoder):
    images = torch.rand(7, 3, 24, 24)
    torch.testing.assert_close(look(encoder, images, 3), encoder(images))
    assert not look(encoder.requires_grad_(True), images).requires_grad


def test_the_prediction_depends_on_picture_question_and_its_order_but_not_on_padding(model, batch):
    seen, question, _ = batch
    z = model(seen, question)
    assert (z - model(seen.roll(1, 0), question)).norm(dim=1).min() > 1e-3
    assert (z - model(seen.flip(1), question)).norm(dim=1).min() > 1e-3  # where in the picture something is
    turned = question.clone()
    turned[:, :2] = question[:, :2].flip(1)
    assert (z - model(seen, turned)).norm(dim=1).min() > 1e-4
    short = question[:, : int((question != PAD).sum(1).max())]
    torch.testing.assert_close(model(seen, F.pad(short, (0, QUESTION_LENGTH - short.shape[1]))), model(seen, short))


def test_visual_and_question_tokens_attend_to_each_other(model, batch):
    seen, question, _ = batch
    x, real = model.prompt(seen, question)
    x = x.detach().requires_grad_()
    mixed = model.predictor(x, real)
    (to_question,) = torch.autograd.grad(mixed[:, 0].square().sum() + mixed[:, 0, 0].sum(), x, retain_graph=True)
    (to_picture,) = torch.autograd.grad(mixed[:, 36, 0].sum(), x)
    assert (to_question[:, 36].abs().amax(-1) > 0).all()
    assert (to_picture[:, :36].abs().amax(-1) > 0).all()
    assert (to_picture[~real] == 0).all()


@pytest.mark.parametrize("objective", ["info_nce", "l2"])
def test_gradients_reach_predictor_and_answers_and_not_the_encoder(model, encoder, batch, objective):
    (loss,) = vl_jepa_loss(model, *batch, objective).values()
    loss.backward()
    for name, weights in model.named_parameters():
        assert weights.grad is not None, name
        assert weights.grad.isfinite().all(), name
    assert model.out.weight.grad.abs().max() > 0
    assert model.answers.words.embed.weight.grad.abs().max() > 0
    assert model.prompt.words.embed.weight.grad.abs().max() > 0
    assert all(weights.grad is None for weights in encoder.parameters())


def test_l2_is_the_alignment_of_info_nce_alone(model, batch):
    predicted, target = model(*batch[:2]), model.answers(batch[2])
    alignment, uniformity = alignment_and_uniformity(predicted, target, 0.3)
    torch.testing.assert_close(vl_jepa_loss(model, *batch, "l2")["l2"], 0.6 * alignment)
    torch.testing.assert_close(vl_jepa_loss(model, *batch, temperature=0.3)["info_nce"], alignment + uniformity)


def test_l2_has_a_global_minimum_where_every_embedding_is_one_vector(model, batch):
    assert float(vl_jepa_loss(model, *batch, "l2")["l2"].detach()) > 0.1
    collapse(model)
    loss = vl_jepa_loss(model, *batch, "l2")["l2"]
    assert float(loss.detach()) == pytest.approx(0, abs=1e-10)
    loss.backward()
    assert all(weights.grad.abs().max() < 1e-6 for weights in model.parameters())


def test_info_nce_of_a_collapsed_model_is_log_n(model, batch):
    collapse(model)
    assert float(vl_jepa_loss(model, *batch)["info_nce"].detach()) == pytest.approx(math.log(24), rel=1e-5)


def test_the_token_loss_counts_real_tokens_and_the_end(rival, batch):
    logits, answer = rival(*batch), batch[2]
    nats = [
        -F.log_softmax(row[place], -1)[tokens[place]]
        for row, tokens in zip(logits, answer, strict=True)
        for place in range(ANSWER_LENGTH)
        if tokens[place] != PAD
    ]
    torch.testing.assert_close(token_loss(logits, answer)["tokens"], torch.stack(nats).mean())


def test_no_writer_of_tokens_gets_below_log_6_a_sentence():
    """Whoever knows the meaning, and of the phrasing what was written so far, still cannot know which of six is meant."""
    for meaning in (0, 8, 12, 24, 25, len(MEANINGS) - 1):
        answers = VOCABULARY.encode(paraphrases(meaning))
        logits = torch.zeros(*answers.shape, len(VOCABULARY))
        for row, place in torch.cartesian_prod(torch.arange(6), torch.arange(answers.shape[1])):
            alike = (answers[:, :place] == answers[row, :place]).all(1)
            logits[row, place] = torch.bincount(answers[alike, place], minlength=len(VOCABULARY)).log()
        nats = token_loss(logits, answers)["tokens"] * (answers != PAD).sum() / 6
        assert float(nats) == pytest.approx(math.log(6), rel=1e-5)


def test_the_rivals_gradients_reach_everything(rival, batch):
    token_loss(rival(*batch), batch[2])["tokens"].backward()
    assert all(weights.grad is not None and weights.grad.abs().max() > 0 for weights in rival.parameters())


def test_the_rival_writes_by_lot_as_often_as_it_says_that_it_would(encoder, batch):
    seen, question, _ = batch
    torch.manual_seed(1)
    rival = TokenVLM(encoder, len(VOCABULARY), QUESTION_LENGTH, 2, dim=16)
    with torch.no_grad():
        rival.decoder.out.bias[6:] = -30.0  # a language of six tokens, uneven
        rival.decoder.out.bias[:6] = torch.tensor([-30.0, -30.0, 1.0, 0.5, 0.0, -0.5])
    offered = torch.tensor([[2, 0], [3, 2], [4, 2], [5, 2], [3, 3], [5, 4]])
    expected = rival.log_likelihood(seen[:2], question[:2], offered.expand(2, -1, -1)).exp()
    written = rival.sample(seen[:2], question[:2], 6000, torch.Generator().manual_seed(0))
    found = (written[:, :, None] == offered).all(-1).float().mean(1)
    torch.testing.assert_close(found, expected, atol=0.03, rtol=0)
    assert float((expected[0] - expected[1]).abs().max()) > 0


def test_the_likelihood_of_an_answer_is_the_sum_over_its_tokens_and_its_end(rival, batch):
    seen, question, answer = (rows[:3] for rows in batch)
    offered = torch.stack([answer, answer.roll(1, 0)], 1)
    scores = rival.log_likelihood(seen, question, offered)
    alone = [
        -float(token_loss(rival(seen[n : n + 1], question[n : n + 1], a := offered[n, k][None]), a)["tokens"].detach())
        * int((a != PAD).sum())
        for n in range(3)
        for k in range(2)
    ]
    torch.testing.assert_close(scores.flatten(), torch.tensor(alone), rtol=1e-4, atol=1e-4)


def test_vl_jepa_predictor_and_rival_have_the_same_transformer(model, rival):
    def shapes(net):
        return [weights.shape for weights in net.parameters()]

    assert shapes(model.prompt) == shapes(rival.prompt)
    assert shapes(model.predictor) == shapes(rival.decoder.transformer)


def test_the_decoder_of_embeddings_trains_nothing_else_and_reads_directions_only(model, batch):
    decoder = YDecoder(len(VOCABULARY), ANSWER_LENGTH, out=12, dim=16)
    z = model.answers(batch[2])
    token_loss(decoder(z, batch[2]), batch[2])["tokens"].backward()
    assert all(weights.grad is None for weights in model.parameters())
    assert all(weights.grad is not None for weights in decoder.parameters())
    torch.testing.assert_close(decoder(z, batch[2]), decoder(5 * z, batch[2]))
    assert decoder.answer(z).shape == (24, ANSWER_LENGTH)


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "collapses"), [("l2", True), ("info_nce", False)])
def test_training_both_sides_collapses_under_l2_and_not_under_info_nce(model, batch, objective, collapses):
    updates = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        updates.zero_grad()
        (loss,) = vl_jepa_loss(model, *batch, objective).values()
        loss.backward()
        updates.step()
    alike = mean_cosine(model.answers(batch[2]).detach())
    assert (alike > 0.99) if collapses else (alike < 0.5)

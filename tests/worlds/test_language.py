"""The language of captions: one meaning a sentence, six sentences a meaning, and phrasings that tokens do not show to be one."""

from itertools import chain, pairwise

import pytest
import torch

from wm_core.worlds.language import (
    ANSWER_LENGTH,
    ANSWERS,
    ASKING,
    END,
    FIRST,
    MEANINGS,
    NAMES,
    PAD,
    QUESTIONS,
    SUBJECTS,
    TEMPLATES,
    VOCABULARY,
    paraphrases,
    phrase,
    pose,
    understand,
)

ALL = torch.arange(len(MEANINGS))
SENTENCES = [paraphrases(meaning) for meaning in range(len(MEANINGS))]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def read(sentence):
    """What a sentence says, by its names alone: which values of which factors it mentions, templates unknown."""
    rest, found = f" {sentence} ", {}
    for factor in ("side", "height", "place", "colour", "kind", "size"):
        named = [(name, value) for value, names in enumerate(NAMES[factor]) for name in names if f" {name} " in rest]
        for name, value in named:
            found.setdefault(factor, set()).add(value)
            rest = rest.replace(f" {name} ", "  ")
    assert all(len(values) == 1 for values in found.values())
    return {factor: values.pop() for factor, values in found.items()}


def bags(sentences):
    """How often each word stands in each sentence."""
    tokens = VOCABULARY.encode(sentences)
    return torch.nn.functional.one_hot(tokens, len(VOCABULARY)).sum(1)[:, 3:].float()


def test_every_sentence_is_read_as_the_meaning_it_came_from():
    for meaning, sentences in enumerate(SENTENCES):
        question, values = MEANINGS[meaning]
        factors = ("kind", "colour", "place") if QUESTIONS[question] == "scene" else (QUESTIONS[question],)
        for sentence in sentences:
            assert read(sentence) == dict(zip(factors, values, strict=True)), sentence


def test_there_are_six_sentences_a_meaning_and_no_two_meanings_share_one():
    assert len(set(chain(*SENTENCES))) == TEMPLATES * len(MEANINGS) == 6 * 241


def test_tokens_are_understood_in_every_phrasing_and_nonsense_is_not():
    for template in range(TEMPLATES):
        assert torch.equal(understand(phrase(ALL, seeded(0), [template])), ALL)
    assert understand(VOCABULARY.encode(["it is", "red is it", ""])).tolist() == [-1, -1, -1]


def test_numbers_and_names_of_meanings_are_one_to_one():
    assert len({meaning.name for meaning in MEANINGS}) == len(MEANINGS) == FIRST[-1]
    for question, (start, end) in enumerate(pairwise(FIRST)):
        assert {meaning.question for meaning in MEANINGS[start:end]} == {question}
    assert MEANINGS[0].name == "colour: red"
    assert MEANINGS[25].name == "scene: red disc, top left"


def test_the_sentence_that_shares_the_most_words_says_something_else():
    words = bags(list(chain(*SENTENCES)))
    shared = torch.nn.functional.normalize(words) @ torch.nn.functional.normalize(words).T
    meaning = ALL.repeat_interleave(TEMPLATES)
    same = meaning[:, None] == meaning
    own = shared.masked_fill(~same | torch.eye(len(words), dtype=torch.bool), -1).max(1).values
    other = shared.masked_fill(same, -1).max(1).values
    assert (other > own).all()
    assert shared[same & ~torch.eye(len(words), dtype=torch.bool)].mean() < 0.25


def test_what_is_held_out_has_no_words_of_its_own():
    seen, held_out = (
        {word for sentences in SENTENCES for sentence in sentences[part] for word in sentence.split()}
        for part in (slice(4), slice(4, 6))
    )
    assert held_out <= seen


def test_tokens_go_round():
    lines = list(chain(*SENTENCES))
    tokens = VOCABULARY.encode(lines)
    assert VOCABULARY.decode(tokens) == lines
    assert torch.equal(VOCABULARY.encode(VOCABULARY.decode(tokens)), tokens)
    assert torch.equal(VOCABULARY.encode(lines, 20)[:, : tokens.shape[1]], tokens)
    assert (tokens == END).sum(1).eq(1).all()
    assert tokens[tokens.eq(END).cumsum(1).roll(1, 1).bool() & (torch.arange(tokens.shape[1]) > 0)].eq(PAD).all()


def test_phrases_are_drawn_evenly_from_the_templates_that_are_allowed_and_repeat():
    drawn = VOCABULARY.decode(phrase(torch.zeros(4000, dtype=torch.long), seeded(0), (1, 4)))
    assert set(drawn) == {SENTENCES[0][1], SENTENCES[0][4]}
    assert 0.46 < drawn.count(SENTENCES[0][1]) / 4000 < 0.54
    assert torch.equal(phrase(ALL, seeded(1)), phrase(ALL, seeded(1)))
    assert not torch.equal(phrase(ALL, seeded(1)), phrase(ALL, seeded(2)))
    assert phrase(ALL[:6].view(2, 3), seeded(0)).shape == (2, 3, ANSWER_LENGTH)


def test_no_two_questions_share_a_wording():
    assert all(len(templates) == 4 for templates in ASKING.values())
    said = [template.format(subject) for templates in ASKING.values() for template in templates for subject in SUBJECTS]
    assert len(set(said)) == len(said) == 4 * 7 * 13


def test_a_question_is_posed_in_one_of_its_wordings():
    question = torch.tensor([0, 4, 6]).repeat(50)
    subject = torch.tensor([0, 2, 12]).repeat(50)
    lines = VOCABULARY.decode(pose(question, subject, seeded(0)))
    for number in range(3):
        name, about = QUESTIONS[question[number]], SUBJECTS[subject[number]]
        assert set(lines[number::3]) == {template.format(about) for template in ASKING[name]}


def test_every_answer_of_a_question_has_six_templates():
    assert all(len(templates) == TEMPLATES for templates in ANSWERS.values())


def test_what_cannot_be_said_is_refused():
    with pytest.raises(ValueError, match=r"sentences: got \['mauve'\]"):
        VOCABULARY.encode(["it is mauve"])
    with pytest.raises(ValueError, match="length: got 3, wanted at least 4"):
        VOCABULARY.encode(["it is red"], 3)
    with pytest.raises(ValueError, match="tokens: got 0 to 9999"):
        VOCABULARY.decode(torch.tensor([[0, 9999]]))
    with pytest.raises(ValueError, match=r"templates: got \[6\]"):
        phrase(ALL, seeded(0), [6])
    with pytest.raises(ValueError, match=r"templates: got \[\]"):
        phrase(ALL, seeded(0), [])

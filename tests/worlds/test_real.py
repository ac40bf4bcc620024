"""Real data: files of the official formats are read as they should be, and others are refused."""

import pickle
import sys

import numpy as np
import pytest
import torch

from wm_core.worlds.real import CIFAR10_CLASSES, cifar10, digits, moving_mnist

PARTS = [f"data_batch_{i}" for i in range(1, 6)]


def test_digits_are_8_by_8_pictures_of_ten_classes():
    pytest.importorskip("sklearn")
    images, labels = digits()
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == torch.float32
    assert images.min() == 0
    assert images.max() == 1
    assert labels.unique().tolist() == list(range(10))
    means = torch.stack([images[labels == digit].mean(0) for digit in range(10)])
    nearest = torch.cdist(images.flatten(1), means.flatten(1)).argmin(1)
    assert (nearest == labels).float().mean() > 0.85  # so labels belong to their pictures


def test_without_scikit_learn_the_reader_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        digits()


def a_batch(n, first=0):
    """Pictures each of whose pixels says where it is: red the row, green the column, blue the picture's number."""
    row, column = np.mgrid[:32, :32]
    pictures = np.stack([np.stack([row, column, np.full((32, 32), first + i)]) for i in range(n)])
    return {
        b"batch_label": b"made up",
        b"labels": [(first + i) % 10 for i in range(n)],
        b"data": pictures.reshape(n, 3072).astype(np.uint8),
        b"filenames": [b"none.png"] * n,
    }


def write(file, batch):
    """As the official files: by the old name of NumPy's function, and text as bytes."""
    pickled = pickle.dumps(batch, protocol=3)
    file.write_bytes(pickled.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))


@pytest.fixture
def folder(tmp_path):
    inner = tmp_path / "cifar-10-batches-py"
    inner.mkdir()
    for i, name in enumerate(PARTS):
        write(inner / name, a_batch(4, first=4 * i))
    write(inner / "test_batch", a_batch(3, first=100))
    return tmp_path


def test_cifar_has_its_channels_rows_and_columns_in_place_and_its_batches_in_order(folder):
    images, labels = cifar10(folder)
    assert images.shape == (20, 3, 32, 32)
    assert images.dtype == torch.float32
    levels = (255 * images).round()
    assert torch.equal(levels[:, 0], torch.arange(32.0)[:, None].expand(20, 32, 32))
    assert torch.equal(levels[:, 1], torch.arange(32.0).expand(20, 32, 32))
    assert torch.equal(levels[:, 2, 0, 0], torch.arange(20.0))
    assert torch.equal(labels, torch.arange(20) % 10)
    assert len(CIFAR10_CLASSES) == 10


def test_the_test_part_is_another_and_the_inner_folder_does_as_well(folder):
    images, labels = cifar10(folder / "cifar-10-batches-py", "test")
    assert (255 * images[:, 2, 0, 0]).round().tolist() == [100, 101, 102]
    assert labels.tolist() == [0, 1, 2]


def test_files_written_by_a_newer_python_are_read_as_well(folder):
    file = folder / "cifar-10-batches-py" / "test_batch"
    file.write_bytes(pickle.dumps(a_batch(2), protocol=4))
    assert len(cifar10(folder, "test").labels) == 2


class Program:
    def __reduce__(self):
        return eval, ("1 / 0",)


def test_a_pickle_that_holds_a_program_is_not_run(folder):
    file = folder / "cifar-10-batches-py" / "test_batch"
    file.write_bytes(pickle.dumps({b"data": Program()}, protocol=3))
    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.eval"):
        cifar10(folder, "test")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({b"data": np.zeros((3, 3071), np.uint8)}, r"uint8 \(3, 3071\)"),
        ({b"data": np.zeros((3, 3072), np.float64)}, "float64"),
        ({b"data": [1, 2, 3]}, "is list"),
        ({b"labels": [0, 1]}, "labels"),
        ({b"labels": [0, 1, 10]}, "labels"),
    ],
    ids=["width", "type", "list", "fewer labels", "unknown label"],
)
def test_pictures_or_labels_of_another_form_are_refused_by_name(folder, change, named):
    write(folder / "cifar-10-batches-py" / "test_batch", a_batch(3) | change)
    with pytest.raises(ValueError, match=named):
        cifar10(folder, "test")


def test_a_missing_file_a_missing_key_and_an_unknown_part_are_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="part is 'valid'"):
        cifar10(folder, "valid")
    write(folder / "cifar-10-batches-py" / "test_batch", [1, 2])
    with pytest.raises(ValueError, match="is NoneType"):
        cifar10(folder, "test")
    (folder / "cifar-10-batches-py" / "data_batch_3").unlink()
    with pytest.raises(FileNotFoundError, match="data_batch_3"):
        cifar10(folder)


def test_moving_mnist_becomes_clips_with_time_second(tmp_path):
    data = np.zeros((20, 5, 64, 64), np.uint8)
    data += np.arange(20, dtype=np.uint8)[:, None, None, None] * 10 + np.arange(5, dtype=np.uint8)[None, :, None, None]
    data[:, :, 7, 9] = 255
    np.save(tmp_path / "mnist_test_seq.npy", data)
    clips = moving_mnist(tmp_path / "mnist_test_seq.npy")
    assert clips.shape == (5, 20, 1, 64, 64)
    assert (255 * clips[3, :, 0, 0, 0]).round().tolist() == [10 * t + 3 for t in range(20)]
    assert (clips[:, :, 0, 7, 9] == 1).all()
    assert torch.equal(moving_mnist(tmp_path / "mnist_test_seq.npy", 1, 2), clips[1:3])


@pytest.mark.parametrize(
    "data",
    [
        np.zeros((10, 20, 64, 64), np.uint8),
        np.zeros((20, 3, 32, 64), np.uint8),
        np.zeros((20, 64, 64), np.uint8),
        np.zeros((20, 3, 64, 64), np.float32),
    ],
    ids=["time second", "not square", "one clip", "not bytes"],
)
def test_clips_of_another_form_are_refused(tmp_path, data):
    np.save(tmp_path / "clips.npy", data)
    with pytest.raises(ValueError, match="wanted uint8"):
        moving_mnist(tmp_path / "clips.npy")


@pytest.mark.parametrize(("first", "count"), [(-1, 1), (2, 2), (3, None), (0, 0)])
def test_clips_that_are_not_there_are_refused(tmp_path, first, count):
    np.save(tmp_path / "clips.npy", np.zeros((20, 3, 64, 64), np.uint8))
    with pytest.raises(ValueError, match=f"first is {first}"):
        moving_mnist(tmp_path / "clips.npy", first, count)

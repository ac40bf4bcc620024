"""Real data for those who want it, read from files that you already have. Nothing here is downloaded.

- `digits` comes with scikit-learn (``pip install scikit-learn``, or ``pip install 'wm_core[data]'``).
- `cifar10` reads the "CIFAR-10 python version" of https://www.cs.toronto.edu/~kriz/cifar.html, unpacked (Krizhevsky, 2009).
- `moving_mnist` reads ``mnist_test_seq.npy`` of https://www.cs.toronto.edu/~nitish/unsupervised_video/ (Srivastava et al.,
  2015).
"""

import pickle
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

#: What CIFAR-10's labels stand for.
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class Labelled(NamedTuple):
    """Pictures and what they show.

    Attributes:
        images: (n, channels, height, width) in [0, 1].
        labels: (n,) the class, from 0.
    """

    images: Tensor
    labels: Tensor


def digits() -> Labelled:
    """1,797 handwritten digits of 8×8 pixels, grey, from scikit-learn.

    Raises:
        ImportError: scikit-learn is not there.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as missing:
        raise ImportError("digits() takes its pictures from scikit-learn: pip install scikit-learn") from missing
    found = load_digits()
    return Labelled(torch.from_numpy(found.images / 16).float()[:, None], torch.from_numpy(found.target).long())


def cifar10(root: str | Path, part: str = "train") -> Labelled:
    """The 50,000 training or 10,000 test pictures of CIFAR-10, 32×32 in colour; `CIFAR10_CLASSES` names the labels.

    The files are pickles, which can hold programs. Here they may hold arrays, numbers, text, lists and dictionaries only.

    Args:
        root: the folder ``cifar-10-batches-py``, or the one it is in.
        part: "train" or "test".

    Raises:
        ValueError: a file does not hold pictures as CIFAR-10's do.
        FileNotFoundError: a file is missing.
        pickle.UnpicklingError: a file holds something else than data.
    """
    files = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
    if part not in files:
        raise ValueError(f"part is {part!r}; wanted 'train' or 'test'")
    folder = Path(root)
    folder = folder / "cifar-10-batches-py" if (folder / "cifar-10-batches-py").is_dir() else folder
    batches = [_cifar_batch(folder / name) for name in files[part]]
    images, labels = (np.concatenate(each) for each in zip(*batches, strict=True))
    return Labelled(torch.from_numpy(images).float().div_(255), torch.from_numpy(labels))


def moving_mnist(path: str | Path, first: int = 0, count: int | None = None) -> Float[Tensor, "n 20 1 64 64"]:
    """Clips of two digits that move and bounce: 20 frames of 64×64, grey, in [0, 1].

    Args:
        path: the file ``mnist_test_seq.npy`` with 10,000 clips.
        first: the first clip wanted.
        count: how many are wanted; all from there on if left out, which take 3.3 GB. No more than wanted is read.

    Raises:
        ValueError: the file holds something else than (20, n, 64, 64) bytes, or not as many clips.
    """
    data = np.load(path, mmap_mode="r", allow_pickle=False)
    if data.ndim != 4 or data.shape[0] != 20 or data.shape[2:] != (64, 64) or data.dtype != np.uint8:
        raise ValueError(f"{path} holds {data.dtype} {data.shape}; wanted uint8 (20, n, 64, 64)")
    count = data.shape[1] - first if count is None else count
    if first < 0 or count < 1 or first + count > data.shape[1]:
        raise ValueError(f"first is {first} and count {count}; wanted clips among the {data.shape[1]} of {path}")
    clips = np.ascontiguousarray(data[:, first : first + count].swapaxes(0, 1))
    return torch.from_numpy(clips).float().div_(255)[:, :, None]


def _cifar_batch(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 3, 32, 32) and labels (n,) of one file."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there; see https://www.cs.toronto.edu/~kriz/cifar.html")
    with file.open("rb") as opened:
        batch = _DataOnly(opened, encoding="bytes").load()
    data, labels = (batch.get(key) for key in (b"data", b"labels")) if isinstance(batch, dict) else (None, None)
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
        held = f"{data.dtype} {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
        raise ValueError(f"the data of {file} is {held}; wanted uint8 (n, 3072)")
    if not isinstance(labels, list) or len(labels) != len(data) or not all(label in range(10) for label in labels):
        raise ValueError(f"the labels of {file} are not {len(data)} numbers from 0 to 9")
    return data.reshape(-1, 3, 32, 32), np.array(labels, dtype=np.int64)


class _DataOnly(pickle.Unpickler):
    """Reads arrays and plain types, and refuses to look up anything else."""

    def find_class(self, module: str, name: str):
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        if module in {"numpy.core.multiarray", "numpy._core.multiarray"} and name == "_reconstruct":
            return np.ndarray.__reduce__(np.empty(0))[0]  # by whatever name this version of NumPy has it
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}; wanted arrays and plain types only")

"""Trained models as files: weights, a manifest that says where they come from, and ONNX for the browser.

An artefact is a folder::

    model.safetensors   the weights (never pickle)
    model.onnx          the network as the browser runs it (optional)
    manifest.json       system, config, seed, commit, device, date, versions, measured claims, and each file's sha256

It is written file by file through a temporary name, the manifest last; a write that was cut off leaves either the old
artefact or one whose checksums do not match, and never one that loads and is wrong.
"""

import hashlib
import json
import logging
import math
import os
import platform
import subprocess
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor, nn

FORMAT = "wm_core artefact 1"

#: The manifests and results of this checkout that this process asked for. A lesson whose artefact was trained again has to run
#: again.
asked_for: set[Path] = set()


class ArtefactError(ValueError):
    """An artefact that is missing, damaged, or not what it was asked to be."""


@dataclass(frozen=True)
class Exported:
    """A network as ONNX, with one input and what PyTorch answers to it, so that every runtime can be held to it."""

    onnx: bytes
    reference: dict


@dataclass(frozen=True)
class Manifest:
    """Where an artefact comes from and what was measured on it."""

    system: str
    config: dict
    seed: int
    claims: dict[str, float]
    commit: str
    device: str
    date: str
    versions: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    format: str = FORMAT

    def provenance(self) -> str:
        """Where, when and from what this was trained, in a line."""
        return f"trained on {self.device}, {self.date}, PyTorch {self.versions['torch']}, commit {self.commit[:8]}"


@dataclass(frozen=True)
class Artefact:
    """A loaded artefact: its weights by name and its manifest."""

    weights: dict[str, Tensor]
    manifest: Manifest

    def into(self, module: nn.Module) -> nn.Module:
        """Put the weights into ``module`` and return it.

        Raises:
            ArtefactError: the module's parameters differ in name or shape from the artefact's.
        """
        try:
            module.load_state_dict(self.weights)
        except RuntimeError as error:
            kind = type(module).__name__
            raise ArtefactError(f"{self.manifest.system} does not fit this {kind}: {error}") from None
        return module


def save(
    folder: str | Path,
    module: nn.Module,
    *,
    system: str,
    config: dict,
    seed: int,
    claims: dict[str, float],
    exported: Exported | None = None,
) -> Manifest:
    """Write ``module`` as an artefact.

    Args:
        folder: made if it is not there; an artefact in it is replaced.
        module: its ``state_dict`` is what is saved.
        system: the name under which the book knows it, such as ``hamiltonian``.
        config: what is needed to build the module again.
        seed: the seed of the training.
        claims: what was measured on these very weights, by name.
        exported: the network for the browser.

    Raises:
        ValueError: a claim is not a finite number. JSON has no word for it, and nothing was measured.
    """
    from safetensors.torch import save as to_safetensors

    if empty := [name for name, value in claims.items() if not math.isfinite(value)]:
        raise ValueError(f"claims: got no finite number for {', '.join(empty)}; leave out what was not measured")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}
    contents = {"model.safetensors": to_safetensors(weights)}
    if exported is not None:
        contents["model.onnx"] = exported.onnx
    made = provenance()
    manifest = Manifest(
        system=system,
        config=config,
        seed=seed,
        claims=claims,
        commit=made["commit"],
        device=made["device"],
        date=made["date"],
        versions={"python": platform.python_version(), "torch": made["torch"]},
        files={name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
    )
    for name, data in contents.items():
        write_atomically(folder / name, data)
    write_atomically(folder / "manifest.json", json.dumps(asdict(manifest), indent=1).encode() + b"\n")
    return manifest


def load(source: str | Path) -> Artefact:
    """Load an artefact from a folder or from the book's site, and verify every checksum.

    Args:
        source: a folder, or an ``http(s)`` address of one. Files from an address are kept in pooch's cache.

    Raises:
        ArtefactError: it is missing, not an artefact of this format, cut short, or changed since it was written.
    """
    from safetensors.torch import load as from_safetensors

    remote = str(source).startswith(("http://", "https://"))
    manifest = f"{source}/manifest.json"
    manifest = _manifest(_download_fresh(manifest) if remote else _read(Path(manifest)), source)
    if "model.safetensors" not in manifest.files:
        raise ArtefactError(f"{source}: the manifest lists no model.safetensors")
    data = {}
    for name, sha256 in manifest.files.items():
        data[name] = _download(f"{source}/{name}", sha256) if remote else _read(Path(source) / name)
        got = hashlib.sha256(data[name]).hexdigest()
        if got != sha256:
            raise ArtefactError(
                f"{source}/{name} is damaged: its sha256 is {got[:12]}… ({len(data[name])} bytes), "
                f"the manifest says {sha256[:12]}…. Fetch it again."
            )
    return Artefact(weights=from_safetensors(data["model.safetensors"]), manifest=manifest)


def published(system: str) -> str | Path:
    """Where the book's own artefact of ``system`` is: in this checkout, else on the site that ``WM_SITE`` names.

    Raises:
        ArtefactError: neither is there.
    """
    return _in_the_book(f"models/{system}", "manifest.json")


def results(benchmark: str) -> dict:
    """What a benchmark of the book has measured: its file in this checkout, else on the site that ``WM_SITE`` names.

    Args:
        benchmark: its name, such as ``two_clocks``.

    Raises:
        ArtefactError: neither is there.
    """
    found = _in_the_book(f"benchmarks/{benchmark}.json")
    return json.loads(_read(found) if isinstance(found, Path) else _download_fresh(found))


def _in_the_book(name: str, told_by: str = "") -> str | Path:
    """What the book keeps under this name, here or on the site; ``told_by`` is the file in it that changes when it does."""
    here = Path(__file__).resolve().parent.parent / "book" / "_static" / name
    if here.exists():
        asked_for.add(here / told_by)
        return here
    site = os.environ.get("WM_SITE")
    if not site:
        raise ArtefactError(f"{name}: there is no {here}, and WM_SITE does not say where the book's site is")
    return f"{site.rstrip('/')}/_static/{name}"


def export_onnx(module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Exported:
    """Export ``module`` to ONNX with fixed shapes, in float32, on the CPU.

    Args:
        module: called as ``module(*inputs.values())``; returns one tensor or a tuple of them.
        inputs: an example of each input by name. It also becomes the reference input.
        outputs: the outputs' names, in order.

    Raises:
        ValueError: ``outputs`` names more or fewer tensors than the module returns.
    """
    module = module.eval().float().cpu()
    example = tuple(value.detach().float().cpu() for value in inputs.values())
    with torch.no_grad():
        answer = module(*example)
    answer = answer if isinstance(answer, tuple) else (answer,)
    if len(answer) != len(outputs):
        raise ValueError(f"outputs: got {len(outputs)} names, the module returns {len(answer)} tensors")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations are not the reader's concern
        program = torch.onnx.export(
            module, example, input_names=list(inputs), output_names=list(outputs), dynamo=True, verbose=False
        )
    named = {"inputs": dict(zip(inputs, example, strict=True)), "outputs": dict(zip(outputs, answer, strict=True))}
    reference = {
        side: {name: {"shape": list(t.shape), "data": t.flatten().tolist()} for name, t in tensors.items()}
        for side, tensors in named.items()
    }
    return Exported(onnx=program.model_proto.SerializeToString(), reference=reference)


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` so that ``path`` holds either what it held before or all of ``data``, whenever the power fails."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as temporary:
        try:
            temporary.write(data)
            temporary.flush()
            os.fsync(temporary.fileno())
            os.chmod(temporary.name, 0o644)
        except BaseException:
            os.unlink(temporary.name)
            raise
    os.replace(temporary.name, path)


def provenance() -> dict[str, str]:
    """What whoever doubts a result made now will ask: commit, device, date and version of PyTorch."""
    return {
        "commit": commit(),
        "device": device_name(),
        "date": datetime.now(UTC).date().isoformat(),
        "torch": torch.__version__,
    }


def device_name() -> str:
    """The device of this run in words, such as ``NVIDIA H200`` or ``CPU, 2 cores``."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {os.cpu_count()} cores"


def commit() -> str:
    """The commit of this checkout, or ``unknown`` outside one."""
    here = Path(__file__).resolve().parent
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be read ({error.strerror})") from None


def _manifest(data: bytes, source: str | Path) -> Manifest:
    try:
        found = json.loads(data)
    except ValueError:
        raise ArtefactError(f"{source}/manifest.json is not JSON: it was cut short, or is no manifest") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        got = found.get("format") if isinstance(found, dict) else None
        raise ArtefactError(f"{source}/manifest.json: format is {got!r}, wanted {FORMAT!r}")
    try:
        return Manifest(**found)
    except TypeError as error:
        raise ArtefactError(f"{source}/manifest.json: {str(error).removeprefix('Manifest.__init__() ')}") from None


def _download_fresh(address: str) -> bytes:
    import pooch

    with tempfile.TemporaryDirectory() as folder:  # never from a cache: a manifest says which files are the right ones
        return _fetch(pooch, address, None, folder)


def _download(address: str, sha256: str) -> bytes:
    import pooch

    return _fetch(pooch, address, f"sha256:{sha256}", pooch.os_cache("wm_core"))


def _fetch(pooch, address: str, known: str | None, folder) -> bytes:
    pooch.get_logger().setLevel("WARNING")  # among a notebook's results nobody wants to read which file came from where
    try:
        return Path(pooch.retrieve(address, known_hash=known, path=folder)).read_bytes()
    except Exception as error:  # requests, urllib3 and pooch each raise their own
        raise ArtefactError(f"{address}: could not be fetched intact ({error})") from None

"""The part Physics beside the libraries of others: time, error and what is conserved, ours and theirs in one run.

Every row has a target, set before it was measured. Times are medians of interleaved repeats on one thread, and what counts is
their ratio. A peer that is not installed is left out, and its row says so; what a peer's paper reports, or what was measured of it
elsewhere, is never mixed with what was measured here.

Usage: python -m benchmarks.physics [--only NAME ...] [--repeats 7] [--out FILE]
Theirs need an environment of their own with `pip install -r benchmarks/requirements-physics.txt`.
"""

import argparse
import importlib
import json
import os
from pathlib import Path
from typing import NotRequired, TypedDict

import torch

from wm_core.artefacts import provenance, write_atomically

OUT = Path(__file__).resolve().parent.parent / "book" / "_static" / "benchmarks" / "physics.json"

#: The chapters whose claims these are, in their order. Each has a module `physics_NAME` here, with a function `measure(repeats)`.
CHAPTERS = ("hamiltonian", "pinn", "spinn", "conservation", "particles")

#: Seven networks on the same bodies under the same measures: no peers, and a table of its own (`benchmarks.physics_kept`).
KEPT = "kept"


class Row(TypedDict):
    """One comparison.

    Attributes:
        topic: what is measured.
        peer: beside whom, with the version.
        theirs, ours: the two numbers, or what stands in for one: "raises", "not installed".
        unit: of both.
        ratio: ours over theirs, the median over interleaved repeats; None where there is none.
        target: what was to be reached, in words.
        reached: whether it was; None where the peer is missing.
        note: how it was measured, if more is to be said.
    """

    topic: str
    peer: str
    theirs: float | str | None
    ours: float | str
    unit: str
    ratio: float | None
    target: str
    reached: bool | None
    note: NotRequired[str]


def joined(before: dict, name: str, found: list[Row] | dict, where: dict) -> dict:
    """The results with one chapter's rows, or the table of who keeps what, new and all else as it was."""
    if name == KEPT:
        return before | {KEPT: {"about": where} | found}
    chapters = before.get("chapters", {}) | {name: {"about": where, "rows": found}}
    return before | {"chapters": {chapter: chapters[chapter] for chapter in CHAPTERS if chapter in chapters}}


def main() -> None:
    """Measure chapter by chapter, print, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=(*CHAPTERS, KEPT), default=(*CHAPTERS, KEPT))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    os.environ.setdefault("DDE_BACKEND", "pytorch")
    torch.set_num_threads(1)
    for name in options.only:
        module = importlib.import_module(f"benchmarks.physics_{name}")
        found = module.compare() if name == KEPT else module.measure(options.repeats)
        for row in found if name != KEPT else ():
            print(f"{name}: {row['topic']}: theirs {row['theirs']}, ours {row['ours']} {row['unit']} ({row['target']})")
        if name != KEPT and any(row["theirs"] == "not installed" for row in found):
            print(f"{name}: a peer is missing, see benchmarks/requirements-physics.txt. Nothing of this is written.")
            continue
        before = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        where = provenance() if name == KEPT else {"repeats": options.repeats} | provenance()
        after = joined(before, name, found, where)
        write_atomically(options.out, json.dumps(after, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()

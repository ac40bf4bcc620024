"""Who did better on the same trials: the rows of a comparison, read again.

A row is a dictionary that says who acted and how, with its ``seed``, and for each reading a string of 0 and 1, a character a trial.
"""

from wm_core.metrics.intervals import mcnemar, wilson

Row = dict


def chosen(rows: list[Row], **wanted: object) -> list[Row]:
    """The rows that say what is wanted: ``chosen(rows, world="maze", every=16)``."""
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def share(rows: list[Row], reading: str = "at_end") -> tuple[float, float, float]:
    """The share of 1 among all trials of some rows, with its 95 % interval (`wilson`).

    Where several seeds have the same trials, they are fewer than they seem.

    Raises:
        ValueError: there is no trial.
    """
    together = "".join(row[reading] for row in rows)
    return wilson(together.count("1"), len(together))


def pair(rows: list[Row], first: dict, second: dict, reading: str = "at_end", **both: object) -> tuple[int, int, float]:
    """(only the first, only the second, p) of two arms on the same trials, over all seeds that both have (`mcnemar`).

    Args:
        rows: all there are.
        first, second: what each arm's rows say: ``{"arm": "flat"}``.
        reading: which string.
        both: what the rows of both say.

    Raises:
        ValueError: a seed has several rows that say what is wanted, or there is no seed that both have.
    """
    one, other = (_by_seed(rows, both | asked) for asked in (first, second))
    seeds = sorted(one.keys() & other.keys())
    if not seeds:
        raise ValueError(f"{both}, {first} and {second}: got no seed that both have, wanted one")
    ones, others = ([each == "1" for seed in seeds for each in found[seed][reading]] for found in (one, other))
    return mcnemar(ones, others)


def _by_seed(rows: list[Row], wanted: dict) -> dict[int, Row]:
    found: dict[int, Row] = {}
    for row in chosen(rows, **wanted):
        if row["seed"] in found:
            raise ValueError(f"{wanted}: got several rows of seed {row['seed']}, wanted one; say more")
        found[row["seed"]] = row
    return found

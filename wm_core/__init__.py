"""wm_core: world models one can read, train, and plan with.

The library behind the book *World Models, from one frame to a plan*. It is laid out in floors; a room imports only from
rooms on its own floor or below.

====== ==========================================================  ====================================================
floor  rooms                                                       what lives there
====== ==========================================================  ====================================================
4      ``lesson``                                                  what only the book's lessons use
2      ``jepa``, ``generative``, ``physics``                       one file per system, named as the field names it
1      ``nets``, ``objectives``, ``metrics``, ``training``,        blocks, losses, measures, the training loop, saving
       ``artefacts``, ``distributed``                              and loading
0      ``worlds``                                                  simulators with known truth
====== ==========================================================  ====================================================

Importing ``wm_core`` imports none of the rooms: import what you use, for example ``from wm_core.physics.hamiltonian
import HamiltonianNetwork``.
"""

__version__ = "0.1.0"

# %% [markdown]
# # A dummy chapter about $H = T + U$
#
# What you will do.
#
# ## The question
# Here is an equation:
#
# $$ \frac{d}{dt} H(q, p) = \frac{\partial H}{\partial q}\dot q + \frac{\partial H}{\partial p}\dot p = 0 $$
#
# And | a | table:
#
# | a | b |
# |---|--:|
# | 1 | 2 |

# %%
import torch

from wm_core.lesson import claim, explore, figure, show, source, table, colour

# %%
fig, ax = figure()
ax.plot([0, 1, 2], [0, 1, 4], label="imagined")
ax.plot([0, 1, 2], [0, 1, 3], color=colour("actual"), label="actual")
ax.set(xlabel="time / s", ylabel="angle / rad")
ax.legend()
show(fig, caption="Look at this, and what it means.", alt="Two lines.")

# %%
def draw(h):
    fig, ax = figure()
    ax.plot([0, 1, 2], [0, h, h**2])
    return fig

explore(draw, caption="Move the slider.", alt="A curve", h=[0.1, 0.2, 0.5])

# %%
source(claim)
table(["what", "m"], [["a", 1.2345], ["b", (1.0, 0.5, 2.0)]])

# %%
claim("one is one", 1.0, "==", 1.0)

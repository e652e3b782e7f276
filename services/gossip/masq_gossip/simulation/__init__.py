"""Many whole gossip cores on one virtual clock: one seed, one history.

timeline.py   the virtual clock and what is due on it
network.py    what happens to messages: delay, loss, reordering, duplication, partition
node.py       one simulated node
liars.py      nodes that do not tell the truth
checks.py     what must hold after every step
mesh.py       all of it together, and the verbs that make things happen
mischief.py   random histories of misfortune
study.py      what a mesh of some size costs and how fast it learns

The cores are those of the process; only the routers and the network are played.
"""

from masq_gossip.simulation.mesh import Mesh
from masq_gossip.simulation.mischief import Mischief
from masq_gossip.simulation.network import Conditions
from masq_gossip.simulation.node import SimulatedNode
from masq_gossip.simulation.study import QUESTIONS, Finding, Study

__all__ = ["QUESTIONS", "Conditions", "Finding", "Mesh", "Mischief", "SimulatedNode", "Study"]

"""Making a node: its keys, its configuration file, its first token."""

from masq_cli.making.node import MadeNode, make_node
from masq_cli.making.plan import NodePlan

__all__ = ["MadeNode", "NodePlan", "make_node"]

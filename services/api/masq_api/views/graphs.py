"""The neighborhood for graph tools: DOT (Graphviz) and GraphML. Pure."""

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import quoteattr

from masq_kernel.bus.messages.gossip import NodeState

__all__ = ["dot", "graphml"]


def dot(nodes: Sequence[NodeState]) -> str:
    """Return the graph for Graphviz; half edges are dashed."""
    lines = ["graph neighborhood {", "  node [shape=ellipse];"]
    for node in nodes:
        style = ", style=bold" if node.is_self else ""
        lines.append(f'  "{node.node_id.text}" [label="{node.node_id.short}"{style}];')
    for left, right, is_full in _edges(nodes):
        style = "" if is_full else " [style=dashed]"
        lines.append(f'  "{left}" -- "{right}"{style};')
    return "\n".join([*lines, "}", ""])


def graphml(nodes: Sequence[NodeState]) -> str:
    """Return the graph as GraphML, with the country of each node and the kind of each edge."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        '<key id="country" for="node" attr.name="country" attr.type="string"/>',
        '<key id="full" for="edge" attr.name="full" attr.type="boolean"/>',
        '<graph id="neighborhood" edgedefault="undirected">',
    ]
    for node in nodes:
        country = f'<data key="country">{node.country}</data>'
        lines.append(f"<node id={quoteattr(node.node_id.text)}>{country}</node>")
    for left, right, is_full in _edges(nodes):
        full = f'<data key="full">{str(is_full).lower()}</data>'
        lines.append(f"<edge source={quoteattr(left)} target={quoteattr(right)}>{full}</edge>")
    return "\n".join([*lines, "</graph>", "</graphml>", ""])


def _edges(nodes: Sequence[NodeState]) -> Iterable[tuple[str, str, bool]]:
    """Yield each edge between known nodes once, and whether both records list it."""
    listed = {(node.node_id, neighbor) for node in nodes for neighbor in node.neighbors}
    known = {node.node_id for node in nodes}
    for left, right in sorted(listed):
        is_full = (right, left) in listed
        if right in known and (left < right or not is_full):
            yield left.text, right.text, is_full

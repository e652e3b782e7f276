"""Several router processes of one node that share its work (docs/adr/0015).

roster -> who there is and what each holds; handover -> routes that another one serves; siblings ->
the links among them; merging -> one answer for all; spread -> links of our own with each neighbor.
"""

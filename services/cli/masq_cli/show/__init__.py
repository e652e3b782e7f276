"""How the `masq` command prints what it learnt."""

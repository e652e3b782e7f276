"""The commands of `masq`, a module for each family."""

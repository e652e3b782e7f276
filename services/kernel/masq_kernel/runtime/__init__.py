"""The life of a service: settings, health, metrics, start and orderly stop."""

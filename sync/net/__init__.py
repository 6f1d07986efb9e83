"""Reaches both systems and the webhook: proxies, authorities, certificates, secrets, and why no answer came."""

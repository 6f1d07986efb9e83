"""How both systems and the webhook are reached: proxies, authorities, certificates, credentials, and why there was no answer."""

"""How both systems and the webhook are reached: proxies, authorities, certificates, secrets, and why no answer came."""

"""HTTP, URIs, JSON and multipart bodies, each read to the letter of its standard."""

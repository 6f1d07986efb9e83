"""What the law asks for a person: erasure, access, the consent trail, and how long things are kept."""

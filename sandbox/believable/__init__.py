"""Made-up German, Danish, English and Dutch companies and people, with what is odd about real ones."""

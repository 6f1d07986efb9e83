"""The page: what people look at in a browser. It shows, and changes nothing; it stands on the answers of `admin`."""

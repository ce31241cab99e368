workspace = "golden"

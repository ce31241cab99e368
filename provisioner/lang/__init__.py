"""The language: source → tokens → syntax tree → values, and back to source. Import the modules, not this package."""

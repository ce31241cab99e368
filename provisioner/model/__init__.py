"""Plain data that every room shares: standard library only, frozen, no behaviour beyond itself."""

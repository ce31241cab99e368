"""From a configuration to the resources that each cloud should hold."""

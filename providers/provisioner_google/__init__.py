"""Google Cloud: identities, federation, bindings, custom roles and boundaries of agents."""

"""What ties a workload to a role: instance profiles, pod identity associations, workload identities, OIDC providers.

Each has a desired form, a live form, a way to be read, calls and their binding; nothing here knows a plan.
"""

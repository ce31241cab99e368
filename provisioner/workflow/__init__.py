"""The commands' work as short functions: each reads what it needs, calls the rooms in order, returns a result.

Nothing here prints, exits or reads the environment by itself; the command line hands all of that in.
"""

"""The only writers of state: one function per thing that a person or an agent does.

Each runs in one transaction, changes states by guarded updates with one Transition row each, and
returns what to do next as a value (outcome.Next). The caller hands that to tasks.follow().
"""

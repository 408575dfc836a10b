"""The only writers of state: one function for each thing that a person, an agent or the clock does.

cutovers/    a cutover from its plan to its end. Begin with actions.py (what people do) and engine.py (how the domain's
             decisions are carried out and written down)
rehearsals/  every terminal tries the certificate beforehand. Begin with lifecycle.py
devices/     sites, servers and terminals, the import from CSV
agents/      enrolling agents, recognising them when they connect, shutting them out
attention/   what needs a person, from every part of the database

The modules in this folder itself are used by several of them. No folder depends on one that depends on it.

Each function runs in one transaction, changes states by guarded updates with one Transition row each, and returns what is
to be done after the commit (after_commit.py). The caller passes that to tasks.follow().
"""

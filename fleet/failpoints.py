"""The dashboard's failpoints: where one of its processes can be made to die. `agents.failpoints.reached` is the call."""

# In the order in which a cutover passes them. "uncommitted" means: at the end of the transaction, before its commit.
NAMES = (
    "web.act_uncommitted",
    "web.act_committed",
    "engine.carried_out",
    "tasks.follow_begun",
    "tasks.follow_done",
    "tasks.dispatch_begun",
    "tasks.dispatch_written",
    "worker.write_uncommitted",
    "worker.write_committed",
    "worker.tick_uncommitted",
    "worker.tick_committed",
    "gateway.agent_recognised",
    "gateway.instructions_read",
    "gateway.instructions_sent",
    "gateway.instructions_marked",
    "gateway.report_received",
    "gateway.take_begun",
    "gateway.take_uncommitted",
    "gateway.take_committed",
    "gateway.acks_sent",
)

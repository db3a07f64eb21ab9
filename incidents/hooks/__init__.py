"""Self-recovery: signed calls that are meant to mend a component, each with its receipt.

`rules` says when a hook may be called (pure), `causes` what a component fails with, `call` makes the signed
request. `acting` writes each act before its call and what came of it afterwards, `judging` what the probes
saw after the settling time, `asking` what people decide. `runner` does all of it in threads of its own in
the message worker: a receiver that hangs delays no check and no message.

At most once: an act is written as started, with its line on the timeline, before it is sent, and is never
sent again. If we die in between, nobody knows whether it was received: it counts as a call, and what still
fails after its settling time gets a new act with a key of its own. A restart that came twice would cost
more than one that did not come.
"""

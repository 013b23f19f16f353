"""The fold decides: plans, the gate, the acceptors. It sees only committed facts, in plan order; prefetch starts work early and decides
nothing."""

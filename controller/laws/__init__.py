"""Power-control laws: pure state machines from what is observed and permitted to a demand in watts."""

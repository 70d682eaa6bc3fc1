"""The reference CPO: a real CPO-side OICP 2.3 implementation, attached to the bench like any foreign one."""

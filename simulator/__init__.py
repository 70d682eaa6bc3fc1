"""The fleet: virtual charge points that speak OCPP to the CPO, with EVSEs, meters and vehicles."""

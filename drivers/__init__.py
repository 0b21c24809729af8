"""Device knowledge: the contract, the transports, and one folder per device."""

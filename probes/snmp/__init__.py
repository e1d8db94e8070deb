"""SNMP (v2c and v3, read only): what network, power and cooling equipment says of itself and of its neighbours."""

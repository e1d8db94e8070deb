"""The objects that are asked for, by their numbers, with the module that defines them."""

from __future__ import annotations

#: SNMPv2-MIB (RFC 3418).
SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
SYS_NAME = "1.3.6.1.2.1.1.5.0"
SYSTEM = (SYS_DESCR, SYS_OBJECT_ID, SYS_NAME)

ENTERPRISES = "1.3.6.1.4.1."

#: IF-MIB (RFC 2863), columns by interface index.
IF_DESCR = "1.3.6.1.2.1.2.2.1.2"
IF_TYPE = "1.3.6.1.2.1.2.2.1.3"
IF_PHYS_ADDRESS = "1.3.6.1.2.1.2.2.1.6"
IF_OPER_STATUS = "1.3.6.1.2.1.2.2.1.8"
#: IP-MIB (RFC 4293): the older table of IPv4 addresses, by address.
IP_AD_IF_INDEX = "1.3.6.1.2.1.4.20.1.2"
IP_AD_NET_MASK = "1.3.6.1.2.1.4.20.1.3"
#: RFC1213-MIB: the oldest table of routes, by destination.
IP_ROUTE_IF_INDEX = "1.3.6.1.2.1.4.21.1.2"
IP_ROUTE_NEXT_HOP = "1.3.6.1.2.1.4.21.1.7"
IP_ROUTE_MASK = "1.3.6.1.2.1.4.21.1.11"
#: IP-FORWARD-MIB (RFC 4292): by destination, mask, service and next hop.
CIDR_ROUTE_IF_INDEX = "1.3.6.1.2.1.4.24.4.1.5"
#: IP-FORWARD-MIB (RFC 4292): by type, destination, length, policy, type and next hop.
INET_CIDR_ROUTE_IF_INDEX = "1.3.6.1.2.1.4.24.7.1.7"
#: IP-MIB: who was met on which wire, by interface and address.
NET_TO_MEDIA_PHYS = "1.3.6.1.2.1.4.22.1.2"
#: ENTITY-MIB (RFC 6933), by part.
ENT_CLASS = "1.3.6.1.2.1.47.1.1.1.1.5"
ENT_SERIAL = "1.3.6.1.2.1.47.1.1.1.1.11"
ENT_VENDOR = "1.3.6.1.2.1.47.1.1.1.1.12"
ENT_MODEL = "1.3.6.1.2.1.47.1.1.1.1.13"
#: LLDP-MIB (IEEE 802.1AB): neighbours by time, local port and number.
LLDP_LOCAL_PORT = "1.0.8802.1.1.2.1.3.7.1.4"
LLDP_REMOTE_PORT = "1.0.8802.1.1.2.1.4.1.1.7"
LLDP_REMOTE_PORT_DESCR = "1.0.8802.1.1.2.1.4.1.1.8"
LLDP_REMOTE_NAME = "1.0.8802.1.1.2.1.4.1.1.9"
LLDP_REMOTE_ADDRESS = "1.0.8802.1.1.2.1.4.2.1.3"
#: UPS-MIB (RFC 1628): who made it, and what it is called.
UPS_VENDOR = "1.3.6.1.2.1.33.1.1.1.0"
UPS_MODEL = "1.3.6.1.2.1.33.1.1.2.0"
UPS_SOFTWARE = "1.3.6.1.2.1.33.1.1.3.0"
UPS = (UPS_VENDOR, UPS_MODEL, UPS_SOFTWARE)

#: Every table that is walked, in the order of what it is worth where time runs out.
TABLES = (
    IF_DESCR,
    IF_TYPE,
    IF_PHYS_ADDRESS,
    IF_OPER_STATUS,
    IP_AD_IF_INDEX,
    IP_AD_NET_MASK,
    ENT_CLASS,
    ENT_VENDOR,
    ENT_MODEL,
    ENT_SERIAL,
    INET_CIDR_ROUTE_IF_INDEX,
    CIDR_ROUTE_IF_INDEX,
    IP_ROUTE_NEXT_HOP,
    IP_ROUTE_MASK,
    IP_ROUTE_IF_INDEX,
    LLDP_LOCAL_PORT,
    LLDP_REMOTE_NAME,
    LLDP_REMOTE_PORT,
    LLDP_REMOTE_PORT_DESCR,
    LLDP_REMOTE_ADDRESS,
    NET_TO_MEDIA_PHYS,
)

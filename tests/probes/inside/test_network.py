"""Interfaces, routes, tunnels, uplinks, ports, mounts: what leads out of a machine, and what stays inside."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest

from inventories.model import Fact, Observation, Strength
from inventories.places import Zone
from probes.inside import from_raw
from probes.inside.model import Inside, Listener
from probes.inside.routes import read_routes
from probes.inside.sockets import read_listeners
from probes.inside.storage import read_mounts, without_login

Data = Callable[[str], str]
Run = Callable[..., str]
Observe = Callable[..., Observation]
Told = Callable[[Observation, str], dict[object, Fact]]


def identifiers(seen: Observation, scheme: str) -> set[str]:
    return {i.value for i in seen.identifiers if i.scheme == scheme}


def test_the_recorded_namespace(data: Data, observe: Observe, told: Told) -> None:
    """A real kernel's words: a veth for a card, container bridges, a VXLAN, a TUN, an IPsec policy."""
    seen = observe(from_raw(data("recorded-debian12.txt")))
    # Two addresses are laid over the interface (secondary, single): they identify no machine.
    assert identifiers(seen, "ip") == {"10.20.30.5", "10.20.30.7"}
    assert set(told(seen, "ips")) == {
        "10.20.30.5",
        "10.20.30.6",
        "10.20.30.7",
        "10.20.30.100",
        "2001:db8:20::5",
    }
    assert set(told(seen, "tunnels")) == {"tun0 tun 10.8.0.2", "vx0 vxlan 10.20.30.9", "ipsec ipsec 198.51.100.7"}
    assert set(told(seen, "default_gateway")) == {"10.20.30.1"}
    assert "10.250.0.0/16" not in " ".join(map(str, told(seen, "routes")))
    assert set(told(seen, "listeners")) == {
        "80/tcp nginx",
        "127.0.0.1:8081/tcp nginx",
        "6379/tcp redis-server",
        "4789/udp",
    }
    assert set(told(seen, "name_servers")) == {"10.20.30.53"}


def test_a_server_with_a_bond_a_vlan_and_laid_over_addresses(data: Data, observe: Observe, told: Told) -> None:
    seen = observe(from_raw(data("synthetic-kylin-server-kunpeng.txt")))
    assert identifiers(seen, "ip") == {"10.20.30.5"}
    assert identifiers(seen, "mac") == {"84:46:fe:00:00:01", "84:46:fe:00:00:03"}
    assert "172.16.9.5" in told(seen, "ips")
    assert "192.168.122.1" not in told(seen, "ips")
    assert "172.20.0.0/14 via 172.16.9.1 dev enp125s0f2" in told(seen, "routes")
    assert set(told(seen, "mounts")) == {
        "/dev/mapper/klas-data xfs /data",
        "10.20.30.80:/export/backup nfs4 /backup",
    }
    # Without privilege a port of another account stays without its process.
    assert {"22/tcp", "80/tcp", "5236/tcp dmserver", "127.0.0.1:5237/tcp dmserver"} <= set(told(seen, "listeners"))
    assert "51411/udp" not in told(seen, "listeners")


def test_an_old_system(data: Data, observe: Observe, told: Told) -> None:
    inside = from_raw(data("synthetic-centos6.txt"))
    seen = observe(inside)
    assert set(told(seen, "tunnels")) == {"tun0 openvpn 10.8.0.6", "branch gre 198.51.100.20"}
    assert "10.77.0.0/16 dev branch" in told(seen, "routes")
    assert "3306/tcp mysqld" in told(seen, "listeners")
    assert "127.0.0.1:8005/tcp java" in told(seen, "listeners")
    assert identifiers(seen, "ip") == {"10.20.30.5", "10.20.30.66"}


def test_a_bridge_over_a_card_is_the_machines_own(data: Data, observe: Observe, told: Told) -> None:
    seen = observe(from_raw(data("synthetic-openeuler-phytium-hypervisor.txt")))
    assert set(told(seen, "ips")) == {"10.20.30.9"}
    assert told(seen, "tunnels") == {}
    assert identifiers(seen, "mac") == {"0c:da:00:00:00:02"}


def test_networks_of_containers_are_no_networks_of_a_department(data: Data, observe: Observe, told: Told) -> None:
    seen = observe(from_raw(data("synthetic-uos-server-hygon-guest.txt")))
    assert set(told(seen, "ips")) == {"10.20.31.8"}
    assert identifiers(seen, "mac") == {"fa:16:3e:00:00:08"}
    assert not any("169.254" in str(route) for route in told(seen, "routes"))


NET = "name=eth0\ttype=1\taddress=52:54:00:00:00:01\tifindex=2\tiflink=2\toperstate=up\tdevice=1\tdriver=virtio_net"
ADDRESS = "2: eth0    inet 10.20.30.5/24 brd 10.20.30.255 scope global eth0"
ROUTE = "default via 10.20.30.1 dev eth0"


def host(run: Run, *, net: str = "", addresses: str = "", routes: str = ROUTE, **more: str) -> Inside:
    parts = {"net": f"{NET}\n{net}", "addresses": f"{ADDRESS}\n{addresses}", "routes": routes, **more}
    return from_raw(run({"host": "h", **parts}))


@pytest.mark.parametrize(
    ("net", "address", "more", "uplink"),
    [
        (
            "name=wwan0\ttype=65534\tdevtype=wwan\tdevice=1\tdriver=qmi_wwan",
            "3: wwan0    inet 100.70.1.2/30 scope global wwan0",
            {},
            "wwan0 cellular",
        ),
        (
            "name=ppp0\ttype=512\tifindex=9",
            "9: ppp0    inet 100.64.9.8 peer 100.64.0.1/32 scope global ppp0",
            {"tunnels": "pppoe Id       Address              Device\npppoe 0000000C 00:1a:2b:3c:4d:5e     eth0"},
            "ppp0 pppoe",
        ),
        (
            "name=ppp0\ttype=512\tifindex=9",
            "9: ppp0    inet 100.64.9.8 peer 100.64.0.1/32 scope global ppp0",
            {"processes": "Name:\tpppd\nName:\twvdial"},
            "ppp0 dial-up",
        ),
        (
            "name=usb0\ttype=1\tdevice=1\tusb=1\tdriver=rndis_host\tmanufacturer=HUAWEI\tproduct=Mate",
            "7: usb0    inet 192.168.42.129/24 scope global usb0",
            {"routes": "default via 192.168.42.1 dev usb0 metric 50\ndefault via 10.20.30.1 dev eth0 metric 100"},
            "usb0 usb-tether",
        ),
    ],
)
def test_ways_to_the_internet_that_a_machine_dials(
    run: Run, observe: Observe, told: Told, net: str, address: str, more: dict[str, str], uplink: str
) -> None:
    seen = observe(host(run, net=net, addresses=address, **more))
    assert set(told(seen, "uplinks")) == {uplink}
    assert told(seen, "uplinks")[uplink].evidence
    assert told(seen, "tunnels") == {}


@pytest.mark.parametrize("address", ["169.254.95.120/24 scope link", "16.1.15.2/30 scope global"])
def test_the_management_controllers_usb_card_is_no_uplink(
    run: Run, observe: Observe, told: Told, address: str
) -> None:
    net = "name=usb0\ttype=1\taddress=7e:d3:0a:00:00:01\tdevice=1\tusb=1\tdriver=cdc_ether\tproduct=XClarity"
    seen = observe(host(run, net=net, addresses=f"7: usb0    inet {address} usb0"))
    assert told(seen, "uplinks") == {}
    assert set(told(seen, "has_public_ip")) == {False}
    assert identifiers(seen, "mac") == {"52:54:00:00:00:01"}


@pytest.mark.parametrize(
    ("link", "name", "tunnel"),
    [
        ("wireguard", "wg0", "wg0 wireguard 10.98.0.2"),
        ("gre remote 198.51.100.9 local 10.20.30.5 ttl inherit", "gre1", "gre1 gre 198.51.100.9"),
        ("sit ip6ip remote 198.51.100.9 local 10.20.30.5", "sit1", "sit1 sit 198.51.100.9"),
        ("ipip remote 198.51.100.9 local 10.20.30.5", "tun6", "tun6 ipip 198.51.100.9"),
    ],
)
def test_tunnels_by_the_kernels_word(
    run: Run, observe: Observe, told: Told, link: str, name: str, tunnel: str
) -> None:
    head = f"9: {name}@NONE: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 state UNKNOWN"
    links = f"{head}\\    link/none \\    {link} addrgenmode none"
    seen = observe(host(run, addresses=f"9: {name}    inet 10.98.0.2/24 scope global {name}", links=links))
    assert set(told(seen, "tunnels")) == {tunnel}


def test_a_tunnel_that_only_a_loaded_module_made_is_none(run: Run, observe: Observe, told: Told) -> None:
    net = "name=sit0\ttype=776\nname=tunl0\ttype=768\nname=gre0\ttype=778"
    assert told(observe(host(run, net=net)), "tunnels") == {}


def test_a_daemon_of_ipsec_alone_is_a_hint(run: Run, observe: Observe, told: Told) -> None:
    seen = observe(host(run, processes="Name:\tcharon"))
    assert told(seen, "tunnels")["charon ipsec"].strength is Strength.HINTED


def test_a_node_of_a_container_cluster(run: Run, observe: Observe, told: Told) -> None:
    net = "name=cali0123456789a\ttype=1\tifindex=8\tiflink=3\nname=tunl0\ttype=768\tifindex=9"
    seen = observe(
        host(
            run,
            net=net,
            addresses="9: tunl0    inet 10.244.1.1/32 scope global tunl0",
            routes=f"{ROUTE}\n10.244.1.5 dev cali0123456789a scope link\n10.244.2.0/26 via 10.20.30.6 dev tunl0",
        )
    )
    assert told(seen, "tunnels") == {}
    assert set(told(seen, "ips")) == {"10.20.30.5"}
    # Their names explain the routes to whoever reads them.
    assert "tunl0 10.244.1.1/32" in told(seen, "interfaces")
    assert "10.244.1.5/32 dev cali0123456789a" in told(seen, "routes")


def zone(kind: str, *prefixes: str) -> Zone:
    return Zone("z", "区", "v", kind, tuple(ipaddress.ip_network(prefix) for prefix in prefixes))


@pytest.mark.parametrize(
    ("address", "prefixes", "kind", "public"),
    [
        ("8.8.4.4/29", ("10.20.0.0/16",), "department", {True}),
        ("10.1.1.1/24", ("10.20.0.0/16",), "department", {False}),
        ("100.64.1.1/24", ("10.20.0.0/16",), "department", {False}),
        # In public form, and yet nobody's sign of the internet: the extranet's, and the zone's own.
        ("59.255.8.1/24", ("10.20.0.0/16",), "department", set()),
        ("30.1.1.1/24", ("30.0.0.0/8",), "department", set()),
        ("8.8.4.4/29", ("8.8.4.0/24",), "public", {True}),
        # A floating address is the cloud's to tell.
        ("10.1.1.1/24", ("10.20.0.0/16",), "government_cloud", set()),
    ],
)
def test_public_addresses(
    run: Run,
    observe: Observe,
    told: Told,
    address: str,
    prefixes: tuple[str, ...],
    kind: str,
    public: set[bool],
) -> None:
    seen = observe(host(run, addresses=f"2: eth0    inet {address} scope global eth0"), zone=zone(kind, *prefixes))
    assert set(told(seen, "has_public_ip")) == public


def test_an_address_is_not_denied_where_interfaces_were_not_read_to_the_end(
    run: Run, observe: Observe, told: Told
) -> None:
    cut = run({"net": NET, "addresses": ADDRESS}, cut=("net",))
    assert told(observe(from_raw(cut)), "has_public_ip") == {}
    assert told(observe(from_raw(run({"host": "x"}))), "has_public_ip") == {}


def test_without_iproute(run: Run, observe: Observe, told: Told) -> None:
    addresses = (
        "eth0      Link encap:Ethernet  HWaddr 52:54:00:00:00:01\n"
        "          inet addr:10.20.30.5  Bcast:10.20.30.255  Mask:255.255.255.0\n"
        "eth0:1    Link encap:Ethernet  HWaddr 52:54:00:00:00:01\n"
        "          inet addr:10.20.30.9  Bcast:10.20.30.255  Mask:255.255.255.0\n"
        "eth1: flags=4163<UP,BROADCAST>  mtu 1500\n"
        "        inet 10.20.40.5  netmask 255.255.0.0  broadcast 10.20.255.255\n"
    )
    routes = "proc eth0\t00000000\t011E140A\t0003\t0\t0\t100\t00000000\t0\t0\t0"
    seen = observe(from_raw(run({"net": NET, "addresses": addresses, "routes": f"proc Iface\n{routes}"})))
    assert identifiers(seen, "ip") == {"10.20.30.5", "10.20.40.5"}
    assert set(told(seen, "default_gateway")) == {"10.20.30.1"}


def test_routes_of_every_kind() -> None:
    lines = [
        "default proto static metric 1",
        "\tnexthop via 10.0.0.1 dev eth0 weight 1",
        "\tnexthop via 10.0.1.1 dev eth1 weight 1",
        "unreachable 10.9.0.0/16",
        "10.8.0.0/16 via 10.0.0.2 dev eth0 table 100",
        "10.7.0.1 dev eth0 scope link",
        "169.254.0.0/16 dev eth0 scope link metric 1002",
        "default via fd00::1 dev eth0 proto ra metric 1024 pref medium",
        "10.6.0.0/16 via inet6 fe80::1 dev eth0",
        "rubbish/99 dev eth0",
        "",
    ]
    assert [str(route) for route in read_routes(lines)] == [
        "0.0.0.0/0",
        "0.0.0.0/0 via 10.0.0.1 dev eth0",
        "0.0.0.0/0 via 10.0.1.1 dev eth1",
        "10.8.0.0/16 via 10.0.0.2 dev eth0",
        "10.7.0.1/32 dev eth0",
        "::/0 via fd00::1 dev eth0",
        "10.6.0.0/16 via fe80::1 dev eth0",
    ]


def test_ports_from_the_kernels_own_tables() -> None:
    lines = [
        "tcp   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
        "tcp    0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1",
        "tcp    1: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1",
        "tcp    2: 00000000:0051 0100007F:0052 01 00000000:00000000 00:00000000 00000000     0        0 1 1",
        "tcp6   0: 00000000000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 0 0",
        "udp    1: 00000000:00A1 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 1",
    ]
    assert [str(one) for one in read_listeners(lines)] == [
        "127.0.0.1:80/tcp",
        "[::1]:443/tcp",
        "8080/tcp",
        "161/udp",
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('tcp LISTEN 0 128 *:80 *:* users:(("nginx",1234,6),("nginx",1,6))', "80/tcp nginx"),
        (
            'udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=5,fd=1))',
            "127.0.0.53:53/udp systemd-resolve",
        ),
        ("tcp LISTEN 0 100 [::ffff:127.0.0.1]:8005 *:*", "127.0.0.1:8005/tcp"),
        ("tcp 0 0 10.0.0.5:1521 0.0.0.0:* LISTEN 77/sshd: /usr/sbin", "1521/tcp sshd"),
        ('tcp LISTEN 0 5 0.0.0.0:9 0.0.0.0:* users:(("/opt/x/server -p pw",pid=1,fd=1))', "9/tcp server"),
    ],
)
def test_ports_as_tools_tell_them(line: str, shown: str) -> None:
    assert [str(one) for one in read_listeners([line])] == [shown]


def test_one_port_on_many_addresses_is_one() -> None:
    lines = [f"tcp LISTEN 0 1 10.0.0.{i}:80 0.0.0.0:*" for i in range(9)]
    lines.append('tcp LISTEN 0 1 [::]:80 [::]:* users:(("nginx",pid=1,fd=1))')
    assert [(one.port, one.process) for one in read_listeners(lines)] == [(80, "nginx")]
    assert Listener(80, "tcp", "127.0.0.1").is_local


def test_mounts_and_what_their_sources_hide() -> None:
    lines = [
        "25 1 8:1 / / rw - ext4 /dev/sda1",
        "26 25 8:2 / /data\\040files rw - xfs /dev/sdb1",
        "27 25 8:2 / /var/lib/docker/plugins rw - xfs /dev/sdb1",
        "28 25 0:40 / /mnt/a rw - cifs //user:p@ss@10.0.0.1/share",
        "29 25 0:41 / /mnt/b rw - fuse.sshfs admin@10.0.0.2:/srv",
        "30 25 0:42 / /mnt/c rw - tmpfs tmpfs",
        "broken - line",
    ]
    got = read_mounts(lines, ["disk 8 1 1000", "disk 8 2 4000000000 sdb1", "disk x y z"])
    assert [str(mount) for mount in got] == [
        "/dev/sdb1 xfs /data files",
        "//10.0.0.1/share cifs /mnt/a",
        "10.0.0.2:/srv fuse.sshfs /mnt/b",
    ]
    assert "p@ss" not in str(got)
    assert without_login("curlftpfs#ftp://user:pw@10.0.0.9/x") == "curlftpfs#ftp://10.0.0.9/x"

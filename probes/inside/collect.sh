# What a login shows of a host. POSIX sh (dash, bash, busybox, the old bash of CentOS 6); no Python, no privilege.
# Reads only: no file is written, nothing is asked for, nothing runs longer than a few seconds.
#
# A part prints "=== NAME", then its lines, each behind a bar, and as the last one "|= STATUS". Where that is
# missing the part was cut off. No text of the host can look like a mark: its lines all begin with a bar.
# Nothing here prints a process's arguments, a mount's options or a key.
auditor_main() {
PARTS=@PARTS@
set +e +f +u
PATH=/usr/sbin:/sbin:/usr/bin:/bin${PATH:+:$PATH} LC_ALL=C LANG=C LANGUAGE=C
export PATH LC_ALL LANG LANGUAGE
unset GREP_OPTIONS POSIXLY_CORRECT
TAB=$(printf '\t')
T=
if command -v timeout >/dev/null 2>&1; then
  if timeout 5 true >/dev/null 2>&1; then T='timeout 8'
  elif timeout -t 5 true >/dev/null 2>&1; then T='timeout -t 8'; fi
fi

# part NAME BYTES COMMAND...: runs it, its errors unseen, its output bounded.
part() {
  printf '\n=== %s\n' "$1"
  case $1 in host | memory | dmi | kernel | tools)
    # Single lines that the shell reads by itself, none longer than a page: for them nothing has to be started.
    "$3" 2>/dev/null
    printf '|= %s\n' "$?"
    return ;;
  esac
  shift
  auditor_size=$1
  shift
  { "$@" 2>/dev/null; printf '\n= %s\n' "$?"; } | head -c "$auditor_size" | sed 's/^/|/'
}
# extra NAME BYTES COMMAND...: a part that Ansible does not tell. own: one that it does.
extra() { part "$@"; }
own() { if [ "$PARTS" = all ]; then part "$@"; fi; }

# one FILE: its first line in $line, without starting a process.
one() {
  line=
  if [ -r "$1" ]; then { read -r line < "$1"; } 2>/dev/null; fi
  [ -n "$line" ]
}
# say TEXT: a line behind a bar, of a part that is read without starting anything.
say() { printf '|%s\n' "$1"; }
# first FILE: says its first line.
first() { one "$1" && say "$line"; }
# has COMMAND: whether this host has it.
has() { command -v "$1" >/dev/null 2>&1; }

p_host() { first /proc/sys/kernel/hostname || say "$(uname -n | head -n 1)"; }

p_memory() { first /proc/meminfo; }

p_kernel() {
  found=$(uname -m) || return 3
  say "$found"
  first /proc/sys/kernel/osrelease || say "$(uname -r)"
  say "$(id -u)"
}

p_dmi() {
  for f in sys_vendor product_name product_version board_vendor board_name bios_vendor chassis_type \
    product_serial product_uuid; do
    one "/sys/class/dmi/id/$f" && say "$f$TAB$line"
  done
  return 0
}

p_cpuinfo() {
  grep -i -E '^(vendor_id|model name|cpu family|cpu model|system type|cpu implementer|cpu part|hardware|processor'"$TAB"': [^0-9]|vendor|cpu'"$TAB"')' \
    /proc/cpuinfo | sort -u
  printf 'hypervisor flag: %s\n' "$(grep -m 1 -c -E '^flags.* hypervisor( |$)' /proc/cpuinfo)"
  printf 'processors: %s\n' "$(grep -c -E '^processor[[:space:]]*: [0-9]' /proc/cpuinfo)"
}

p_lscpu() {
  lscpu | grep -E '^(Vendor ID|BIOS Vendor ID|Model name|BIOS Model name|Hypervisor vendor|Virtualization type|Socket\(s\)|CPU\(s\)):'
}

p_cpu() {
  one /sys/devices/system/cpu/cpu0/regs/identification/midr_el1 && printf 'midr\t%s\n' "$line"
  one /proc/device-tree/model && printf 'board\t%s\n' "$line"
  # Firmware's own table of processors: readable to root alone.
  if [ -r /sys/firmware/dmi/tables/DMI ] && has dmidecode; then
    $T dmidecode -s processor-version | grep -v '^#' | sort -u | head -n 4 | sed "s/^/bios$TAB/"
  fi
  return 0
}

p_virt() {
  if has systemd-detect-virt; then
    printf 'vm\t%s\n' "$(systemd-detect-virt --vm)"
    printf 'container\t%s\n' "$(systemd-detect-virt --container)"
  fi
  for f in sys_vendor product_name board_vendor bios_vendor; do
    one "/sys/class/dmi/id/$f" && printf '%s\t%s\n' "$f" "$line"
  done
  one /sys/hypervisor/type && printf 'hypervisor\t%s\n' "$line"
  one /proc/xen/capabilities && printf 'xen\t%s\n' "$line"
  one /proc/device-tree/hypervisor/compatible && printf 'tree\t%s\n' "$line"
  one /run/systemd/container && printf 'container\t%s\n' "$line"
  if [ -e /.dockerenv ]; then printf 'container\tdocker\n'; fi
  if [ -e /run/.containerenv ]; then printf 'container\tpodman\n'; fi
  if [ -d /proc/vz ] && [ ! -d /proc/bc ]; then printf 'container\topenvz\n'; fi
  if found=$(grep -o -E 'docker|kubepods|lxc|containerd' /proc/1/cgroup); then
    printf '%s\n' "$found" | sort -u | sed "s/^/group$TAB/"
  fi
  return 0
}

p_tools() {
  if [ -s /var/lib/dpkg/status ]; then say dpkg; fi
  if [ -d /var/lib/rpm ] || [ -d /usr/lib/sysimage/rpm ]; then has rpm && say rpm; fi
  return 0
}

# Without libraries, fonts and the like, which make up most of a system and name no product of it.
p_packages() {
  if [ -s /var/lib/dpkg/status ] && has dpkg-query; then
    $T dpkg-query -W -f '${Status}\t${Package}\t${Version}\n' | sed -n "s/^[a-z]* ok installed$TAB/dpkg$TAB/p"
  elif has rpm; then
    $T rpm -qa --qf 'rpm\t%{NAME}\t%{VERSION}-%{RELEASE}\n'
  fi | grep -v -E "$TAB(lib|python|perl|ruby|golang|fonts?-|texlive|gir1|gstreamer|glibc|gnome|kde|qt[0-9]|xorg|rust-|nodejs-|lang)"
}

p_processes() { grep -h '^Name:' /proc/[0-9]*/status | sort -u; }

# Fixed words of ours that stand in a Java server's command line; never the line itself.
p_words() {
  n=0
  for f in $(grep -l "^Name:[[:space:]]*java$" /proc/[0-9]*/status); do
    n=$((n + 1))
    if [ "$n" -gt 40 ]; then break; fi
    head -c 65536 "${f%status}cmdline" | tr '\000' '\n' | grep -o -F \
      -e org.apache.catalina.startup.Bootstrap -e weblogic.Server -e com.ibm.ws.runtime.WsServer \
      -e jboss-modules.jar -e com.tongweb. -e com.bes.enterprise -e com.apusic. -e com.cvicse. \
      -e kafka.Kafka -e org.elasticsearch.bootstrap -e com.sun.enterprise.glassfish
  done | sort -u
}

# Directories of products that come without a package, where they are usually unpacked.
p_folders() {
  for d in /opt /usr/local /home /data /app; do
    for f in "$d"/dmdbms "$d"/Kingbase* "$d"/kingbase* "$d"/TongWeb* "$d"/tongweb* "$d"/BES* "$d"/Apusic* \
      "$d"/InforSuite* "$d"/ShenTong* "$d"/GBase* "$d"/oceanbase; do
      if [ -d "$f" ]; then printf '%s\n' "$f"; fi
    done
  done
  return 0
}

# Without the padding of columns, and of a server's many workers the first.
p_listeners() {
  for tool in ss netstat; do
    if has "$tool" && found=$($T "$tool" -lntup); then
      printf '%s\n' "$found" | sed -e 's/  */ /g' -e 's/\(users:(("[^"]*"\).*/\1/'
      return 0
    fi
  done
  for f in tcp tcp6 udp udp6; do sed "s/^/$f /" "/proc/net/$f"; done
}

p_addresses() {
  if has ip; then
    ip -o addr show || ip addr show
  else
    $T ifconfig -a
  fi
}

# Without a bridge's settings, queues and virtual functions: a thousand characters for each link.
p_links() {
  if has ip; then
    { ip -o -d link show || ip -o link show; } |
      sed -e 's/\(\\    bridge\) .*/\1/' -e 's/ numtxqueues .*//' -e 's/\\    vf .*//'
  fi
}

# One line for each interface: KEY=VALUE, separated by tabs. Cards first; a host of containers has thousands more.
net_line() {
  i=${1##*/}
  printf 'name=%s' "$i"
  for f in type address ifindex iflink operstate tun_flags bonding/slaves; do
    one "$1/$f" && printf '\t%s=%s' "${f#bonding/}" "$line"
  done
  if [ -d "$1/bridge" ]; then printf '\tbridge=1'; fi
  if [ -d "$1/bonding" ]; then printf '\tbond=1'; fi
  if [ -d "$1/wireless" ] || [ -d "$1/phy80211" ]; then printf '\twireless=1'; fi
  if [ -r "$1/uevent" ]; then
    while read -r line; do
      case $line in DEVTYPE=*) printf '\tdevtype=%s' "${line#DEVTYPE=}" ;; esac
    done < "$1/uevent"
  fi
  if [ -e "$1/device" ]; then
    printf '\tdevice=1'
    if [ -r "$1/device/uevent" ]; then
      while read -r line; do
        case $line in
          DRIVER=*) printf '\tdriver=%s' "${line#DRIVER=}" ;;
          DEVTYPE=usb*) printf '\tusb=1' ;;
        esac
      done < "$1/device/uevent"
    fi
    one "$1/device/../manufacturer" && printf '\tmanufacturer=%s' "$line"
    one "$1/device/../product" && printf '\tproduct=%s' "$line"
  fi
  for f in "$1"/lower_* "$1"/brif/*; do
    if [ -e "$f" ]; then f=${f##*/}; printf '\tlower=%s' "${f#lower_}"; fi
  done
  printf '\n'
}
p_net() {
  for d in /sys/class/net/*; do if [ -e "$d/device" ]; then net_line "$d"; fi; done
  n=0
  for d in /sys/class/net/*; do
    if [ -e "$d/device" ] || [ ! -d "$d" ]; then continue; fi
    n=$((n + 1))
    if [ "$n" -gt 200 ]; then return 3; fi
    net_line "$d"
  done
  return 0
}

p_routes() {
  if has ip && ip -4 route show table all >/dev/null; then
    ip -4 route show table all | grep -v -E '^(local|broadcast|multicast|anycast) '
    ip -6 route show table all | grep -v -E '^(local|broadcast|multicast|anycast|ff00|fe80)|dev lo '
    return 0
  fi
  sed 's/^/proc /' /proc/net/route
}

# Policies name the two ends of a tunnel; "state" would print its keys and is never asked.
p_tunnels() {
  if has ip; then
    for d in /sys/class/net/*; do
      # Only the kinds of interface that these two tell of: ipip, ip6tnl, sit, gre, ip6gre (if_arp.h).
      one "$d/type" && case $line in 768 | 769 | 776 | 778 | 823)
        ip tunnel show
        ip -6 tunnel show
        break ;;
      esac
    done
    ip xfrm policy | grep -E '^[[:space:]]*(src|tmpl) '
  fi
  if [ -r /proc/net/pppoe ]; then sed 's/^/pppoe /' /proc/net/pppoe; fi
  return 0
}

p_mounts() {
  # A source may hold a user's name and password before an @.
  grep -v -E ' - (overlay|aufs|tmpfs|devtmpfs|proc|sysfs|devpts|cgroup2?|mqueue|hugetlbfs|debugfs|tracefs|securityfs|pstore|bpf|configfs|fusectl|selinuxfs|autofs|binfmt_misc|rpc_pipefs|nsfs|squashfs|ramfs|rootfs|efivarfs|nfsd|fuse\.lxcfs|fuse\.gvfsd-fuse|fuse\.portal) ' \
    /proc/self/mountinfo | sed -e 's#//[^/ ]*@#//#g' -e 's#\( - [^ ]* [^ ]*\) .*#\1#'
}

p_disks() { sed 's/^/disk /' /proc/partitions; }

p_resolv() {
  for f in /etc/resolv.conf /run/systemd/resolve/resolv.conf; do
    if [ -r "$f" ]; then grep -E '^[[:space:]]*nameserver[[:space:]]' "$f"; fi
  done
  return 0
}

printf '\n%s\n' '=== auditor begin 1'
own host 1024 p_host
own memory 256 p_memory
own dmi 2048 p_dmi
own packages 90000 p_packages
extra kernel 512 p_kernel
extra cpuinfo 4096 p_cpuinfo
extra lscpu 2048 p_lscpu
extra cpu 1024 p_cpu
extra virt 2048 p_virt
extra tools 64 p_tools
for file in /etc/os-release /usr/lib/os-release /etc/kylin-release /etc/kylinsec-release /etc/neokylin-release \
  /etc/openEuler-release /etc/uos-release /etc/os-version /etc/lsb-release /etc/centos-release /etc/redhat-release \
  /etc/system-release /etc/debian_version; do
  if [ -r "$file" ] && [ -f "$file" ]; then extra "file:$file" 2048 cat "$file"; fi
done
extra processes 8192 p_processes
extra words 1024 p_words
extra folders 1024 p_folders
extra listeners 24576 p_listeners
extra addresses 12288 p_addresses
extra links 16384 p_links
extra net 12288 p_net
extra routes 12288 p_routes
extra tunnels 4096 p_tunnels
extra mounts 6144 p_mounts
extra disks 2048 p_disks
extra resolv 1024 p_resolv
printf '\n%s\n' '=== auditor end 1'
}
auditor_main </dev/null

// vcsim is the laboratory's vCenter, or a lone ESXi: govmomi's simulator with an inventory of our own, and with what
// a real server does and the simulator does not: pages, refusals to unknown properties, sessions that end, objects
// that a login may not read.
//
// It is built from Debian's packages alone (golang-go, golang-github-vmware-govmomi-dev): see build.sh.
package main

import (
	"bufio"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

type options struct {
	listen, cert, key, user, passwordFile, inventory, version, deny, record string
	machines, hosts, maxPage, expireAfter                                   int
	esxi, narrow                                                            bool
}

func parse() options {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.2:0", "address and port")
	flag.StringVar(&o.cert, "cert", "", "certificate file (PEM)")
	flag.StringVar(&o.key, "key", "", "its key file (PEM)")
	flag.StringVar(&o.user, "user", "auditor@vsphere.local", "the one login that is accepted")
	flag.StringVar(&o.passwordFile, "password-file", "", "file that holds its password: arguments are for all to see")
	flag.StringVar(&o.inventory, "inventory", "", "JSON file: hosts, machines, networks (see inventory.go)")
	flag.IntVar(&o.machines, "machines", 0, "so many made-up machines, in place of an inventory")
	flag.IntVar(&o.hosts, "hosts", 4, "hosts for made-up machines")
	flag.BoolVar(&o.esxi, "esxi", false, "a lone ESXi in place of a vCenter")
	flag.StringVar(&o.version, "version", "7.0.3", "version to report")
	flag.IntVar(&o.maxPage, "max-page", 0, "objects in one answer at most (0: as asked)")
	flag.IntVar(&o.expireAfter, "expire-after", 0, "calls after which a session ends (0: never)")
	flag.StringVar(&o.deny, "deny", "", "objects whose name begins so may be listed and not read")
	flag.BoolVar(&o.narrow, "narrow", false, "the login may not read the top of the inventory")
	flag.StringVar(&o.record, "record", "", "write every question's name and its answer to this file, a JSON object a line")
	flag.Parse()
	return o
}

func password(file string) string {
	f, err := os.Open(file)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	line := bufio.NewScanner(f)
	line.Scan()
	return line.Text()
}

func model(o options, inv *inventory) *simulator.Model {
	m := simulator.VPX()
	m.Cluster, m.ClusterHost, m.Host, m.Machine, m.Autostart = 1, len(inv.Hosts), 0, 1, false
	if o.esxi {
		m = simulator.ESX()
		m.Machine, m.Autostart = 1, false
	}
	about := &m.ServiceContent.About
	about.FullName = strings.Replace(about.FullName, about.Version, o.version, 1)
	about.Version, about.ApiVersion = o.version, o.version
	if strings.Count(o.version, ".") == 2 && o.version >= "7" {
		about.ApiVersion += ".0" // 7.0.3 speaks API 7.0.3.0
	}
	if !o.esxi {
		about.InstanceUuid = inv.InstanceUUID
	}
	return m
}

func main() {
	o := parse()
	log.SetFlags(0)
	inv := read(o)
	m := model(o, inv)
	if err := m.Create(); err != nil {
		log.Fatal(err)
	}
	defer m.Remove()
	plant(inv, o)
	wrap(o)

	// NewServer starts a listener of its own: only the handler behind it is used.
	m.Service.Listen = &url.URL{Host: "127.0.0.1:0", User: url.UserPassword(o.user, password(o.passwordFile))}
	own := m.Service.NewServer()
	own.Close()

	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		log.Fatal(err)
	}
	settings := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server := &http.Server{Handler: newFront(m.Service.ServeMux, o), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(tls.NewListener(listener, settings)); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	fmt.Printf("ready https://%s\n", listener.Addr())

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
	_ = server.Close()
}

// wrap puts our own objects where the simulator's stand.
func wrap(o options) {
	content := simulator.Map.Get(types.ManagedObjectReference{Type: "ServiceInstance", Value: "ServiceInstance"})
	services := content.(*simulator.ServiceInstance).Content
	limits.maxPage, limits.deny = o.maxPage, o.deny
	collector := new(collector)
	collector.Self = services.PropertyCollector
	simulator.Map.Put(collector)
	if old, ok := simulator.Map.Get(*services.AuthorizationManager).(*simulator.AuthorizationManager); ok && o.narrow {
		simulator.Map.Put(&narrowRights{AuthorizationManager: *old})
	}
}

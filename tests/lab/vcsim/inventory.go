package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// inventory is the JSON file of -inventory: what stands in the vCenter.
type inventory struct {
	InstanceUUID string      `json:"instance_uuid"`
	Datacenter   string      `json:"datacenter"`
	Cluster      string      `json:"cluster"`
	Hosts        []host      `json:"hosts"`
	Machines     []machine   `json:"machines"`
	Networks     []network   `json:"networks"`
	Datastores   []datastore `json:"datastores"`
}

type host struct {
	Name      string   `json:"name"`
	Vendor    string   `json:"vendor"`
	Model     string   `json:"model"`
	Serial    string   `json:"serial"`
	UUID      string   `json:"uuid"`
	CPU       string   `json:"cpu"`
	MemoryGB  int64    `json:"memory_gb"`
	MACs      []string `json:"macs"`
	Addresses []string `json:"addresses"`
	Silent    bool     `json:"silent"` // does not answer the vCenter
}

type machine struct {
	Name         string            `json:"name"`
	Folder       string            `json:"folder"` // a/b: made where it is missing
	Guest        string            `json:"guest"`  // the system's full name
	Hostname     string            `json:"hostname"`
	UUID         string            `json:"uuid"`
	InstanceUUID string            `json:"instance_uuid"`
	MAC          string            `json:"mac"`
	Addresses    []string          `json:"addresses"` // 192.0.2.5 or 192.0.2.5/24
	Inside       []string          `json:"inside"`    // addresses of bridges within the machine
	Power        string            `json:"power"`     // on (default), off, suspended
	NoTools      bool              `json:"no_tools"`
	Template     bool              `json:"template"`
	MemoryMB     int32             `json:"memory_mb"`
	Created      *time.Time        `json:"created"`
	Attributes   map[string]string `json:"attributes"`
}

type network struct {
	Name string `json:"name"`
	VLAN int32  `json:"vlan"`
}

type datastore struct {
	Name string `json:"name"`
	Type string `json:"type"`
	GB   int64  `json:"gb"`
}

func read(o options) *inventory {
	inv := &inventory{InstanceUUID: "b7a1c7d2-6d7c-4c5b-9a50-3d1f0f5e7a11", Cluster: "cluster-1", Datacenter: "dc-1"}
	if o.inventory == "" {
		makeUp(inv, o)
		return inv
	}
	data, err := os.ReadFile(o.inventory)
	if err == nil {
		err = json.Unmarshal(data, inv)
	}
	if err != nil {
		log.Fatalf("%s: %v", o.inventory, err)
	}
	if o.esxi && len(inv.Hosts) != 1 {
		log.Fatal("an ESXi is one host")
	}
	return inv
}

// makeUp fills an inventory with machines that differ only by their number.
func makeUp(inv *inventory, o options) {
	count := o.hosts
	if o.esxi {
		count = 1
	}
	for i := 0; i < count; i++ {
		inv.Hosts = append(inv.Hosts, host{
			Name: fmt.Sprintf("esx-%03d", i), Vendor: "Example", Model: "R1", Serial: fmt.Sprintf("SN%07d", i),
			UUID: fmt.Sprintf("30000000-1000-4000-8000-%012x", i), CPU: "Example CPU", MemoryGB: 512,
			MACs:      []string{fmt.Sprintf("3c:fd:fe:00:%02x:%02x", i>>8, i&255)},
			Addresses: []string{fmt.Sprintf("10.200.%d.%d", i>>8, i&255)},
		})
	}
	systems := []string{
		"CentOS 7 (64-bit)", "Microsoft Windows Server 2016 (64-bit)", "Ubuntu Linux (64-bit)", "Debian GNU/Linux 10 (64-bit)",
	}
	for i := 0; i < o.machines; i++ {
		m := machine{
			Name: fmt.Sprintf("vm-%05d", i), Folder: fmt.Sprintf("d%02d/s%d", i%40, i%7), Guest: systems[i%len(systems)],
			Hostname:     fmt.Sprintf("vm-%05d.example", i),
			UUID:         fmt.Sprintf("42000000-2000-4000-8000-%012x", i),
			InstanceUUID: fmt.Sprintf("50000000-3000-4000-8000-%012x", i),
			MAC:          fmt.Sprintf("00:50:56:%02x:%02x:%02x", 0x80|i>>16, i>>8&255, i&255),
			Addresses:    []string{fmt.Sprintf("10.%d.%d.%d/16", 100+i>>16, i>>8&255, i&255)}, MemoryMB: 8192,
			Attributes: map[string]string{"owner": fmt.Sprintf("d%02d", i%40)},
		}
		m.NoTools = i%20 == 19
		if i%25 == 24 {
			m.Power = "off"
		}
		inv.Machines = append(inv.Machines, m)
	}
}

// all lists the entities of a kind in the order in which they were made: the registry has no order.
func all(kind string) []mo.Entity {
	found := simulator.Map.All(kind)
	number := func(e mo.Entity) int {
		value, n := e.Reference().Value, 0
		_, _ = fmt.Sscan(value[strings.LastIndex(value, "-")+1:], &n)
		return n
	}
	sort.Slice(found, func(a, b int) bool { return number(found[a]) < number(found[b]) })
	return found
}

// plant puts the inventory in the place of what the simulator made up.
func plant(inv *inventory, o options) {
	for i, e := range all("HostSystem") {
		dressHost(&e.(*simulator.HostSystem).HostSystem, &inv.Hosts[i], inv.Networks, o.version)
	}
	for i, e := range all("Datastore") {
		if i < len(inv.Datastores) {
			d := &e.(*simulator.Datastore).Datastore
			d.Name, d.Summary.Name = inv.Datastores[i].Name, inv.Datastores[i].Name
			d.Summary.Type, d.Summary.Capacity = inv.Datastores[i].Type, inv.Datastores[i].GB*1000*1000*1000
		}
	}
	if !o.esxi {
		all("Datacenter")[0].Entity().Name = inv.Datacenter
		all("ClusterComputeResource")[0].Entity().Name = inv.Cluster
		for _, e := range all("DistributedVirtualPortgroup") {
			if strings.Contains(e.Entity().Name, "DVUplinks") {
				e.Entity().Tag = []types.Tag{{Key: "SYSTEM/DVS.UPLINKPG"}}
			}
		}
	}
	plantMachines(inv)
}

func dressHost(h *mo.HostSystem, from *host, networks []network, version string) {
	h.Name, h.Summary.Config.Name = from.Name, from.Name
	hardware := h.Summary.Hardware
	hardware.Vendor, hardware.Model, hardware.Uuid = from.Vendor, from.Model, from.UUID
	hardware.CpuModel, hardware.MemorySize = from.CPU, from.MemoryGB<<30
	tag := types.ElementDescription{Key: "ServiceTag", Description: types.Description{Label: "Service tag"}}
	hardware.OtherIdentifyingInfo = []types.HostSystemIdentificationInfo{
		{IdentifierValue: from.Serial, IdentifierType: &tag},
	}
	h.Hardware.SystemInfo.Vendor, h.Hardware.SystemInfo.Model = from.Vendor, from.Model
	h.Hardware.SystemInfo.Uuid = from.UUID
	var cards []types.PhysicalNic
	for i, mac := range from.MACs {
		cards = append(cards, types.PhysicalNic{Key: fmt.Sprintf("key-%d", i), Device: fmt.Sprintf("vmnic%d", i), Mac: mac})
	}
	h.Config.Network.Pnic = cards
	kernel := h.Config.Network.Vnic[0]
	h.Config.Network.Vnic = nil
	for i, address := range from.Addresses {
		vmk := kernel
		vmk.Device = fmt.Sprintf("vmk%d", i)
		vmk.Spec.Ip = &types.HostIpConfig{IpAddress: address, SubnetMask: "255.255.255.0"}
		vmk.Spec.Mac = ""
		h.Config.Network.Vnic = append(h.Config.Network.Vnic, vmk)
	}
	h.Config.Network.Portgroup = nil
	for _, n := range networks {
		group := types.HostPortGroup{Key: "key-vim.host.PortGroup-" + n.Name}
		group.Spec = types.HostPortGroupSpec{Name: n.Name, VlanId: n.VLAN, VswitchName: "vSwitch0"}
		h.Config.Network.Portgroup = append(h.Config.Network.Portgroup, group)
	}
	if from.Silent {
		h.Runtime.ConnectionState = types.HostSystemConnectionStateNotResponding
	} else {
		h.Runtime.ConnectionState = types.HostSystemConnectionStateConnected
	}
	h.Runtime.PowerState = types.HostSystemPowerStatePoweredOn
	product := *h.Summary.Config.Product
	product.FullName = strings.Replace(product.FullName, product.Version, version, 1)
	product.Version = version
	h.Summary.Config.Product = &product
}

// plantMachines copies the one machine that the simulator made, and takes it away.
func plantMachines(inv *inventory) {
	pattern := all("VirtualMachine")[0].(*simulator.VirtualMachine)
	top := simulator.Map.Get(*pattern.Parent).(*simulator.Folder)
	folders := map[string]*simulator.Folder{"": top}
	names := attributes(inv)
	for i := range inv.Machines {
		from := &inv.Machines[i]
		folder := folderAt(folders, from.Folder)
		vm := new(simulator.VirtualMachine)
		vm.VirtualMachine = pattern.VirtualMachine
		simulator.Map.NewEntity(vm)
		dressMachine(&vm.VirtualMachine, from, names)
		simulator.Map.PutEntity(folder, vm)
		folder.ChildEntity = append(folder.ChildEntity, vm.Self)
	}
	forget(pattern, top)
}

func forget(vm *simulator.VirtualMachine, folder *simulator.Folder) {
	simulator.RemoveReference(&folder.ChildEntity, vm.Self)
	for _, e := range all("ResourcePool") {
		simulator.RemoveReference(&e.(*simulator.ResourcePool).Vm, vm.Self)
	}
	for _, e := range all("HostSystem") {
		simulator.RemoveReference(&e.(*simulator.HostSystem).Vm, vm.Self)
	}
	simulator.Map.Remove(vm.Self)
}

func folderAt(folders map[string]*simulator.Folder, path string) *simulator.Folder {
	if found, ok := folders[path]; ok {
		return found
	}
	cut := strings.LastIndex(path, "/")
	above := folderAt(folders, path[:max(cut, 0)])
	folder := new(simulator.Folder)
	folder.Name, folder.ChildType = path[cut+1:], above.ChildType
	simulator.Map.NewEntity(folder)
	simulator.Map.PutEntity(above, folder)
	above.ChildEntity = append(above.ChildEntity, folder.Self)
	folders[path] = folder
	return folder
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}

// attributes declares the custom attributes of all machines, and gives their keys.
func attributes(inv *inventory) map[string]int32 {
	names := map[string]int32{}
	for _, m := range inv.Machines {
		for name := range m.Attributes {
			names[name] = 0
		}
	}
	var order []string
	for name := range names {
		order = append(order, name)
	}
	sort.Strings(order)
	for i, name := range order {
		names[name] = int32(100 + i)
	}
	reference := types.ManagedObjectReference{Type: "CustomFieldsManager", Value: "CustomFieldsManager"}
	manager, ok := simulator.Map.Get(reference).(*simulator.CustomFieldsManager)
	for i := 0; ok && i < len(order); i++ {
		manager.Field = append(manager.Field, types.CustomFieldDef{Key: names[order[i]], Name: order[i], Type: "string"})
	}
	return names
}

func dressMachine(vm *mo.VirtualMachine, from *machine, names map[string]int32) {
	vm.Name = from.Name
	config := *vm.Config
	vm.Config = &config
	config.Name, config.Uuid, config.InstanceUuid, config.Template = from.Name, from.UUID, from.InstanceUUID, from.Template
	config.GuestFullName, config.CreateDate = from.Guest, from.Created
	config.Hardware.MemoryMB = from.MemoryMB
	config.Hardware.Device = devices(config.Hardware.Device, from.MAC)
	vm.Runtime.ConnectionState = types.VirtualMachineConnectionStateConnected
	switch from.Power {
	case "off":
		vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOff
	case "suspended":
		vm.Runtime.PowerState = types.VirtualMachinePowerStateSuspended
	default:
		vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOn
	}
	vm.CustomValue = nil
	for name, value := range from.Attributes {
		field := &types.CustomFieldStringValue{Value: value}
		field.Key = names[name]
		vm.CustomValue = append(vm.CustomValue, field)
	}
	vm.Guest = guest(from, vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn)
}

func devices(pattern []types.BaseVirtualDevice, mac string) []types.BaseVirtualDevice {
	list := append([]types.BaseVirtualDevice(nil), pattern...)
	for i, device := range list {
		if card, ok := device.(*types.VirtualE1000); ok {
			own := *card
			own.MacAddress = mac
			list[i] = &own
		}
	}
	return list
}

func guest(from *machine, on bool) *types.GuestInfo {
	told := &types.GuestInfo{ToolsRunningStatus: "guestToolsNotRunning", GuestState: "notRunning"}
	if !on || from.NoTools {
		return told
	}
	told.ToolsRunningStatus, told.GuestState = "guestToolsRunning", "running"
	told.GuestFullName, told.HostName = from.Guest, from.Hostname
	told.Net = []types.GuestNicInfo{card(4000, from.MAC, from.Addresses)}
	if len(from.Inside) > 0 {
		told.Net = append(told.Net, card(-1, "02:42:ac:11:00:02", from.Inside))
	}
	return told
}

func card(device int32, mac string, addresses []string) types.GuestNicInfo {
	nic := types.GuestNicInfo{MacAddress: mac, Connected: true, DeviceConfigId: device}
	nic.IpConfig = new(types.NetIpConfigInfo)
	for _, text := range addresses {
		address, length := text, int32(24)
		if cut := strings.Index(text, "/"); cut >= 0 {
			address = text[:cut]
			_, _ = fmt.Sscan(text[cut+1:], &length)
		}
		nic.IpAddress = append(nic.IpAddress, address)
		entry := types.NetIpConfigInfoIpAddress{IpAddress: address, PrefixLength: length, State: "preferred"}
		nic.IpConfig.IpAddress = append(nic.IpConfig.IpAddress, entry)
	}
	return nic
}

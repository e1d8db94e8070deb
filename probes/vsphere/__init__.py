"""vSphere through pyVmomi: what a vCenter, or an ESXi host by itself, says of its machines, hosts and networks.

:mod:`~probes.vsphere.probe` is the probe and cheap to import; :mod:`~probes.vsphere.survey` reads one endpoint.
Below it, :mod:`~probes.vsphere.wire` carries bounded HTTPS to one checked address, :mod:`~probes.vsphere.soap`
speaks pyVmomi's SOAP over it (:mod:`~probes.vsphere.shapes` reads it quickly), :mod:`~probes.vsphere.session` logs in
and out, and :mod:`~probes.vsphere.reader` pages through the inventory. :mod:`~probes.vsphere.machines`,
:mod:`~probes.vsphere.hosts` and :mod:`~probes.vsphere.platform` turn properties into observations, and import no SDK.
"""

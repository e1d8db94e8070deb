# What a login shows of a Windows server: read only, without privilege, one JSON document. Windows PowerShell 3 and later.
# Lines are joined into one before it is sent: every statement ends in a semicolon, no comment stands after one.
$ErrorActionPreference = 'SilentlyContinue'; $ProgressPreference = 'SilentlyContinue'; $WarningPreference = 'SilentlyContinue';
try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding($false) } catch { };
function Ask($class, $names, $filter) { try { if ($filter) { @(Get-CimInstance -ClassName $class -Filter $filter -OperationTimeoutSec 15 -ErrorAction Stop | Select-Object -First 200 -Property $names) } else { @(Get-CimInstance -ClassName $class -OperationTimeoutSec 15 -ErrorAction Stop | Select-Object -First 200 -Property $names) } } catch { $null } };
function Listening($words) { try { @(& netstat.exe -ano -p $words | ForEach-Object { $_.Trim() } | Where-Object { $_ -match '^(TCP\s+\S+\s+(0\.0\.0\.0|\[::\]):0\s|UDP\s)' } | Select-Object -First 300) } catch { $null } };
$keys = 'HKLM:\Software\Microsoft\Windows\CurrentVersion\Uninstall\*', 'HKLM:\Software\Wow6432Node\Microsoft\Windows\CurrentVersion\Uninstall\*';
$running = Get-Process | Select-Object -First 1000 -Property 'Id', 'ProcessName';
$programs = Get-ItemProperty -Path $keys | Where-Object { $_.DisplayName } | Select-Object -First 1000 -Property 'DisplayName', 'DisplayVersion';
$out = @{
auditor = 1;
os = Ask 'Win32_OperatingSystem' @('Caption', 'Version', 'ProductType', 'CSName', 'OSArchitecture', 'TotalVisibleMemorySize');
computer = Ask 'Win32_ComputerSystem' @('Name', 'DNSHostName', 'Manufacturer', 'Model', 'HypervisorPresent');
product = Ask 'Win32_ComputerSystemProduct' @('UUID', 'IdentifyingNumber');
bios = Ask 'Win32_BIOS' @('Manufacturer');
cpu = Ask 'Win32_Processor' @('Name', 'Manufacturer');
configured = Ask 'Win32_NetworkAdapterConfiguration' @('InterfaceIndex', 'Description', 'MACAddress', 'IPAddress', 'IPSubnet', 'DefaultIPGateway', 'DNSServerSearchOrder') 'IPEnabled=TRUE';
adapters = Ask 'Win32_NetworkAdapter' @('InterfaceIndex', 'NetConnectionID', 'PhysicalAdapter', 'PNPDeviceID', 'ServiceName') 'NetEnabled=TRUE';
routes = Ask 'Win32_IP4RouteTable' @('Destination', 'Mask', 'NextHop', 'InterfaceIndex', 'Metric1');
disks = Ask 'Win32_LogicalDisk' @('DeviceID', 'ProviderName', 'FileSystem', 'Size') 'DriveType=3 OR DriveType=4';
processes = @($running);
tcp = Listening 'TCP';
tcp6 = Listening 'TCPv6';
udp = Listening 'UDP';
programs = @($programs)
};
ConvertTo-Json -InputObject $out -Depth 4 -Compress;

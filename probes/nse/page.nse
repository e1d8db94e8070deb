local http = require "http"
local shortport = require "shortport"
local stdnse = require "stdnse"
local string = require "string"

description = [[
Reads the start page of a web service: title, Server header, where it would send a browser, and, on TLS, the
Redfish service root that management controllers show without a login (DMTF DSP0266).

Unlike http-title it never leaves the address it was given: a page that redirects to another address, name or
port is reported and not followed. All texts are given as hexadecimal bytes, so that no character set is guessed
here and nothing in a page can reach a terminal.
]]

author = "auditor"
license = "GPL-3.0-or-later"
categories = {"discovery", "safe"}

-- Version detection names only servers that it knows. Whatever else answered in HTTP, or speaks TLS and did not say
-- what else it is, is read as well.
portrule = function(host, port)
  local version = port.version or {}
  if shortport.http(host, port) then return true end
  -- A confidence of 3 is that of nmap's table of ports.
  local named = port.service and port.service ~= "unknown" and (version.name_confidence or 0) > 3
  if named and port.service ~= "ssl" then return false end
  if version.service_fp and version.service_fp:find("HTTP/1\\.[01]") then return true end
  return version.service_tunnel == "ssl"
end

local LIMIT = 600
local REDIRECTS = 3

local function hex(text)
  if type(text) ~= "string" or text == "" then return nil end
  return stdnse.tohex(text:sub(1, LIMIT))
end

-- Only the same address and port; whatever the library's own rule of that version of nmap is.
local function same_place(host, port)
  local left = REDIRECTS
  return function(url)
    left = left - 1
    return left >= 0 and url.host == host.ip and tonumber(url.port) == port.number and not url.userinfo
  end
end

local function redfish(host, port)
  local answer = http.get(host, port, "/redfish/v1/", { redirect_ok = false })
  if answer.status ~= 200 or not answer.body then return nil end
  local version = answer.body:match('"RedfishVersion"%s*:%s*"([%w%.%-]+)"')
  if not version then return nil end
  local out = stdnse.output_table()
  out.version = hex(version)
  out.vendor = hex(answer.body:match('"Vendor"%s*:%s*"([^"]*)"'))
  out.product = hex(answer.body:match('"Product"%s*:%s*"([^"]*)"'))
  return out
end

action = function(host, port)
  local answer = http.get(host, port, "/", { redirect_ok = same_place })
  if not answer.status then return nil end
  local out = stdnse.output_table()
  out.status = tostring(answer.status)
  out.title = answer.body and hex(answer.body:match("<[Tt][Ii][Tt][Ll][Ee][^>]*>(.-)</[Tt][Ii][Tt][Ll][Ee]>"))
  if answer.header then
    out.server = hex(answer.header["server"])
    out.powered = hex(answer.header["x-powered-by"])
    out.realm = hex(answer.header["www-authenticate"])
    out.location = hex(answer.header["location"])
    out.charset = hex((answer.header["content-type"] or ""):match("charset=[\"']?([%w%-_]+)"))
  end
  if not out.charset and answer.body then
    out.charset = hex(answer.body:match("<[Mm][Ee][Tt][Aa][^>]*charset=[\"']?([%w%-_]+)"))
  end
  if (port.version and port.version.service_tunnel == "ssl") or shortport.ssl(host, port) then
    out.redfish = redfish(host, port)
  end
  return out, "read"
end

"""OpenStack clouds, read through openstacksdk: projects, servers, networks, addresses, volumes and hypervisors.

``probe`` is the only module that is imported before a cloud is really asked. ``wire`` is the one way out: it
connects to checked addresses only. ``ask`` sends a request with patience and follows pages, ``keystone`` logs in,
``region`` reads one region under one token, ``facts`` turns rows into observations, ``survey`` is the whole run.
"""

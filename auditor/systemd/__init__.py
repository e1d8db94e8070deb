"""systemd units for a site or a worker, as text. Pure: nothing here touches a machine.

``words``      values as unit files write them: hostile ones are escaped or refused
``calendar``   cron's fields as ``OnCalendar=``
``hardening``  what each kind of unit may not do
``units``      the units of a site, by name
``worker``     the unit of a worker
"""

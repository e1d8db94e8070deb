"""Official lists as dated data: 安全可靠测评结果, and when makers end the support of operating systems.

The program ships what public sources told (``announcements.yaml``, ``ends.yaml``); a bureau imports its own full
tables beside it. :mod:`policies.lists.load` reads and checks them, :mod:`policies.lists.answers` says what they say
of a product on a day, and :mod:`policies.lists.join` lays the answers beside a snapshot's components.
"""
